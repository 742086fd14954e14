"""Changes that operator, policy and LogScan make to the Job of a scan."""

from typing import Annotated, Any

from pydantic import Field

from logscan_api.affinity import Affinity
from logscan_api.models import Model
from logscan_api.quantities import Amount

Label = Annotated[str, Field(max_length=63, pattern=r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")]
LabelMap = Annotated[dict[str, Label], Field(max_length=32)]
# At most 12: for more, Kubernetes 1.31 and 1.32 find the CEL rule of an amount too expensive, and refuse the CRD.
AmountMap = Annotated[dict[str, Amount], Field(max_length=12)]


class Resources(Model):
    """Requests and limits of the scanner's container, as in a pod."""

    requests: AmountMap | None = Field(default=None, description="For example cpu: 500m, memory: 128Mi.")
    limits: AmountMap | None = Field(default=None, description="For example memory: 256Mi.")

    def over(self, base: "Resources") -> "Resources":
        """Return these amounts, and the base's for every resource that they leave out."""
        requests = {**(base.requests or {}), **(self.requests or {})}
        limits = {**(base.limits or {}), **(self.limits or {})}
        return self.model_copy(update={"requests": requests, "limits": limits})


class Toleration(Model):
    """A toleration of the scanner's pod, as in a pod."""

    key: str | None = Field(default=None, max_length=317)
    operator: Annotated[str, Field(max_length=16, pattern="^(Exists|Equal)$")] | None = None
    value: Label | None = None
    effect: Annotated[str, Field(max_length=16, pattern="^(NoSchedule|PreferNoSchedule|NoExecute)$")] | None = None
    toleration_seconds: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None = None


class JobTemplate(Model):
    """Changes to the operator's own Job template."""

    resources: Resources | None = Field(default=None, description="Requests and limits of the container.")
    node_selector: LabelMap | None = Field(default=None, description="Node labels that the pod needs.")
    tolerations: Annotated[list[Toleration], Field(max_length=16)] | None = Field(
        default=None, description="Taints that the pod tolerates."
    )
    affinity: Affinity | None = Field(
        default=None,
        description="Affinity of the pod, as in a pod; the API server validates it when the Job is created.",
    )
    priority_class_name: str | None = Field(default=None, max_length=253, description="PriorityClass of the pod.")
    labels: LabelMap | None = Field(
        default=None, description="Labels of the Job and its pod, such as Kueue's queue name."
    )

    def over(self, base: "JobTemplate") -> "JobTemplate":
        """Return this template with the base's value for every field not set; labels and resources are merged."""
        gaps: dict[str, Any] = {n: getattr(base, n) for n in JobTemplate.model_fields if getattr(self, n) is None}
        if self.labels and base.labels:
            gaps["labels"] = {**base.labels, **self.labels}
        if self.resources and base.resources:
            gaps["resources"] = self.resources.over(base.resources)
        return self.model_copy(update=gaps)
