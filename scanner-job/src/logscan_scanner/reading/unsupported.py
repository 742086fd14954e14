"""What is not a log: known binary formats by their first bytes, and other content by its share of control characters.

A scan of such bytes as text would count nothing that means anything, and would look clean.
"""

from logscan_scanner.reading.controls import controls

LOOK_BYTES = 64 * 1024
BEHIND_BYTES = 64
# Of the bytes that are not NUL, so that holes and UTF-16 do not count. Random bytes have 7 %, text has none.
BINARY_SHARE = 0.02
FEWEST = 4  # control characters, below which a share says nothing
_ENCODED = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")  # marks of UTF-16 and UTF-32, any of whose bytes may be low
_EXPORT = "export it as text or JSON Lines"
_PACK = "compress it with gzip or zstd instead"
_TABLE = "it is a table, not a log: write JSON Lines or text instead"

KNOWN: dict[bytes, tuple[str, str]] = {
    b"PAR1": ("a Parquet file", _TABLE),
    b"ORC": ("an ORC file", _TABLE),
    b"Obj\x01": ("an Avro file", _TABLE),
    b"ARROW1": ("an Arrow file", _TABLE),
    b"SQLite format 3\0": ("an SQLite database", _EXPORT),
    b"ElfFile\0": ("a Windows event log (evtx)", _EXPORT),
    b"LPKSHHRH": ("a journal of systemd", "export it with journalctl --output=json"),
    b"\xd4\xc3\xb2\xa1": ("a packet capture", _EXPORT),
    b"\x0a\x0d\x0d\x0a": ("a packet capture (pcapng)", _EXPORT),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "pack it as tar or zip instead"),
    b"Rar!\x1a\x07": ("a RAR archive", "pack it as tar or zip instead"),
    b"\x1f\xa0": ("a stream of compress -H", _PACK),
    b"\x7fELF": ("a program or a core dump", "exclude it from the scanned prefixes"),
    b"%PDF-": ("a PDF document", _EXPORT),
    b"\x89PNG\r\n": ("a picture", "exclude it from the scanned prefixes"),
    b"\xff\xd8\xff": ("a picture", "exclude it from the scanned prefixes"),
    b"Salted__": ("content that openssl encrypted", "decrypt it first"),
}
# Encrypted content in the form of text, of which no line says anything.
ENCRYPTED: dict[bytes, str] = {
    b"-----BEGIN PGP MESSAGE-----": "a message that PGP encrypted",
    b"-----BEGIN AGE ENCRYPTED FILE-----": "content that age encrypted",
    b"age-encryption.org/v1\n": "content that age encrypted",
    b"$ANSIBLE_VAULT;": "content that Ansible Vault encrypted",
}
_UTMP_BYTES = 384  # a record of utmp(5) on Linux
_UTMP_TEXTS = (slice(8, 40), slice(44, 76), slice(76, 332))  # terminal, user and host


def problem(head: bytes) -> str | None:
    """Return why an input that is neither compressed nor packed is not a log, and what to do; None if it may be one.

    Args:
        head: Its first bytes; `LOOK_BYTES` of them are looked at.
    """
    for start, (what, advice) in KNOWN.items():
        if head.startswith(start) and _is_followed_by_binary(head[len(start) :]):
            return f"it looks like {what}: {advice}"
    for start, what in ENCRYPTED.items():
        if head.startswith(start):
            return f"it looks like {what}: decrypt it first"
    if _is_utmp(head):
        return "it looks like login records (wtmp): export them with last or utmpdump"
    if _is_binary(head):
        return f"it looks like binary or encrypted content: {_EXPORT}, or exclude it from the scanned prefixes"
    return None


def _is_followed_by_binary(rest: bytes) -> bool:
    """Return whether what is right behind a format's mark is no text: a log may begin with the same letters."""
    return controls(rest[:BEHIND_BYTES]) > 0 or b"\0" in rest[:BEHIND_BYTES]


def _is_utmp(head: bytes) -> bool:
    """Return whether a record of utmp(5) begins: a small number, and texts that are filled up with zeros."""
    if len(head) < _UTMP_BYTES or not 1 <= head[0] <= 9 or head[1:4] != bytes(3):
        return False
    texts = [head[part] for part in _UTMP_TEXTS]
    return any(texts[0]) and all(text.rstrip(b"\0").isascii() and b"\0" not in text.rstrip(b"\0") for text in texts)


def _is_binary(head: bytes) -> bool:
    """Return whether the share of control characters is one that no text has."""
    if head.startswith(_ENCODED):
        return False
    looked_at = head[:LOOK_BYTES]
    found = controls(looked_at)
    return found >= FEWEST and found >= BINARY_SHARE * (len(looked_at) - looked_at.count(0))
