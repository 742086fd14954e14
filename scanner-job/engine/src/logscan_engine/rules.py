"""What the engine needs to know of a rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    r"""What a line must be, by a regular expression, by its fields, or by both, and how such lines count.

    Attributes:
        name: What errors call it.
        pattern: The expression in PCRE's syntax; docs/rules.md says what it may be.
        where: By the path of a field of a line that is JSON, what its value may be, as docs/rules.md has it.
        severity: The rank of its severity, from 0, the mildest, to 3.
        ignore_case: Whether letters match in either case.
        unicode: Whether characters are Unicode's, not bytes, and classes such as `\w` hold its letters.
        exclude: A line that matches this expression too does not count.
        threshold: From which line on the rule finds something; those before are counted for the rule alone.
    """

    name: str
    pattern: str | None = None
    severity: int = 0
    ignore_case: bool = False
    unicode: bool = False
    exclude: str | None = None
    threshold: int = 1
    where: Mapping[str, Sequence[str]] | None = None
