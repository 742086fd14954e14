"""Affinity of a pod, field by field as in Kubernetes' own API.

An open object would accept a megabyte of anything, and each LogScan is in the operator's memory. The API server still
validates what the fields say when the Job is created.
"""

from typing import Annotated

from pydantic import ConfigDict, Field

from logscan_api.models import Model

TERMS = 8
REQUIREMENTS = 16
VALUES = 32

LabelName = Annotated[str, Field(max_length=317)]  # a prefix of 253 characters, a slash, and 63
LabelValue = Annotated[str, Field(max_length=63)]
Weight = Annotated[int, Field(ge=1, le=100, description="Weight of the term, from 1 to 100.")]


class _Part(Model):
    """A part of an affinity. Fields of a newer Kubernetes are dropped, as the API server drops them."""

    model_config = ConfigDict(extra="ignore")


class Requirement(_Part):
    """A condition on one label."""

    key: LabelName = Field(description="Name of the label or field.")
    operator: Annotated[str, Field(max_length=16)] = Field(
        description="How the label relates to the values: In, NotIn, Exists, DoesNotExist, and for nodes Gt and Lt."
    )
    values: Annotated[list[LabelValue], Field(max_length=VALUES)] | None = Field(default=None, description="Values.")


Requirements = Annotated[list[Requirement], Field(max_length=REQUIREMENTS)]


class NodeSelectorTerm(_Part):
    """Conditions on a node; all must hold."""

    match_expressions: Requirements | None = Field(default=None, description="Conditions on the node's labels.")
    match_fields: Requirements | None = Field(default=None, description="Conditions on the node's fields.")


class NodeSelector(_Part):
    """Terms of which one must hold."""

    node_selector_terms: Annotated[list[NodeSelectorTerm], Field(max_length=TERMS)] = Field(description="The terms.")


class PreferredNodes(_Part):
    """A term and how much it counts."""

    weight: Weight
    preference: NodeSelectorTerm = Field(description="The term.")


class NodeAffinity(_Part):
    """Which nodes the pod needs or prefers."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = Field(
        default=None, description="What a node must have."
    )
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredNodes], Field(max_length=TERMS)] | None
    ) = Field(default=None, description="What is preferred.")


class LabelSelector(_Part):
    """A selector of labels."""

    match_labels: Annotated[dict[str, LabelValue], Field(max_length=REQUIREMENTS)] | None = Field(
        default=None, description="Labels that must be there."
    )
    match_expressions: Requirements | None = Field(default=None, description="Conditions on labels.")


Names = Annotated[list[LabelName], Field(max_length=REQUIREMENTS)]


class PodTerm(_Part):
    """Which pods to be near to, or far from."""

    topology_key: LabelName = Field(description="Label of the nodes that are one place.")
    label_selector: LabelSelector | None = Field(default=None, description="Labels of the pods.")
    namespaces: Names | None = Field(default=None, description="Namespaces of the pods.")
    namespace_selector: LabelSelector | None = Field(default=None, description="Labels of the pods' namespaces.")
    match_label_keys: Names | None = Field(default=None, description="Labels whose value must be that of the pod.")
    mismatch_label_keys: Names | None = Field(default=None, description="Labels whose value must be another one.")


class PreferredPods(_Part):
    """A term and how much it counts."""

    weight: Weight
    pod_affinity_term: PodTerm = Field(description="The term.")


class PodAffinity(_Part):
    """Pods that are near, or far."""

    required_during_scheduling_ignored_during_execution: Annotated[list[PodTerm], Field(max_length=TERMS)] | None = (
        Field(default=None, description="What must hold.")
    )
    preferred_during_scheduling_ignored_during_execution: (
        Annotated[list[PreferredPods], Field(max_length=TERMS)] | None
    ) = Field(default=None, description="What is preferred.")


class Affinity(_Part):
    """Affinity of a pod."""

    node_affinity: NodeAffinity | None = Field(default=None, description="Which nodes the pod needs or prefers.")
    pod_affinity: PodAffinity | None = Field(default=None, description="Which pods it needs or prefers near it.")
    pod_anti_affinity: PodAffinity | None = Field(default=None, description="Which pods it must or should avoid.")
