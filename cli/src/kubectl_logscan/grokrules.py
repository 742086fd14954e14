r"""Grok patterns, such as Logstash's: `NAME expression`, in which `%{NAME}` stands for another one.

Their expressions are of Oniguruma. Of what it and PCRE read differently, `\h` (a hexadecimal digit) and names of groups
are translated, and what cannot be is left out.
"""

import re
from collections.abc import Iterator, Mapping

from kubectl_logscan.conversions import Draft
from kubectl_logscan.errors import UsageError

MOST_CHARACTERS = 1024  # of a rule's pattern
DEEPEST = 40
LONG = 512  # characters of a definition
# Logstash's IPV6 has 1,200 characters, so that nothing with an address would have room. This is the form of an address.
SHORT_IPV6 = r"(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f.]{0,15}(?:%\w+)?"
_LINE = re.compile(r"([A-Za-z0-9_]+)\s+(.+)")
_USE = re.compile(r"%\{([A-Za-z0-9_]+)(?::[^}]*)?\}")
_NAMED = re.compile(r"\(\?<(?![=!])[^>]*>")
_CLASSES = {"h": "0-9a-fA-F"}


class _LostError(Exception):
    """A pattern cannot be converted; the message says why."""


def definitions(text: str) -> dict[str, str]:
    """Return the patterns of a file by their names.

    Raises:
        UsageError: A line is neither a pattern nor a comment.
    """
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        parts = _LINE.fullmatch(line.strip())
        if parts is None:
            raise UsageError(f"line {number} is no grok pattern: write NAME, a space, and the expression")
        found[parts[1]] = parts[2]
    return found


def drafts(own: Mapping[str, str], others: Mapping[str, str], wanted: list[str], severity: str) -> Iterator[Draft]:
    """Yield a draft for each pattern that is wanted.

    Args:
        own: The patterns of the file.
        others: Further patterns that these may use.
        wanted: Names; if there are none, all of the file that no other one of it uses.
        severity: Severity of the rules.
    """
    known = {**others, **own}
    if len(known.get("IPV6", "")) > LONG:
        known["IPV6"] = SHORT_IPV6
    used = {name for text in own.values() for name in _USE.findall(text)}
    for name in wanted or [name for name in own if name not in used]:
        try:
            pattern = _expanded(name, known, ())
            wider = "which digits an IPv6 address has" if SHORT_IPV6 in pattern else ""
            yield Draft(name, {"pattern": pattern, "severity": severity}, wider=wider)
        except _LostError as lost:
            yield Draft(name, lost=str(lost))


def _expanded(name: str, known: Mapping[str, str], within: tuple[str, ...]) -> str:
    if name not in known:
        raise _LostError(f"there is no pattern {name}: name its file with --with")
    if name in within or len(within) > DEEPEST:
        raise _LostError(f"{name} uses itself")
    text = _translated(known[name])
    parts = _USE.split(text)
    for place in range(1, len(parts), 2):
        parts[place] = f"(?:{_expanded(parts[place], known, (*within, name))})"
        if len(parts[place]) > MOST_CHARACTERS:
            break
    whole = "".join(parts)
    if len(whole) > MOST_CHARACTERS:
        raise _LostError(f"with all that it uses it has more than {MOST_CHARACTERS} characters")
    return whole


def _translated(text: str) -> str:
    """Return an expression of Oniguruma for PCRE."""
    if "&&" in text:
        raise _LostError("PCRE has no intersection of character classes (&&)")
    if re.search(r"\\[kg]<", text):
        raise _LostError("it refers to a group by its name")
    if re.search(r"\(\?[a-z]*m[a-z]*[:)]", text):
        raise _LostError("(?m) is of several lines in Ruby")
    if re.search(r"\\H", text):
        raise _LostError(r"\H means something else in PCRE")
    return _hexadecimal(_NAMED.sub("(", text))


def _hexadecimal(text: str) -> str:
    r"""Replace `\h`, inside a class and outside."""
    made, inside, place = [], False, 0
    while place < len(text):
        character = text[place]
        if character == "\\" and place + 1 < len(text):
            escaped = text[place + 1]
            digits = _CLASSES.get(escaped)
            made.append(f"\\{escaped}" if digits is None else digits if inside else f"[{digits}]")
            place += 2
            continue
        inside = (inside or character == "[") and character != "]"
        made.append(character)
        place += 1
    return "".join(made)
