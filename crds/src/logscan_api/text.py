"""Text from outside, such as keys, names of archive members and messages, made fit to be shown."""

import unicodedata

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
_ELLIPSIS = "…"
_LEAST_BYTES = 16  # of a part with an ellipsis at both ends


def printable(text: str) -> str:
    """Return a text on one line, without anything that could control a terminal or disguise what the text says.

    Tabs, line ends and the spaces of other scripts become spaces. Every other character that Unicode does not count as
    printable becomes U+FFFD: control characters (C0, DEL and C1), marks that change the direction of the text or have
    no width, lone surrogates, and code points that mean nothing.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if _is_space(c) else UNPRINTABLE for c in text)


def cut(text: str, max_bytes: int) -> str:
    """Return a text of at most so many bytes of UTF-8, cut between characters and marked with an ellipsis."""
    data = text.encode()
    if len(data) <= max_bytes:
        return text
    return data[: max_bytes - 3].decode("utf-8", "ignore") + _ELLIPSIS


def cut_around(text: str, place: int, max_bytes: int, begun: bool = False) -> str:
    """Return the part of a text around a place, of at most so many bytes of UTF-8, with an ellipsis where it is cut.

    Args:
        text: The text.
        place: A character; three quarters of the part are before it.
        max_bytes: Bytes of the part.
        begun: Whether the text itself is the rest of one.
    """
    data = text.encode()
    start = len(text[:place].encode()) - (max_bytes - max_bytes // 4)
    fits = start <= 0 or len(data) <= max_bytes
    if (fits and not begun) or max_bytes < _LEAST_BYTES:
        return cut(text, max_bytes)
    start = max(0, min(start, len(data) + len(_ELLIPSIS.encode()) - max_bytes))
    rest = data[start:].decode("utf-8", "ignore")
    return cut(_ELLIPSIS + rest, max_bytes)


def _is_space(character: str) -> bool:
    return character in "\t\r\n" or unicodedata.category(character) == "Zs"
