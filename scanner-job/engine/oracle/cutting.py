"""Rules cut out of the lines of a log, in the forms in which people write them.

Each matches the line that it was cut from or one that is much like it, so that a match that the engine loses shows.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_PATTERN_BYTES = 1000
WORD = re.compile(r"[A-Za-z][A-Za-z_]{2,24}")
MARKED = re.compile(r"([!-/:-@\[-`{-~])[\s\"']*([A-Za-z][A-Za-z_]{2,24})")
DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class CutRule:
    """A rule made of a line.

    Attributes:
        form: The form's name.
        pattern: The expression.
    """

    form: str
    pattern: str


@dataclass(frozen=True)
class Cut:
    """What was picked from a line: in it, `first` comes before `mark`, and `second` right behind that."""

    first: str
    mark: str
    second: str
    line: str
    chance: random.Random

    @property
    def excerpt(self) -> str:
        """Return a part of the line, written as an expression that matches other numbers too."""
        length = self.chance.randrange(8, 120)
        start = self.chance.randrange(max(1, len(self.line) - length))
        return generalised(self.line[start : start + length], self.chance)


def literal(text: str) -> str:
    """Return an expression that matches a text and nothing else."""
    return "".join(f"\\x{ord(c):02x}" if ord(c) < 32 or ord(c) == 127 else re.escape(c) for c in text)


def generalised(text: str, chance: random.Random) -> str:
    """Return an expression for a text in which its numbers, and now and then its spaces, may be others."""
    parts, at = [], 0
    for number in DIGITS.finditer(text):
        parts.append(literal(text[at : number.start()]))
        parts.append(chance.choice([r"\d+", r"[0-9]+", rf"\d{{{len(number[0])}}}", r"[\d.]*"]))
        at = number.end()
    parts.append(literal(text[at:]))
    whole = "".join(parts)
    return re.sub(r"(?:\\ )+", r"\\s+", whole) if chance.random() < 0.3 else whole


FORMS: dict[str, Callable[[Cut], str]] = {
    r"A.*P\s*B": lambda c: rf"{c.first}.*{c.mark}\s*{c.second}",
    r"A.*P\s+B": lambda c: rf"{c.first}.*{c.mark}\s+{c.second}",
    r"A.*\s+B": lambda c: rf"{c.first}.*\s+{c.second}",
    r"A[^,]*P\s*B": lambda c: rf"{c.first}[^,]*{c.mark}\s*{c.second}",
    r"A[^,]*\bB": lambda c: rf"{c.first}[^,]*\b{c.second}",
    r"A.*[=:]\s*B": lambda c: rf"{c.first}.*[=:]\s*{c.second}",
    r"""A.*P["' ]*B""": lambda c: rf"""{c.first}.*{c.mark}["' ]*{c.second}""",
    r"""A.*["' :]*B""": lambda c: rf"""{c.first}.*["' :]*{c.second}""",
    r"A.*P\W*B": lambda c: rf"{c.first}.*{c.mark}\W*{c.second}",
    r"A.*?B": lambda c: rf"{c.first}.*?{c.second}",
    r"A.{0,n}B": lambda c: rf"{c.first}.{{0,{c.chance.randrange(1, 90)}}}{c.second}",
    r"A.*[^a-z]B": lambda c: rf"{c.first}.*[^a-z]{c.second}",
    r"\bA\b.*\bB\b": lambda c: rf"\b{c.first}\b.*\b{c.second}\b",
    r"(?:^|\s)B": lambda c: rf"(?:^|\s){c.second}",
    r"^.{0,40}A\b.*\d+": lambda c: rf"^.{{0,40}}{c.first}\b.*\d+",
    r"(?:A|B)\S*\s+\S+": lambda c: rf"(?:{c.first}|{c.second})\S*\s+\S+",
    r"A.*B$": lambda c: rf"{c.first}.*{c.second}\W*$",
    r"^(?=.*A)(?=.*B)": lambda c: rf"^(?=.*{c.first})(?=.*{c.second})",
    r"A(?!.*B)": lambda c: rf"{c.first}(?!.*{c.second})",
    r"(?<=P)\s*+B": lambda c: rf"(?<={c.mark})\s*+{c.second}",
    "excerpt": lambda c: c.excerpt,
    "^.*excerpt": lambda c: rf"^.*{c.excerpt}",
    "whole line": lambda c: rf"^{generalised(c.line, c.chance)}$",
}


def cut_rules(lines: Sequence[bytes], most: int, seed: str) -> list[CutRule]:
    """Return rules cut out of lines, each form about as often, a third of them with `(?i)`.

    Args:
        lines: The lines of a log.
        most: How many rules; fewer come of a log with few different words.
        seed: The same seed and lines give the same rules.
    """
    found: dict[str, CutRule] = {}
    for rule in _endless(lines, random.Random(seed), tries=most * 8):
        found.setdefault(rule.pattern, rule)
        if len(found) == most:
            break
    return list(found.values())


def _endless(lines: Sequence[bytes], chance: random.Random, tries: int) -> Iterator[CutRule]:
    forms = list(FORMS)
    for number in range(tries):
        insensitive = chance.random() < 0.33
        cut = _pick(chance.choice(lines).rstrip(b"\r"), insensitive, chance) if lines else None
        if cut is None:
            continue
        form = forms[number % len(forms)]
        pattern = FORMS[form](cut)
        if 0 < len(pattern.encode()) <= MAX_PATTERN_BYTES:
            yield CutRule(f"(?i){form}" if insensitive else form, f"(?i){pattern}" if insensitive else pattern)


def _pick(line: bytes, insensitive: bool, chance: random.Random) -> Cut | None:
    """Return a word of a line, in the other case if that is the same, and a later one behind a mark; or None."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return None
    marked = list(MARKED.finditer(text))
    if not marked:
        return None
    behind = chance.choice(marked)
    before = [word[0] for word in WORD.finditer(text, 0, behind.start())]
    if not before:
        return None
    first = chance.choice(before)
    return Cut(first.swapcase() if insensitive else first, re.escape(behind[1]), behind[2], text, chance)
