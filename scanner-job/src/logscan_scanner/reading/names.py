"""Names of archive members, made fit to be shown in the one place where they enter."""

from logscan_api.text import cut, printable

NAME_BYTES = 255  # the most that a file's name has on Linux


def shown_name(name: bytes) -> str:
    """Return a member's name as printable text of at most 255 bytes, whatever its encoding and length."""
    return cut(printable(name.decode("utf-8", "replace")), NAME_BYTES)
