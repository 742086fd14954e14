"""Hyperscan, by whichever way this machine has it.

Where its library is installed (Debian's libvectorscan5, as in the image) and the package was compiled, whole blocks
are scanned in C, outside of Python's lock, so that several threads can. Elsewhere the `hyperscan` wheel does it, which
calls back for each match. See docs/decisions/0001-scan-engine.md.
"""

from functools import cache
from typing import TYPE_CHECKING, Protocol

from logscan_engine.native import COMPILED, Hits

CASELESS, MULTILINE, PREFILTER = 1, 4, 128  # HS_FLAG_*, hs_compile.h
LIBRARY = "libhs.so.5"  # Vectorscan's too
NO_MEMORY = "Unable to allocate memory"  # what Hyperscan says of a compilation that ran out of it (src/hs.cpp)


class CompileError(Exception):
    """An expression that Hyperscan cannot take."""


class Database(Protocol):
    """Compiled expressions."""

    parallel: bool

    def scan(self, block: bytes, hits: Hits) -> None:
        """Scan a block of whole lines; what is found goes into hits, which are one thread's at a time."""


class LibraryDatabase:
    """By the library."""

    parallel = True

    def __init__(self, path: str, expressions: list[bytes], flags: list[int]) -> None:
        """Compile.

        Raises:
            CompileError: One cannot be compiled.
            MemoryError: There is not enough memory to compile them.
        """
        from logscan_engine import _native

        try:
            self._library = _native.Library(path, expressions, flags)
        except ValueError as error:
            _position, message = error.args
            raise _refusal(message) from error

    def scan(self, block: bytes, hits: Hits) -> None:
        """Scan a block, see `Database`."""
        self._library.scan(block, hits)


class WheelDatabase:
    """By the wheel."""

    parallel = False  # a thread that waits for Python's lock at each match is no help

    def __init__(self, expressions: list[bytes], flags: list[int]) -> None:
        """Compile.

        Raises:
            CompileError: One cannot be compiled; the wheel does not say which.
            MemoryError: There is not enough memory to compile them.
        """
        import hyperscan  # where it is needed only: the library does without

        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        try:
            self._database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
        except hyperscan.error as error:
            raise _refusal(str(error)) from error

    def scan(self, block: bytes, hits: Hits) -> None:
        """Scan a block, see `Database`."""
        hits.begin(block)
        self._database.scan(block, match_event_handler=hits)


def _refusal(message: str) -> CompileError | MemoryError:
    """Return the error for what Hyperscan said: a lack of memory is no fault of an expression."""
    return MemoryError(f"compile the rules: {message}") if message.startswith(NO_MEMORY) else CompileError(message)


@cache
def library_path() -> str | None:
    """Return the name by which the dynamic linker finds Hyperscan's library, or None."""
    if not COMPILED:
        return None
    from logscan_engine import _native

    try:
        _native.Library(LIBRARY, [b"x"], [0])
    except ImportError:
        return None
    return LIBRARY


def compile_expressions(expressions: list[bytes], flags: list[int]) -> Database:
    """Compile expressions; the ids of hits are their positions.

    Raises:
        CompileError: One cannot be compiled.
        MemoryError: There is not enough memory to compile them.
    """
    path = library_path()
    return LibraryDatabase(path, expressions, flags) if path else WheelDatabase(expressions, flags)


if TYPE_CHECKING:
    _databases: tuple[type[Database], type[Database]] = (LibraryDatabase, WheelDatabase)
