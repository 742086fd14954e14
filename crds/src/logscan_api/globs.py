"""Globs over bucket names and keys: `*` within a path segment, `**` across segments, `?` one character.

Keys come from whoever may upload, so matching must not backtrack: a key of underscores against `**/*_*_*_*.gz` would
stop a backtracking matcher for minutes. A glob becomes an automaton whose states are the bits of an integer. All
possible positions in the glob advance together, so the time is linear in the text. (The method is Shift-And with
self-loops: Navarro and Raffinot, Flexible Pattern Matching in Strings, chapter 4.)
"""

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

_WILDCARD = re.compile(r"\*\*/|\*\*|\*|\?")
# What two wildcards in a row are equal to. Merged, they make no long chain of parts that may all match nothing.
_MERGED = {("**", "*"): "**", ("**", "**"): "**", ("**", "**/"): "**", ("**/", "**"): "**", ("**/", "**/"): "**/"}


@dataclass(frozen=True)
class Glob:
    """A compiled glob.

    Attributes:
        prefix: The literal text before the first wildcard.
        suffix: The literal text after the last one; None if the glob has no wildcard.
        middle: Returns whether the text between them matches.
    """

    prefix: str
    suffix: str | None
    middle: Callable[[str], bool]

    def matches(self, text: str) -> bool:
        """Return whether the glob matches the whole text."""
        if self.suffix is None:
            return text == self.prefix
        if len(text) < len(self.prefix) + len(self.suffix):
            return False
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return False
        return self.middle(text[len(self.prefix) : len(text) - len(self.suffix)])


@dataclass
class _Automaton:
    """Positions in a glob as the bits of integers: bit i is the position before the glob's part i.

    Attributes:
        length: How many parts there are; the bit of that number is the end.
        literal: For each character, the parts that match exactly this one.
        other: The parts that match one character of any kind but `/`.
        within: The parts that match any number of characters but `/`.
        across: The parts that match any number of characters.
        skipped: The parts that may match nothing, so that the next part may begin at once.
        folders: The parts `**/` that may match nothing: they skip the part after them too.
    """

    length: int = 0
    literal: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    other: int = 0
    within: int = 0
    across: int = 0
    skipped: int = 0
    folders: int = 0

    def add(self, part: str) -> None:
        """Append a part: a wildcard, or one character."""
        bit = 1 << self.length
        self.length += 1
        if part == "**/":  # nothing at all, or anything that ends with "/": two parts, and a way round both
            self.skipped |= bit
            self.folders |= bit
            self.across |= bit << 1
            self.literal["/"] |= bit << 1
            self.length += 1
        elif part == "**":
            self.skipped |= bit
            self.across |= bit
        elif part == "*":
            self.skipped |= bit
            self.within |= bit
        elif part == "?":
            self.other |= bit
        else:
            self.literal[part] |= bit

    def matches(self, text: str) -> bool:
        """Return whether the parts match the whole text."""
        literal = self.literal.get
        inner, outer = self.within | self.across, self.across
        states = self._skip(1)
        for character in text:
            if character == "/":
                states = self._skip(((states & literal("/", 0)) << 1) | (states & outer))
            else:
                states = self._skip(((states & (literal(character, 0) | self.other)) << 1) | (states & inner))
            if not states:
                return False
        return bool(states >> self.length)

    def _skip(self, states: int) -> int:
        """Return the states with those that follow when parts match nothing."""
        while True:
            more = states | (states & self.skipped) << 1 | (states & self.folders) << 2
            if more == states:
                return states
            states = more


@lru_cache(maxsize=4096)
def compile_glob(glob: str) -> Glob:
    """Return a glob ready to match.

    `**/` also matches nothing, so that `**/app.log` matches `app.log` itself.
    """
    places = list(_WILDCARD.finditer(glob))
    if not places:
        return Glob(glob, None, _anything)
    prefix, suffix = glob[: places[0].start()], glob[places[-1].end() :]
    return Glob(prefix, suffix, _middle(_merged(glob[len(prefix) : len(glob) - len(suffix)])))


def matches(globs: list[str], text: str) -> bool:
    """Return whether any of the globs matches the whole text."""
    return any(compile_glob(glob).matches(text) for glob in globs)


def _middle(parts: list[str]) -> Callable[[str], bool]:
    """Return what matches the parts of a glob; those of most globs need no automaton, which takes 20 µs for a key."""
    if parts in (["**"], ["**/", "*"]):
        return _anything
    if parts == ["*"]:
        return _one_segment
    automaton = _Automaton()
    for part in parts:
        automaton.add(part)
    return automaton.matches


def _anything(_: str) -> bool:
    return True


def _one_segment(text: str) -> bool:
    return "/" not in text


def _merged(glob: str) -> list[str]:
    """Return a glob's wildcards and single characters, with runs of wildcards made one."""
    parts: list[str] = []
    for part in re.findall(r"\*\*/|\*\*|.", glob, re.DOTALL):
        pair = (parts[-1], part) if parts else ("", part)
        if pair in _MERGED:
            parts[-1] = _MERGED[pair]
        else:
            parts.append(part)
    return parts
