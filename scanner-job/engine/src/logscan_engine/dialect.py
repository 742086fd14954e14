r"""Rules as people write them, made fit for scanning many lines at once.

The engine scans blocks of whole lines, but a rule is about one line, as in grep. So nothing in an expression may
match a newline: classes that could (`\s`, `\W`, `\D`, `[^a]`, `[\x00-\x1f]`) lose it, `\A` and `\z` become `^` and
`$`, and an expression that asks for a newline is refused. A trailing `.*` or `x+` only prolongs a match and costs a
report per byte; it is trimmed where that leaves the same lines.
"""

import re
from dataclasses import dataclass

from logscan_engine.errors import InvalidRuleError

NEWLINE = 0x0A
DIGITS = frozenset(range(0x30, 0x3A))
WORDS = DIGITS | frozenset(range(0x41, 0x5B)) | frozenset(range(0x61, 0x7B)) | {0x5F}
SPACES = frozenset(b" \t\n\r\f\v")
HORIZONTAL = frozenset(b" \t\xa0")
VERTICAL = frozenset(b"\n\r\f\v\x85")
ALL = frozenset(range(256))
POSIX = {
    "alpha": frozenset(b for b in range(128) if chr(b).isalpha()),
    "digit": DIGITS,
    "alnum": frozenset(b for b in range(128) if chr(b).isalnum()),
    "upper": frozenset(range(0x41, 0x5B)),
    "lower": frozenset(range(0x61, 0x7B)),
    "space": SPACES,
    "blank": frozenset(b" \t"),
    "punct": frozenset(b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    "print": frozenset(range(0x20, 0x7F)),
    "graph": frozenset(range(0x21, 0x7F)),
    "cntrl": frozenset([*range(0x20), 0x7F]),
    "xdigit": frozenset(b"0123456789abcdefABCDEF"),
    "word": WORDS,
    "ascii": frozenset(range(128)),
}
SETS = {
    "d": DIGITS,
    "D": ALL - DIGITS,
    "w": WORDS,
    "W": ALL - WORDS,
    "s": SPACES,
    "S": ALL - SPACES,
    "h": HORIZONTAL,
    "H": ALL - HORIZONTAL,
    "v": VERTICAL,
    "V": ALL - VERTICAL,
}
SIMPLE = {"t": 0x09, "r": 0x0D, "f": 0x0C, "a": 0x07, "e": 0x1B}
ESCAPE = re.compile(rb"\\(x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{0,2}|0[0-7]{0,2}|c.|[^x0c])", re.DOTALL)


class DialectError(Exception):
    """An expression that a rule cannot have. The message says what and where, from 0."""


@dataclass(frozen=True)
class _Token:
    text: bytes
    end: int


def per_line(pattern: str) -> bytes:
    """Return an expression that matches within a line, for an engine that scans blocks of lines.

    Args:
        pattern: The rule's expression.

    Raises:
        DialectError: It asks for a newline or for something that cannot be kept within a line.
    """
    source = pattern.encode()
    out, position = [], 0
    while position < len(source):
        token = _next(source, position)
        out.append(token.text)
        position = token.end
    return trim(b"".join(out))


def _next(source: bytes, position: int) -> _Token:
    byte = source[position : position + 1]
    if byte == b"\n":
        raise DialectError(f"a newline at {position} can never match: rules are matched line by line")
    if byte == b"[":
        return _class(source, position)
    if byte == b"\\":
        return _escape(source, position)
    if source.startswith(b"(?", position):
        return _group(source, position)
    return _Token(byte, position + 1)


def _escape(source: bytes, position: int) -> _Token:
    if source.startswith(b"\\Q", position):
        end = source.find(b"\\E", position)
        literal = source[position + 2 : end if end >= 0 else len(source)]
        return _Token(re.escape(literal), end + 2 if end >= 0 else len(source))
    match = ESCAPE.match(source, position)
    if match is None:
        raise DialectError(f"the backslash at {position} is followed by nothing it can escape")
    name = match[1].decode("latin-1")
    if name in SETS:
        return _Token(_byte_class(SETS[name] - {NEWLINE}), match.end())
    if name in ("A", "z", "Z"):
        return _Token(b"^" if name == "A" else b"$", match.end())
    if _code(name) == NEWLINE:
        raise DialectError(f"the newline at {position} can never match: rules are matched line by line")
    if name in ("R", "X", "K", "G", "C"):
        raise DialectError(f"\\{name} at {position} is not supported in rules")
    return _Token(b"." if name == "N" else match[0], match.end())


def _code(name: str) -> int | None:
    """Return the byte that an escape stands for, or None if it stands for no single byte."""
    if name in SIMPLE:
        return SIMPLE[name]
    if name == "n":
        return NEWLINE
    if name.startswith("x"):
        return int(name[1:].strip("{}") or "0", 16)
    if name.startswith("0"):
        return int(name, 8)
    if name.startswith("c") and len(name) == 2:
        return ord(name[1].upper()) ^ 0x40
    return None


def _group(source: bytes, position: int) -> _Token:
    flags = re.compile(rb"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])").match(source, position)
    if flags is None or (not flags[1] and not flags[2]):
        return _Token(source[position : position + 2], position + 2)
    on, off = flags[1], flags[2] or b""
    if b"x" in on:
        raise DialectError(f"free spacing (?x) at {position} is not supported: write the expression on one line")
    # Within a line `s` and `m` change nothing: `.` meets no newline, and `^` and `$` are the line's ends already.
    on, off = on.translate(None, b"sm"), off.translate(None, b"sm")
    inner = on + (b"-" + off if off else b"")
    if not inner:
        return _Token(b"(?:" if flags[3] == b":" else b"", flags.end())
    return _Token(b"(?" + inner + flags[3], flags.end())


def _class(source: bytes, position: int) -> _Token:
    at = position + 1
    negated = source.startswith(b"^", at)
    at += negated
    members: set[int] = set()
    first, low = True, None
    while True:
        if at >= len(source):
            raise DialectError(f"the character class at {position} has no end")
        if source.startswith(b"]", at) and not first:
            break
        first = False
        if low is not None and source.startswith(b"-", at) and not source.startswith(b"]", at + 1):
            item, after = _member(source, at + 1, position)
            if isinstance(item, int):
                if item < low:
                    raise DialectError(f"the range in the character class at {position} is out of order")
                members.update(range(low, item + 1))
                at, low = after, None
                continue
        item, at = _member(source, at, position)
        members.update([item] if isinstance(item, int) else item)
        low = item if isinstance(item, int) else None
    chosen = frozenset(ALL - members if negated else members) - {NEWLINE}
    if not chosen:
        raise DialectError(f"the character class at {position} matches nothing within a line")
    return _Token(_byte_class(chosen), at + 1)


def _member(source: bytes, at: int, position: int) -> tuple[int | frozenset[int], int]:
    named = re.compile(rb"\[:(\^?)([a-z]+):\]").match(source, at)
    if named is not None:
        members = POSIX.get(named[2].decode())
        if members is None:
            raise DialectError(f"[:{named[2].decode()}:] in the character class at {position} is unknown")
        return (ALL - members if named[1] else members), named.end()
    if source[at] != 0x5C:
        if source[at] >= 0x80:
            raise DialectError(
                f"the character class at {position} has a letter beyond ASCII, which is several bytes: "
                "use an alternation such as (?:ä|ö)"
            )
        return source[at], at + 1
    match = ESCAPE.match(source, at)
    if match is None:
        raise DialectError(f"the character class at {position} ends in a backslash")
    name = match[1].decode("latin-1")
    if name in SETS:
        return SETS[name], match.end()
    code = 0x08 if name == "b" else _code(name)
    if code is None:
        code = ord(name[0])
    if code > 0xFF:
        raise DialectError(f"the character class at {position} has a code beyond one byte")
    return code, match.end()


def _byte_class(members: frozenset[int]) -> bytes:
    """Return a class that lists exactly these bytes as ranges."""
    parts, ordered = [], sorted(members)
    start = previous = ordered[0]
    for byte in [*ordered[1:], -1]:
        if byte == previous + 1:
            previous = byte
            continue
        parts.append(b"\\x%02x" % start if start == previous else b"\\x%02x-\\x%02x" % (start, previous))
        start = previous = byte
    return b"[" + b"".join(parts) + b"]"


def trim(pattern: bytes) -> bytes:
    """Return an expression without a leading or trailing part that any line satisfies anyway.

    `ERROR.*` matches the same lines as `ERROR`, but reports a match at every byte that follows.
    """
    if b"|" in pattern or b"(?" in pattern or b"\\Q" in pattern:
        return pattern
    trimmed = re.sub(rb"^(?:\.\*)+\??", b"", pattern)
    if not re.search(rb"(?<!\\)(?:\\\\)*\\\.\*\??$", trimmed):
        trimmed = re.sub(rb"(?:\.\*\??)+$", b"", trimmed)
    return trimmed or pattern


def explain(rule: str, error: Exception) -> InvalidRuleError:
    """Return the error that a person sees for a rule that cannot be used."""
    return InvalidRuleError(f"rule {rule!r}: {str(error).rstrip('.')}")
