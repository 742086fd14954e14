"""From stored bytes to the logs in them: compression and archives removed, up to `LAYERS` deep.

Damage ends the log that has it, and no more than that: what follows in the archive is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from logscan_scanner.reading import unsupported
from logscan_scanner.reading.decompress import DamagedInputError, UnsupportedInputError, decompress
from logscan_scanner.reading.formats import HEAD_BYTES, Format, detect, is_brotli
from logscan_scanner.reading.tar import tar_members
from logscan_scanner.reading.zip import zip_members

LAYERS = 5  # a zip of compressed archives of compressed logs, and one more


@dataclass(frozen=True)
class Input:
    """One log.

    Attributes:
        formats: The formats that were removed, outermost first; only `plain` if there was none.
        member: Its name in the archive that held it; in an archive of an archive, both names.
        chunks: Its bytes. Reading them raises `DamagedInputError` where the input is damaged, and
            `UnsupportedInputError` if it is not a log; the logs that follow can be read all the same.
    """

    formats: tuple[Format, ...]
    member: str | None
    chunks: Iterator[bytes]


def open_inputs(chunks: Iterator[bytes], name: str | None = None) -> Iterator[Input]:
    """Yield the logs in some stored bytes; each must be read before the next is asked for.

    Damage of an archive itself is that of one more log, the last.

    Args:
        chunks: The bytes.
        name: The name of what they are, which says whether it may be brotli.
    """
    return _open(chunks, (), None, name)


def _open(chunks: Iterator[bytes], above: tuple[Format, ...], member: str | None, name: str | None) -> Iterator[Input]:
    head, rest = _begun(chunks)
    whole = chain([head] if head else [], rest)
    kind = detect(head)
    if kind is Format.PLAIN and Format.BROTLI not in above and is_brotli(head, name):
        kind = Format.BROTLI
    if kind is Format.PLAIN:
        problem = unsupported.problem(head)
        refused = None if problem is None else UnsupportedInputError(problem)
        yield Input(above or (Format.PLAIN,), member, whole if refused is None else _failing(refused))
    elif len(above) == LAYERS:
        deep = UnsupportedInputError(f"it is packed or compressed more than {LAYERS} times: unpack it first")
        yield Input(above, member, _failing(deep))
    elif kind.archive:
        yield from _members(kind, whole, (*above, kind), member)
    else:
        yield from _open(decompress(kind, whole), (*above, kind), member, name)


def _members(kind: Format, whole: Iterator[bytes], formats: tuple[Format, ...], archive: str | None) -> Iterator[Input]:
    try:
        for name, content in tar_members(whole) if kind is Format.TAR else zip_members(whole):
            yield from _open(content, formats, name if archive is None else f"{archive}!{name}", name)
    except DamagedInputError as error:
        yield Input(formats, archive, _failing(error))


def _begun(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes of an input, enough to tell its format, and what follows, which may be its damage."""
    head = b""
    try:
        while len(head) < HEAD_BYTES and (chunk := next(chunks, None)) is not None:
            head += chunk
    except DamagedInputError as error:
        return head, _failing(error)
    return head, chunks


def _failing(error: DamagedInputError) -> Iterator[bytes]:
    """Return content that is nothing but an error."""
    yield from ()
    raise error
