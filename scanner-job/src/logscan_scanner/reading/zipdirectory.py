"""What ends a zip archive: its central directory and end records (APPNOTE.TXT 4.3.11 to 4.3.16)."""

import struct

from logscan_scanner.reading.decompress import DamagedInputError
from logscan_scanner.reading.stream import Stream

_LOCAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x05\x06"
# Each record: its size without its variable parts, and the fields that say how large these are.
_RECORDS: dict[bytes, tuple[int, struct.Struct]] = {
    b"PK\x01\x02": (46, struct.Struct("<28xHHH")),  # a file: name, extra field, comment
    b"PK\x05\x05": (6, struct.Struct("<4xH")),  # a signature
    b"PK\x06\x06": (12, struct.Struct("<4xQ")),  # the end of zip64
    b"PK\x06\x07": (20, struct.Struct("")),  # where that is
    _END_MARK: (22, struct.Struct("<20xH")),  # the end: a comment
}


def skip_directory(stream: Stream) -> None:
    """Skip the records that end an archive, and blank bytes behind them.

    What follows may be another archive; anything else is damage.

    Raises:
        DamagedInputError: They end early, or are followed by something else.
    """
    mark = b""
    while mark != _END_MARK:
        mark = stream.peek(4)
        if mark not in _RECORDS:
            raise DamagedInputError("the zip archive is corrupt or ends early: no header where one should be")
        size, variable = _RECORDS[mark]
        head = stream.read(size)
        if len(head) < size or not stream.skip(sum(variable.unpack_from(head))):
            raise DamagedInputError("the zip archive ends within its directory")
    stream.skip_blank()
    if stream.peek(4) not in (b"", _LOCAL_MARK, _END_MARK):
        raise DamagedInputError("the zip archive is followed by bytes that do not belong to it")
