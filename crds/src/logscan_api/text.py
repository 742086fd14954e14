"""Text from outside, such as keys, names of archive members and messages, made fit to be shown."""

import unicodedata

UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


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
    return data[: max_bytes - 3].decode("utf-8", "ignore") + "…"


def _is_space(character: str) -> bool:
    return character in "\t\r\n" or unicodedata.category(character) == "Zs"
