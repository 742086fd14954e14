"""The log lines that a long scan writes."""

import json
import logging
from logging.handlers import QueueHandler
from queue import SimpleQueue

import pytest

from logscan_api import logs
from logscan_scanner.scanning.progress import Progress


def test_progress_is_logged_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0])
    monkeypatch.setattr("logscan_scanner.scanning.progress.monotonic", lambda: next(clock))
    records: SimpleQueue[logging.LogRecord] = SimpleQueue()
    handler = QueueHandler(records)
    log = logging.getLogger("logscan.scanner.progress")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    progress = Progress(size=200)
    for _ in range(3):
        progress.report(100, 6_000_000, 10, 1)
    log.removeHandler(handler)
    record = records.get_nowait()
    assert records.empty()
    line = json.loads(logs.JsonFormatter().format(record))
    facts = {"bytes": 100, "lines": 10, "matchedLines": 1, "mbPerSecond": 1.0, "secondsLeft": 6.0}
    assert line.items() >= facts.items()
