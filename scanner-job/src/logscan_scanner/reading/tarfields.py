"""Fields of tar headers: texts, numbers, and the records of a pax header."""

from logscan_scanner.reading.decompress import DamagedInputError

Records = dict[bytes, list[bytes]]

BLOCK = 512
EXTENDED_BYTES = 1 << 20  # of one extended header: 250 times the longest path of Linux
PATH, SIZE = b"path", b"size"
SPARSE_NAME, SPARSE_MAP = b"GNU.sparse.name", b"GNU.sparse.map"
SPARSE_MAJOR, SPARSE_MINOR = b"GNU.sparse.major", b"GNU.sparse.minor"
SPARSE_SIZE, SPARSE_REAL_SIZE = b"GNU.sparse.size", b"GNU.sparse.realsize"
SPARSE_OFFSET, SPARSE_BYTES = b"GNU.sparse.offset", b"GNU.sparse.numbytes"
KEYWORDS = frozenset(
    (
        PATH,
        SIZE,
        SPARSE_NAME,
        SPARSE_MAP,
        SPARSE_MAJOR,
        SPARSE_MINOR,
        SPARSE_SIZE,
        SPARSE_REAL_SIZE,
        SPARSE_OFFSET,
        SPARSE_BYTES,
    )
)
_DIGITS = 20  # of a number of 64 bits


def text(data: bytes) -> bytes:
    """Return a text up to its NUL."""
    return data.partition(b"\0")[0]


def number(data: bytes) -> int:
    """Return a number in octal digits, or where they are too few in bytes after a mark (base-256 of GNU tar).

    Raises:
        DamagedInputError: It is not a number, or negative.
    """
    if data[0] == 0x80:
        return int.from_bytes(data[1:], "big")
    digits = text(data).strip()
    if digits.strip(b"01234567"):
        raise DamagedInputError("the tar archive is corrupt: a field of a header is not a number")
    return int(digits or b"0", 8)


def decimal(digits: bytes) -> int:
    """Return a number in decimal digits.

    Raises:
        DamagedInputError: It is not a number.
    """
    if len(digits) > _DIGITS or not digits.isdigit():
        raise DamagedInputError("the tar archive is corrupt: a field of an extended header is not a number")
    return int(digits)


def records(data: bytes) -> Records:
    """Return the values of `KEYWORDS` in a pax header: records of `LENGTH KEYWORD=VALUE` and a line end.

    Raises:
        DamagedInputError: A record does not have that form.
    """
    found: Records = {}
    start = 0
    while start < len(data) and data[start]:
        space = data.find(b" ", start, start + _DIGITS)
        end = start + decimal(data[start:space]) if space > 0 else 0
        equals = data.find(b"=", space, end)
        if not space < equals < end <= len(data):
            raise DamagedInputError("the tar archive is corrupt: a record of an extended header has no end")
        keyword = data[space + 1 : equals]
        if keyword in KEYWORDS:
            found.setdefault(keyword, []).append(data[equals + 1 : end - 1])
        start = end
    return found
