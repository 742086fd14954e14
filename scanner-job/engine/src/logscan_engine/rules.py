"""What the engine needs to know of a rule."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    r"""A regular expression and how its lines count.

    Attributes:
        name: What errors call it.
        pattern: The expression in PCRE's syntax; docs/rules.md says what it may be.
        severity: The rank of its severity, from 0, the mildest, to 3.
        ignore_case: Whether letters match in either case.
        unicode: Whether characters are Unicode's, not bytes, and classes such as `\w` hold its letters.
        exclude: A line that matches this expression too does not count.
        threshold: From which line on the rule finds something; those before are counted for the rule alone.
    """

    name: str
    pattern: str
    severity: int = 0
    ignore_case: bool = False
    unicode: bool = False
    exclude: str | None = None
    threshold: int = 1
