"""Health, log lines, and the standard library's `operator`."""

import operator
import subprocess
import sys
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from objects import job_body, scan_body, view_of

from logscan_api.incomplete import Incomplete
from logscan_local.testkit.results import RESULT
from logscan_operator import __version__, health
from logscan_operator.ages import ReceiveAge, oldest
from logscan_operator.metrics import Metrics
from logscan_operator.view import View


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the monotonic time, to be moved."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def served(progress: health.Progress, view: View, metrics: Metrics | None = None, explain: Any = None) -> TestServer:
    app = health.application(progress, view, metrics or Metrics(3), lambda: {"leading": True}, explain)
    return TestServer(app)


async def told(view: View, metrics: Metrics) -> dict[str, float]:
    """Return what a scrape says, by series."""
    async with TestClient(served(health.Progress(), view, metrics)) as client:
        text = await (await client.get("/metrics")).text()
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, value in lines}


async def test_alive_means_that_every_loop_moves(clock: list[float]) -> None:
    progress = health.Progress()
    async with TestClient(served(progress, View())) as client:
        assert (await client.get("/healthz")).status == 200
        moves = progress.expect("intake", 10)
        clock[0] += 15
        answer = await client.get("/healthz")
        expected = {"stuck": {"intake": 15.0}, "secondsSinceProgress": {"intake": 15.0}}
        assert (answer.status, await answer.json()) == (503, expected), "it never began to move"
        moves()
        assert (await client.get("/healthz")).status == 200


async def test_ready_means_that_the_own_namespace_can_be_read() -> None:
    view = View(["logscan", "team-a"])
    async with TestClient(served(health.Progress(), view)) as client:

        async def ready() -> tuple[int, bool, dict[str, str]]:
            answer = await client.get("/readyz")
            said = await answer.json()
            return answer.status, said["synced"], said["namespaces"]

        assert await ready() == (503, False, {"logscan": "not read yet", "team-a": "not read yet"})
        view.namespaces.find("logscan")
        assert await ready() == (503, False, {"team-a": "not read yet"}), "its Jobs may hold slots"
        view.namespaces.lose("team-a", "403 Forbidden: no")
        assert await ready() == (200, True, {"team-a": "403 Forbidden: no"})
        view.namespaces.find("team-a")
        view.namespaces.lose("logscan", "403 Forbidden: no")
        assert await ready() == (503, False, {"logscan": "403 Forbidden: no"})


async def test_the_leader_counts_without_buckets_and_keys() -> None:
    view = view_of(scan_body("a"), scan_body("b", status={"phase": "Failed"}), job_body("a"))
    metrics = Metrics(3)
    metrics.lead(True)
    series = await told(view, metrics)
    assert (series['logscan_scans{phase="Failed"}'], series['logscan_scans{phase="Running"}']) == (1, 0)
    assert (series["logscan_jobs_active"], series["logscan_slots"], series["logscan_leader"]) == (1, 3, 1)
    assert not [name for name in series if "bucket=" in name or ".log" in name]


async def test_a_standby_does_not_count_what_the_leader_counts() -> None:
    metrics = Metrics(3)
    metrics.lead(True)
    metrics.lead(False)
    series = await told(view_of(scan_body("a"), job_body("a")), metrics)
    assert series["logscan_leader"] == 0
    assert series['logscan_synced{watched_namespace="logscan"}'] == 1
    assert not [name for name in series if name.startswith(("logscan_scans{", "logscan_jobs_active", "logscan_slots"))]


async def test_counters_are_born_at_zero() -> None:
    series = await told(View(), Metrics(3))
    for name in (
        'messages_rejected_total{reason="malformed"}',
        'messages_rejected_total{reason="unforeseen"}',
        'messages_rejected_total{reason="outage"}',
        'aws_errors_total{service="sqs"}',
        'aws_errors_total{service="dynamodb"}',
        'scans_finished_total{phase="Succeeded"}',
        'scans_incomplete_total{reason="MatchLimit"}',
        *(f'{kind}_total{{reason="{r}"}}' for kind in ("retries", "job_failures") for r in ("JobLost", "OutOfMemory")),
    ):
        assert series[f"logscan_{name}"] == 0
    assert 'logscan_job_failures_total{reason="Completed"}' not in series


async def test_an_incomplete_scan_counts_once_for_each_reason() -> None:
    parts = [Incomplete(reason="MatchLimit", rule=rule) for rule in ("one", "two")] + [Incomplete(reason="MaxBytes")]
    metrics = Metrics(1)
    metrics.count_incomplete(RESULT.summary())
    metrics.count_incomplete(RESULT.model_copy(update={"incomplete": parts}).summary())
    series = await told(View(), metrics)
    for reason, number in (("MatchLimit", 1), ("MaxBytes", 1), ("Damaged", 0)):
        assert series[f'logscan_scans_incomplete_total{{reason="{reason}"}}'] == number


async def test_namespaces_and_the_age_of_their_watches_are_told(clock: list[float]) -> None:
    view, metrics = View(["logscan", "team-a"]), Metrics(3)
    for name in ("logscan", "team-a"):
        view.namespaces.find(name)
        view.watch_ages.renew(name, "jobs")
    clock[0] += 700
    view.watch_ages.renew("team-a", "logscans")
    view.namespaces.lose("team-a", "403 Forbidden")
    series = await told(view, metrics)
    assert series['logscan_synced{watched_namespace="logscan"}'] == 1
    assert series['logscan_synced{watched_namespace="team-a"}'] == 0
    ages = {name: age for name, age in series.items() if name.startswith("logscan_watch_age")}
    assert ages == {'logscan_watch_age_seconds{resource="jobs",watched_namespace="logscan"}': 700}


async def test_a_queue_that_does_not_answer_is_told(clock: list[float]) -> None:
    first, second, metrics = ReceiveAge(), ReceiveAge(), Metrics(3)
    metrics.receive_age.labels("logscan.fifo").set_function(lambda: oldest([first, second]))
    name = 'logscan_queue_receive_age_seconds{queue="logscan.fifo"}'
    assert (await told(View(), metrics))[name] == 0
    first.begin()
    clock[0] += 36
    second.begin()
    assert (await told(View(), metrics))[name] == 36
    first.begin()
    clock[0] += 1
    assert (await told(View(), metrics))[name] == 37, "calls that fail one after the other are one silence"
    first.end()
    second.end()
    assert (await told(View(), metrics))[name] == 0


async def test_the_plan_is_shown_only_when_asked_for() -> None:
    async with TestClient(served(health.Progress(), View())) as client:
        assert (await client.get("/debug/plan")).status == 404
    async with TestClient(served(health.Progress(), View(), explain=lambda: ["x"])) as client:
        assert await (await client.get("/debug/plan")).json() == ["x"]


def test_version() -> None:
    command = [sys.executable, "-m", "logscan_operator", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{__version__}\n"


def test_the_folder_operator_never_hides_the_standard_library() -> None:
    assert operator.eq(1, 1)
    assert "logscan" not in str(operator.__file__)
