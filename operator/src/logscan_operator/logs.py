"""Log lines as JSON on standard error, one object each."""

import json
import logging
from datetime import UTC, datetime

from logscan_api.text import printable

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {
    "message",
    "asctime",
    "taskName",
    "settings",
    "k8s_ref",
}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; whatever came with `extra` becomes a field."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. What JSON does not escape, such as C1 control characters, is made printable."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "ts": moment,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return printable(json.dumps(line, ensure_ascii=False, default=str))


def set_up(level: str) -> None:
    """Send all log lines to standard error; those of libraries from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("logscan").setLevel(level)
