"""The LogScanRuleSet custom resource: rules of a team's own, named by LogScans and policies as shipped packs are."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from logscan_api.bounded import Count, Generation
from logscan_api.models import Model
from logscan_api.rules import INLINE_BYTES, Rule, size_of
from logscan_api.schema import cel
from logscan_api.statuses import Condition

MOST_RULES = 200
MOST_LINES = 10
LINE_LENGTH = 512

Lines = Annotated[list[Annotated[str, Field(max_length=LINE_LENGTH)]], Field(max_length=MOST_LINES)]


class SetRule(Rule):
    """A rule with lines that show what it finds."""

    matches: Lines | None = Field(default=None, description="Lines that the rule must match.")
    ignores: Lines | None = Field(default=None, description="Lines that the rule must not match.")

    @property
    def rule(self) -> Rule:
        """Return the rule without its lines."""
        return Rule.model_construct(**{name: getattr(self, name) for name in Rule.model_fields})


class LogScanRuleSetSpec(Model):
    """Rules, and lines that test them."""

    model_config = ConfigDict(
        json_schema_extra={
            "x-kubernetes-validations": [
                cel(
                    "self.rules.map(r, (has(r.pattern) ? size(bytes(r.pattern)) : 0) "
                    f"+ (has(r.exclude) ? size(bytes(r.exclude)) : 0)).sum() <= {INLINE_BYTES}",
                    f"the patterns and excludes of a set have at most {INLINE_BYTES} bytes (UTF-8) together: "
                    "make two sets of it",
                )
            ]
        }
    )

    description: str | None = Field(default=None, max_length=1024, description="What kind of log the rules are for.")
    rules: Annotated[list[SetRule], Field(min_length=1, max_length=MOST_RULES)] = Field(
        description="The rules.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        if size_of(self.rules) > INLINE_BYTES:
            raise ValueError(
                f"the patterns, excludes and wheres of a set have at most {INLINE_BYTES} bytes (UTF-8) together: "
                "make two sets of it"
            )
        return self


class LogScanRuleSetStatus(Model):
    """Status of the set, written by the operator."""

    model_config = ConfigDict(extra="ignore")

    observed_generation: Generation | None = None
    rules: Count | None = Field(default=None, description="Number of rules.")
    compiled: bool | None = Field(default=None, description="Whether all rules compile; absent if that is not known.")
    conditions: Annotated[list[Condition], Field(max_length=16)] | None = Field(
        default=None,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )


class LogScanRuleSet(Model):
    """LogScanRuleSet holds rules that the LogScans and LogScanPolicies of its namespace can name."""

    spec: LogScanRuleSetSpec
    # Until the operator writes a status, kstatus reports the set as in progress.
    status: LogScanRuleSetStatus | None = LogScanRuleSetStatus(observed_generation=-1)


COLUMNS: list[dict[str, Any]] = [
    {"name": "Rules", "type": "integer", "jsonPath": ".status.rules"},
    {"name": "Compiled", "type": "boolean", "jsonPath": ".status.compiled"},
    {"name": "Ready", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].status"},
    {"name": "Reason", "type": "string", "jsonPath": ".status.conditions[?(@.type=='Ready')].reason"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    {
        "name": "Message",
        "type": "string",
        "jsonPath": ".status.conditions[?(@.type=='Ready')].message",
        "priority": 1,
    },
]
