"""Log lines as JSON on standard error, one object each. Imports nothing large: it comes before everything else."""

import json
import logging
from collections.abc import Collection
from datetime import UTC, datetime

from logscan_api.text import printable

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; whatever came with `extra` becomes a field."""

    def __init__(self, left_out: Collection[str] = ()) -> None:
        """Remember what to leave out.

        Args:
            left_out: Names that a library adds to records and that are not facts.
        """
        super().__init__()
        self._left_out = _STANDARD.union(left_out)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. What JSON does not escape, such as C1 control characters, is made printable."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "ts": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in self._left_out}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return printable(json.dumps(line, ensure_ascii=False, default=str))


def set_up(level: str, left_out: Collection[str] = ()) -> None:
    """Send all log lines to standard error; those of libraries from WARNING on.

    Args:
        level: Minimum level of our own lines.
        left_out: Names that a library adds to records and that are not facts.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(left_out))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("logscan").setLevel(level)
