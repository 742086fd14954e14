"""The compiled classes where the package was built with a C compiler, else their twins in Python.

Attributes:
    COMPILED: Whether the compiled ones are used.
"""

from typing import TYPE_CHECKING

COMPILED = True

if TYPE_CHECKING:
    from logscan_engine.tally import Hits, Tally, count_lines
else:
    try:
        from logscan_engine._native import Hits, Tally, count_lines
    except ImportError:
        from logscan_engine.tally import Hits, Tally, count_lines

        COMPILED = False

__all__ = ["COMPILED", "Hits", "Tally", "count_lines"]
