"""Log lines: one JSON object each, with the facts that came along."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from logscan_api import logs


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("logscan").setLevel(logging.NOTSET)


def test_a_log_line_is_json_with_its_facts(root: logging.Logger) -> None:
    logs.set_up("DEBUG", left_out=("settings",))
    (handler,) = root.handlers
    facts = {"scan": "x", "lines": 3, "settings": object()}
    try:
        raise ValueError("why")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "a %s", "args": ("b",), "exc_info": (ValueError, error, None), "name": "logscan.x", **facts}
        )
    line = json.loads(handler.format(record))
    assert (line.pop("message"), line.pop("exception"), line.pop("logger")) == ("a b", "ValueError: why", "logscan.x")
    assert set(line) == {"ts", "level", "scan", "lines"}


def test_our_own_lines_have_the_level_and_those_of_libraries_are_warnings() -> None:
    logs.set_up("DEBUG")
    assert logging.getLogger("logscan.scanner").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("botocore").isEnabledFor(logging.INFO)


def test_nothing_large_is_imported() -> None:
    code = "import sys, logscan_api.logs, logscan_api.exitcodes; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()).isdisjoint({"pydantic", "yaml", "asyncio", "hashlib"})
