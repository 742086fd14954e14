"""From stored bytes to the logs in them: compression and archives removed, up to `LAYERS` deep."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from logscan_scanner.reading.decompress import decompress
from logscan_scanner.reading.formats import HEAD_BYTES, Format, detect
from logscan_scanner.reading.tar import tar_members
from logscan_scanner.reading.zip import zip_members

LAYERS = 3  # a compressed archive of compressed logs


@dataclass(frozen=True)
class Input:
    """One log.

    Attributes:
        formats: The formats that were removed, outermost first; only `plain` if there was none.
        member: Its name in the archive that held it.
        chunks: Its bytes. Reading them raises `DamagedInputError` where the input is damaged.
    """

    formats: tuple[Format, ...]
    member: str | None
    chunks: Iterator[bytes]


def open_inputs(chunks: Iterator[bytes]) -> Iterator[Input]:
    """Yield the logs in some stored bytes; each must be read before the next is asked for.

    Raises:
        DamagedInputError: While iterating, also over the chunks of one: the rest cannot be read.
    """
    return _open(chunks, (), None)


def _open(chunks: Iterator[bytes], above: tuple[Format, ...], member: str | None) -> Iterator[Input]:
    head = b""
    while len(head) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
        head += chunk
    whole = chain([head] if head else [], chunks)
    kind = detect(head)
    if kind is Format.PLAIN or len(above) == LAYERS or (kind.archive and member is not None):
        yield Input(above or (Format.PLAIN,), member, whole)
    elif kind.archive:
        for name, content in tar_members(whole) if kind is Format.TAR else zip_members(whole):
            yield from _open(content, (*above, kind), name)
    else:
        yield from _open(decompress(kind, whole), (*above, kind), member)
