"""Health, log lines, and the standard library's `operator`."""

import json
import logging
import operator
import subprocess
import sys
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from objects import job_body, scan_body, view_of

from logscan_operator import health, logs
from logscan_operator.metrics import Metrics
from logscan_operator.view import View


def served(progress: health.Progress, view: View, explain: Any = None) -> TestServer:
    app = health.application(progress, view, Metrics(3), lambda: {"leading": True}, explain)
    return TestServer(app)


async def test_alive_means_that_every_loop_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("logscan_operator.health.time.monotonic", lambda: clock[0])
    progress, view = health.Progress({"intake": 10, "scheduler": 20}), View()
    async with TestClient(served(progress, view)) as client:
        assert (await client.get("/healthz")).status == 200
        progress.tick("intake")
        clock[0] += 15
        answer = await client.get("/healthz")
        assert (answer.status, await answer.json()) == (503, {"stuck": {"intake": 15.0}})
        progress.tick("intake")
        assert (await client.get("/healthz")).status == 200


async def test_ready_means_that_the_cluster_was_read() -> None:
    view = View()
    async with TestClient(served(health.Progress({}), view)) as client:
        assert (await client.get("/readyz")).status == 503
        view.synced = True
        answer = await client.get("/readyz")
        assert (answer.status, await answer.json()) == (
            200,
            {"synced": True, "scans": 0, "jobs": 0, "leading": True},
        )


async def test_metrics_count_without_buckets_and_keys() -> None:
    view = view_of(scan_body("a"), scan_body("b", status={"phase": "Failed"}), job_body("a"))
    async with TestClient(served(health.Progress({}), view)) as client:
        text = await (await client.get("/metrics")).text()
    for line in ('logscan_scans{phase="Failed"} 1.0', "logscan_jobs_active 1.0", "logscan_slots 3.0"):
        assert line in text
    assert "bucket=" not in text
    assert ".log" not in text


async def test_the_plan_is_shown_only_when_asked_for() -> None:
    async with TestClient(served(health.Progress({}), View())) as client:
        assert (await client.get("/debug/plan")).status == 404
    async with TestClient(served(health.Progress({}), View(), lambda: ["x"])) as client:
        assert await (await client.get("/debug/plan")).json() == ["x"]


def test_a_log_line_is_json_with_its_facts() -> None:
    logs.set_up("DEBUG")
    (handler,) = logging.getLogger().handlers
    try:
        raise ValueError("why")
    except ValueError as error:
        record = logging.makeLogRecord(
            {"msg": "a %s", "args": ("b",), "scan": "x", "exc_info": (ValueError, error, None)}
        )
    line = json.loads(handler.format(record))
    assert (line["message"], line["scan"], line["exception"]) == ("a b", "x", "ValueError: why")
    assert logging.getLogger("logscan").level == logging.DEBUG


def test_version() -> None:
    command = [sys.executable, "-m", "logscan_operator", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "0.1.0\n"


def test_the_folder_operator_never_hides_the_standard_library() -> None:
    assert operator.eq(1, 1)
    assert "logscan" not in str(operator.__file__)
