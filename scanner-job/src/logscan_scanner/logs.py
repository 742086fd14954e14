"""Log lines as JSON on standard error, one object each."""

import json
import logging
from datetime import UTC, datetime

from logscan_api.text import printable


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON; `extra={"facts": {...}}` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. What JSON does not escape, such as C1 control characters, is made printable."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"ts": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return printable(json.dumps(line, ensure_ascii=False))


def set_up() -> None:
    """Send the scanner's log lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("logscan").setLevel(logging.INFO)
