"""Which lines after a line belong to the same event, such as a stack trace, by how programs write them."""

import re
from collections.abc import Sequence

from logscan_engine import Lines

LOOK_LINES = 64  # after a line
KEPT_LINES = 12  # of an event, after its first line
_KEPT_LAST = 3

_INDENTED = re.compile(rb"[ \t]+\S|#\d+ ")
# Lines that go on with what was before, whatever that was.
_CONTINUATION = re.compile(
    rb"[ \t]+\S"
    rb"|Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)|--- End of "  # the JVM and .NET
    rb"|Traceback \(most recent call |\[Previous line repeated "
    rb"|goroutine \d+ .*\[|\[signal |\.\.\.additional frames elided"
    rb"|Stack trace:|\[stacktrace\]|\[previous exception\]|PHP Stack trace:|PHP +\d+\. |#\d+ +\S"
    rb"|stack backtrace:|note: run with "  # Rust
)
# What an empty line may stand before, within an event.
_AFTER_EMPTY = re.compile(
    rb"goroutine \d+ .*\[|\[signal |Traceback \(most recent call "
    rb"|During handling of the above exception|The above exception was the direct cause"
)
_PYTHON_TRACE = re.compile(rb"Traceback \(most recent call |  File \"")
_PYTHON_ERROR = re.compile(rb"[A-Za-z_][\w.]*(?:: |:?$)")
# An exception's class, as the JVM, .NET and Node.js write it, and a function of Go, with what is below each.
_CLASS = re.compile(rb"(?:Exception in thread \"[^\"]*\" )?(?:[\w$]+[./])*[A-Z_$][\w$]*[a-z][\w$]*(?:: |$)")
_FRAME = re.compile(rb"[ \t]+(?:at |\.\.\. \d+ more|Suppressed: |---> )|Caused by: ")
_FUNCTION = re.compile(rb"created by \S|[\w./*(){}@~\[\]\x80-\xff-]+(?:\(.*\))?$")
_FILE = re.compile(rb"[ \t]+\S+:\d+")
_CLOSING = re.compile(rb"\"?[\]})]+[;,]? ?$")
_PANICKED = re.compile(rb"panicked at .*:\d+:\d+:$")


def of_event(line: bytes, after: Lines | Sequence[bytes], count: int) -> list[bytes]:
    """Return the lines after a line that continue its event, and at least `count` of them.

    Of a long event, lines in the middle are left out: its last ones say what went wrong.

    Args:
        line: The line that was found.
        after: The lines after it.
        count: How many are returned in any case, if there are so many.
    """
    length = _length(line, after)
    event = [after[place] for place in range(min(len(after), max(length, count)))]
    head = max(count, KEPT_LINES - _KEPT_LAST - 1)
    left_out = length - head - _KEPT_LAST
    if left_out < 2:
        return event
    return [*event[:head], b"[%d lines are left out]" % left_out, *event[length - _KEPT_LAST : length]]


def _length(line: bytes, after: Lines | Sequence[bytes]) -> int:
    """Return how many of the lines after a line belong to its event; of those that do not, few are looked at."""
    python, many = _PYTHON_TRACE.match(line) is not None, len(after)
    before, line = line, after[0] if many else b""
    for place in range(many):
        below = after[place + 1] if place + 1 < many else b""
        if _PYTHON_TRACE.match(line):
            python = True
        if not (_CONTINUATION.match(line) or _belongs(before, line, below)):
            if not (python and _INDENTED.match(before) and _PYTHON_ERROR.match(line)):
                return place
            python = False
        before, line = line, below
    return many


def _belongs(before: bytes, line: bytes, below: bytes) -> bool:
    """Return whether what stands around a line shows that it belongs to the line before."""
    if not line.strip():
        return _AFTER_EMPTY.match(below) is not None
    if not before.strip():
        return _AFTER_EMPTY.match(line) is not None
    return bool(  # what begins with blanks is looked at first: it is told apart faster, and rarer
        (_FRAME.match(below) and _CLASS.match(line))
        or (_FILE.match(below) and _FUNCTION.match(line))
        or (_CLOSING.match(line) and _INDENTED.match(before))
        or _PANICKED.search(before)
    )
