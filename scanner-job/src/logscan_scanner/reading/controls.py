"""Control characters, of which text has next to none and binary content many."""

# Tab, line ends, form feed, vertical tab; bell, backspace and escape of terminals; Ctrl-Z, which ends files of DOS;
# NUL, which fills holes and is half of UTF-16; \x01 and the four separators, between the fields of FIX and of Hive's
# tables. The rest of ASCII is shown, and above are letters of some encoding.
_TEXT = bytes({*b"\t\n\v\f\r\a\b\x1b\x1a\0\x01\x1c\x1d\x1e\x1f", *range(0x20, 0x7F), *range(0x80, 0x100)})


def controls(data: bytes) -> int:
    """Return how many control characters some bytes have that text does not have."""
    return len(data.translate(None, _TEXT))
