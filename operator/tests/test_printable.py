"""Text from outside cannot forge or disguise what people read: statuses, Events, log lines."""

import json
import logging
import sys

from hypothesis import given
from hypothesis import strategies as st
from objects import NOW, SETTINGS, job, pod_body, scan

from logscan_api.exitcodes import ExitCode
from logscan_api.incomplete import Incomplete
from logscan_api.logs import JsonFormatter
from logscan_api.statuses import LogScanStatus
from logscan_local.testkit.results import RESULT
from logscan_operator import events
from logscan_operator.outcomes import conclude

ANY = st.text(st.characters())
FORGED = "\x1b[2Jend\r\nStatus:  Succeeded\x9b31m\u202egol.\udc80"


def shown(status: LogScanStatus) -> list[str]:
    """Return all free text that people see of a status and its Event."""
    event = events.build(scan(), "Warning", "x", status.message or "")
    return [status.message or "", event["message"], *(c.message for c in status.conditions or [])]


@given(ANY)
def test_no_words_of_a_pod_or_a_row_reach_people_as_they_are(text: str) -> None:
    words = json.dumps({"code": 66, "message": FORGED + text})
    failed = conclude(scan(), job(ended="Failed"), [pod_body(ExitCode.OBJECT_NOT_FOUND, words)], None, 1, SETTINGS, NOW)
    foreign = conclude(scan(), job(ended="Failed"), [pod_body(1, FORGED + text)], None, 1, SETTINGS, NOW)
    stored = (FORGED + text).encode(errors="replace").decode()  # DynamoDB keeps no lone surrogates
    damaged = RESULT.model_copy(update={"incomplete": [Incomplete(reason="Damaged", message=stored)]})
    partial = conclude(scan(), job(ended="Complete"), [], damaged, 1, SETTINGS, NOW)
    for status in (failed, foreign, partial):
        assert all(message.isprintable() for message in shown(status))
    assert "end  Status:" in str(partial.message)


def record(message: str, error: Exception | None = None, **more: object) -> logging.LogRecord:
    """Return a record of the log."""
    cause = (type(error), error, None) if error else None
    made = logging.LogRecord("logscan", logging.INFO, __file__, 1, "%s", (message,), cause)
    vars(made).update(more)
    return made


@given(ANY)
def test_a_log_line_is_one_line_of_printable_json(text: str) -> None:
    line = JsonFormatter().format(record(FORGED + text, ValueError(text), key=text))
    assert line.isprintable()
    assert line.encode()
    assert json.loads(line)["level"] == "info"


def test_a_traceback_keeps_its_lines_in_a_log_line() -> None:
    try:
        raise ValueError("größe\x9b")
    except ValueError:
        line = JsonFormatter().format(logging.LogRecord("x", 40, __file__, 1, "m", (), sys.exc_info()))
    exception = json.loads(line)["exception"]
    assert exception.startswith("Traceback (most recent call last):\n")
    assert exception.endswith("größe\N{REPLACEMENT CHARACTER}")
