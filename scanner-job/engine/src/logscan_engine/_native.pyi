"""The compiled module: the twins of `tally.py` and `clock.py`, and the engine's library."""

from logscan_engine.tally import Hits as Hits
from logscan_engine.tally import Tally as Tally
from logscan_engine.tally import count_lines as count_lines

class Library:
    """Expressions compiled by a library that is found at run time.

    Raises:
        ImportError: The library is not there, or is not Hyperscan's.
        ValueError: An expression cannot be compiled; its position (-1 if that is not known) and the message.
    """

    def __init__(self, path: str, expressions: list[bytes], flags: list[int]) -> None: ...
    def scan(self, block: bytes, hits: Hits) -> None: ...

def time_of(line: bytes, reference: int) -> int | None: ...
