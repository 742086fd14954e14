"""The compiled `Tally` where the package was built with a C compiler, else its twin in Python.

Attributes:
    COMPILED: Whether the compiled one is used.
"""

from typing import TYPE_CHECKING

COMPILED = True

if TYPE_CHECKING:
    from logscan_scanner.clock import time_of
    from logscan_scanner.tally import Tally, count_lines
else:
    try:
        from logscan_scanner._native import Tally, count_lines, time_of
    except ImportError:
        from logscan_scanner.clock import time_of
        from logscan_scanner.tally import Tally, count_lines

        COMPILED = False

__all__ = ["COMPILED", "Tally", "count_lines", "time_of"]
