"""Rules, and which of them a scan runs."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from logscan_api import fields
from logscan_api.models import Model
from logscan_api.schema import cel

MOST_PACKS = 8
MOST_RULE_SETS = 4
INLINE_BYTES = 60 * 1024  # so many, in each set as well, surely fit into the variables of the Job with all the rest
INLINE_LIMIT = cel(
    "!has(self.inline) || self.inline.map(r, (has(r.pattern) ? size(bytes(r.pattern)) : 0) "
    f"+ (has(r.exclude) ? size(bytes(r.exclude)) : 0)).sum() <= {INLINE_BYTES}",
    f"the patterns and excludes of all inline rules have at most {INLINE_BYTES} bytes (UTF-8) together: "
    "shorten them, or scan twice with half of the rules each",
)
ANY_OF: list[JsonValue] = [{"required": ["pattern"]}, {"required": ["where"]}]

NOT_EMPTY = cel(
    "(has(self.packs) && size(self.packs) > 0) || (has(self.ruleSets) && size(self.ruleSets) > 0) "
    "|| (has(self.inline) && size(self.inline) > 0)",
    "name at least one pack, rule set or inline rule; a LogScan without rules uses those of the matching LogScanPolicy",
)


class Severity(StrEnum):
    """How bad a matching line is, mildest first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for the mildest severity and more for worse ones."""
        return RANKS[self]


RANKS = {severity: rank for rank, severity in enumerate(Severity)}


RuleName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
SetName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Pattern = Annotated[str, Field(min_length=1, max_length=1024)]


class Rule(Model):
    """What a line must be, by a regular expression, by its fields, or by both, with the severity of such lines."""

    model_config = ConfigDict(json_schema_extra={"anyOf": ANY_OF})

    name: RuleName = Field(description="Name of the rule, unique in the scan: lowercase letters, digits and '-'.")
    pattern: Pattern | None = Field(
        default=None,
        description="Regular expression in PCRE syntax, matched against each line; it cannot match a newline. "
        "A rule has a pattern, a where, or both: then a line must fulfil both.",
    )
    where: fields.Where | None = Field(
        default=None,
        description="Fields of a line (or other record) that is JSON, by their paths: `level`, `log.level`. All must "
        "fulfil their conditions. A condition is a text (equal in either case), a number (equal however it is "
        "written), true or false, a comparison such as `>=500` or `>=500 <600`, `!=text` for any other value or none, "
        "`!=` for a value that is not empty, or a list: any of its values, and none of those with `!=`. `=text` is the "
        "text itself. A line that is not JSON does not match.",
    )
    severity: Severity = Field(default=Severity.ERROR, description="Severity of a line that matches (default error).")
    ignore_case: bool = Field(default=False, description="Match letters of either case (ASCII; default false).")
    unicode: bool | None = Field(
        default=None,
        description="Match characters of UTF-8 instead of bytes: letter case, `\\d`, `\\w`, `\\s` and `\\b` are "
        "those of Unicode (default false: of ASCII).",
    )
    exclude: Pattern | None = Field(
        default=None, description="Lines that also match this expression do not count for the rule."
    )
    threshold: int = Field(
        default=1,
        ge=1,
        le=1_000_000_000,
        description="Minimum number of matching lines before the rule reports (default 1). Earlier matches count for "
        "the rule, but not for matchedLines or severity.",
    )
    redact: bool = Field(
        default=True,
        description="Mask secrets, email addresses and card numbers in the rule's sample lines (default true).",
    )

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if self.pattern is None and self.where is None:
            raise ValueError("needs a pattern, a where, or both")
        return self

    def for_engine(self) -> dict[str, Any]:
        """Return the fields of the engine's own rule (`logscan_engine.Rule`)."""
        return {
            "name": self.name,
            "pattern": self.pattern,
            "where": self.where,
            "severity": self.severity.rank,
            "ignore_case": self.ignore_case,
            "unicode": bool(self.unicode),
            "exclude": self.exclude,
            "threshold": self.threshold,
        }


def size_of(rules: Sequence[Rule]) -> int:
    """Return the bytes (UTF-8) of the patterns, excludes and wheres of rules."""
    texts = [text for rule in rules for text in (rule.pattern, rule.exclude) if text]
    return sum(map(fields.size_of, texts)) + sum(fields.size(rule.where) for rule in rules)


class RuleSelection(Model):
    """Which rules a scan runs: shipped packs, rule sets, and rules of its own."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-validations": [NOT_EMPTY, INLINE_LIMIT]})

    packs: Annotated[list[RuleName], Field(max_length=MOST_PACKS)] | None = Field(
        default=None,
        description="Names of shipped rule packs; `kubectl explain` cannot list them, docs/rules.md does.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    rule_sets: Annotated[list[SetName], Field(max_length=MOST_RULE_SETS)] | None = Field(
        default=None,
        description="Names of LogScanRuleSets in the same namespace. A scan waits until they are there and ready.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    inline: Annotated[list[Rule], Field(max_length=100)] | None = Field(
        default=None,
        description="Rules of your own. A rule here replaces one of the same name from a pack or rule set.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )

    @model_validator(mode="after")
    def _is_short(self) -> Self:
        inline = self.inline or []
        if any(rule.where for rule in inline) and size_of(inline) > INLINE_BYTES:
            raise ValueError(
                f"the patterns, excludes and wheres of all inline rules have at most {INLINE_BYTES} bytes (UTF-8) "
                "together: shorten them, or scan twice with half of the rules each"
            )
        return self
