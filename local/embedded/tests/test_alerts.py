"""The alerts that the chart renders, tested by Prometheus' own promtool: when each fires, and when none does."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from logscan_operator.metrics import Metrics
from logscan_operator.view import View
from logscan_tools.manifests import CHART, render

pytestmark = pytest.mark.tools

LEADER, STANDBY, NEXT = "10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8080"
MINUTES = 120

Series = dict[str, str]


def always(value: float) -> str:
    """Return the values of a series that never changes, one a minute."""
    return f"{value}+0x{MINUTES}"


def then(before: float, after: float, at: int = 60) -> str:
    """Return the values of a series that changes once."""
    return f"{before}+0x{at - 1} {after}+0x{MINUTES - at}"


def growing(at: int, step: float = 1) -> str:
    """Return the values of a counter that begins to grow."""
    return f"0+0x{at - 1} {step}+{step}x{MINUTES - at}"


def name(metric: str, at: str = LEADER, **labels: str) -> str:
    """Return a series as Prometheus knows it after a scrape of one operator's pod."""
    said = {"namespace": "logscan", "instance": at, **labels}
    return f"logscan_{metric}{{{','.join(f'{label}={json.dumps(value)}' for label, value in sorted(said.items()))}}}"


ONLY_THE_LEADER = {
    name("queue_receive_age_seconds", queue="logscan.fifo"): always(12),
    name("queue_oldest_message_age_seconds", queue="logscan.fifo"): always(40),
    name("dead_letter_messages", queue="logscan.fifo"): always(0),
    name("scans", phase="Pending"): always(7),
    name("jobs_active"): always(3),
    name("matched_lines_total", watched_namespace="team-a", policy="all", severity="error"): "0+5x120",
    name("matched_lines_total", watched_namespace="team-a", policy="all", severity="critical"): always(0),
}


def pod(at: str, leads: bool = False) -> Series:
    """Return what a healthy operator tells."""
    told = {
        name("leader", at): always(int(leads)),
        name("synced", at, watched_namespace="logscan"): always(1),
        name("synced", at, watched_namespace="team-a"): always(1),
        name("watch_age_seconds", at, watched_namespace="logscan", resource="jobs"): "0+60x4 " * (MINUTES // 5),
        name("scans_finished_total", at, phase="Succeeded"): "0+3x120" if leads else always(0),
        name("scans_finished_total", at, phase="Failed"): "0+0.1x120" if leads else always(0),
        name("job_failures_total", at, reason="OutOfMemory"): "0+0.1x120" if leads else always(0),
        name("admission_wait_seconds_count", at): "0+3x120" if leads else always(0),
        name("admission_wait_seconds_bucket", at, le="300.0"): "0+3x120" if leads else always(0),
        name("admission_wait_seconds_bucket", at, le="1000.0"): "0+3x120" if leads else always(0),
        name("admission_wait_seconds_bucket", at, le="+Inf"): "0+3x120" if leads else always(0),
        name("scans_incomplete_total", at, reason="Damaged"): always(0),
        name("messages_rejected_total", at, reason="malformed"): always(0),
        name("messages_rejected_total", at, reason="not-created"): always(0),
        name("aws_errors_total", at, service="sqs"): always(0),
        name("poll_paused", at): always(0),
        name("intake_blocked", at): always(0),
    }
    return told | (ONLY_THE_LEADER if leads else {})


HEALTHY = pod(LEADER, leads=True) | pod(STANDBY)
ROLLED = {
    series: f"{values} stale"
    for series, values in {
        name("leader"): "1+0x60",
        name("synced", watched_namespace="logscan"): "1+0x60",
        name("synced", watched_namespace="team-a"): "1+0x60",
        name("scans_finished_total", phase="Succeeded"): "0+3x60",
        name("scans_finished_total", phase="Failed"): "0+1x60",
    }.items()
} | {
    name("leader", NEXT): "_x60 0 1+0x58",
    name("synced", NEXT, watched_namespace="logscan"): "_x60 0 1+0x58",
    name("synced", NEXT, watched_namespace="team-a"): "_x60 0 1+0x58",
    name("scans_finished_total", NEXT, phase="Succeeded"): "_x60 0 0+3x58",
    name("scans_finished_total", NEXT, phase="Failed"): "_x60 0 1+1x58",
}


@dataclass(frozen=True)
class Case:
    """What operators tell over two hours, and what fires at which minute.

    Attributes:
        what: What happens.
        changes: What differs from a healthy leader and a healthy standby.
        quiet: Minutes at which nothing fires.
        fires: At which minute which alert fires, with the labels that it adds.
        instead: What is reported in place of both.
    """

    what: str
    changes: Series = field(default_factory=dict)
    quiet: tuple[int, ...] = ()
    fires: tuple[tuple[int, str, Series], ...] = ()
    instead: Series | None = None

    @property
    def series(self) -> Series:
        return self.instead if self.instead is not None else HEALTHY | self.changes


def own(at: str = LEADER) -> str:
    return name("synced", at, watched_namespace="logscan")


def team(at: str = LEADER) -> str:
    return name("synced", at, watched_namespace="team-a")


REJECTED = name("messages_rejected_total", reason="malformed")
NOT_CREATED = name("messages_rejected_total", reason="not-created")
OUTAGE = name("messages_rejected_total", reason="outage")
WATCH = name("watch_age_seconds", watched_namespace="logscan", resource="jobs")
SUCCEEDED, FAILED = (name("scans_finished_total", phase=phase) for phase in ("Succeeded", "Failed"))
INCOMPLETE = name("scans_incomplete_total", reason="Damaged")
SQS = name("aws_errors_total", service="sqs")
STARTED = name("admission_wait_seconds_count")
WAITED = {name("admission_wait_seconds_bucket", le=le): always(0) for le in ("300.0", "1000.0")}
OOM = name("job_failures_total", reason="OutOfMemory")
OLDEST, DEAD = (
    name(metric, queue="logscan.fifo") for metric in ("queue_oldest_message_age_seconds", "dead_letter_messages")
)
CRITICAL = name("matched_lines_total", watched_namespace="team-a", policy="all", severity="critical")
FIRST = name("matched_lines_total", watched_namespace="team-a", policy="new", severity="critical")
QUEUE = name("queue_receive_age_seconds", queue="logscan.fifo")

CASES = [
    Case("a leader and a standby at work", quiet=(1, 5, 30, 60, 119)),
    Case("a rolling update", instead=ROLLED, quiet=(59, 60, 61, 62, 63, 65, 70, 80, 100, 119)),
    Case("nobody leads", {name("leader"): then(1, 0)}, (60, 61), ((63, "LogscanNobodyWorks", {}),)),
    Case("two lead", {name("leader", STANDBY): then(0, 1)}, (60, 61), ((63, "LogscanNobodyWorks", {}),)),
    Case("there is no operator", instead={}, quiet=(1,), fires=((3, "LogscanNobodyWorks", {"namespace": "logscan"}),)),
    Case("a leader that is not synced", {own(): then(1, 0)}, (60, 64), ((66, "LogscanNotSynced", {}),)),
    Case("a standby that is not synced", {own(STANDBY): always(0), team(STANDBY): always(0)}, (10, 60, 119)),
    Case(
        "a watched namespace that is gone",
        {team(): then(1, 0), team(STANDBY): then(1, 0)},
        (60, 74),
        ((76, "LogscanNamespaceNotSynced", {"watched_namespace": "team-a"}),),
    ),
    Case("one that is gone for ten minutes", {team(): "1+0x59 0+0x9 1+0x49"}, (60, 65, 69, 80, 100)),
    Case(
        "the API server is away",
        {WATCH: growing(60, 60)},
        (60, 70, 73),
        ((76, "LogscanWatchSilent", {"watched_namespace": "logscan"}),),
    ),
    Case("the API server was away for ten minutes", {WATCH: "0+0x59 0+60x10 0+0x48"}, (60, 69, 71, 75, 80)),
    Case(
        "every scan fails",
        {SUCCEEDED: "0+3x59 177+0x60", FAILED: growing(60)},
        (60, 80, 95),
        ((105, "LogscanEveryScanFails", {}),),
    ),
    Case(
        "two scans fail and nothing else comes",
        {SUCCEEDED: always(5), FAILED: then(0, 2), OOM: then(0, 2)},
        (60, 75, 95, 119),
    ),
    Case(
        "every third scan is incomplete",
        {INCOMPLETE: growing(60)},
        (60, 65),
        ((95, "LogscanScansIncomplete", {"reason": "Damaged"}),),
    ),
    Case(
        "every third scan is killed for its memory",
        {OOM: growing(60)},
        (60, 65),
        ((95, "LogscanScansFail", {"reason": "OutOfMemory"}),),
    ),
    Case("a dead letter", {DEAD: then(0, 1)}, (60, 64), ((66, "LogscanDeadLetters", {"queue": "logscan.fifo"}),)),
    Case("a dead letter that is redriven at once", {DEAD: "0+0x59 1+0x3 0+0x50"}, (60, 63, 66, 90)),
    Case(
        "uploads wait",
        {OLDEST: growing(60, 60)},
        (60, 80, 89),
        ((92, "LogscanUploadsWaitTooLong", {"queue": "logscan.fifo"}),),
    ),
    Case("uploads waited for twenty minutes", {OLDEST: "0+0x59 0+60x20 0+0x40"}, (60, 75, 79, 85, 119)),
    Case(
        "nothing starts",
        {STARTED: "0+3x29 87+0x90", name("jobs_active"): then(3, 0, at=30)},
        (30, 60, 85),
        ((95, "LogscanNothingStarts", {}),),
    ),
    Case(
        "nothing is there to start",
        {STARTED: always(5), name("jobs_active"): always(0), name("scans", phase="Pending"): always(0)},
        (60, 119),
    ),
    Case("one Job runs for hours in the only slot", {STARTED: always(5)}, (60, 119)),
    Case("scans wait half an hour", WAITED, (5, 25), ((40, "LogscanScansWaitTooLong", {}),)),
    Case(
        "a critical finding",
        {CRITICAL: then(0, 2)},
        (59, 80),
        tuple(
            (minute, "LogscanCriticalFindings", {"watched_namespace": "team-a", "policy": "all"}) for minute in (60, 70)
        ),
    ),
    Case(
        "the first finding under a policy is critical",
        {FIRST: "_x60 3+0x59"},
        (59, 80),
        tuple(
            (minute, "LogscanCriticalFindings", {"watched_namespace": "team-a", "policy": "new"}) for minute in (61, 70)
        ),
    ),
    Case("one scan in thirty is incomplete", {INCOMPLETE: "0+0.1x120"}, (60, 119)),
    Case(
        "the first message that cannot be read",
        {REJECTED: then(0, 1)},
        (59,),
        (
            (60, "LogscanMessagesRejected", {"reason": "malformed"}),
            (65, "LogscanMessagesRejected", {"reason": "malformed"}),
        ),
    ),
    Case("messages that come again", {NOT_CREATED: growing(60), OUTAGE: growing(60)}, (60, 65, 100)),
    Case(
        "nothing can be created",
        {name("intake_blocked"): then(0, 1), NOT_CREATED: growing(60)},
        (60, 64),
        ((66, "LogscanIntakeBlocked", {}),),
    ),
    Case(
        "nothing could be created for three minutes", {name("intake_blocked"): "0+0x59 1+0x3 0+0x50"}, (60, 63, 66, 90)
    ),
    Case("too much is unfinished", {name("poll_paused"): then(0, 1)}, (60, 89), ((91, "LogscanIntakePaused", {}),)),
    Case("too much was unfinished for a while", {name("poll_paused"): "0+0x59 1+0x20 0+0x30"}, (60, 80, 95, 110)),
    Case(
        "SQS hangs",
        {QUEUE: growing(60, 60)},
        (60, 62, 66),
        ((68, "LogscanQueueSilent", {"queue": "logscan.fifo"}),),
    ),
    Case("SQS hung for a minute", {QUEUE: "12+0x59 60 12+0x58"}, (60, 61, 65)),
    Case("SQS refuses", {SQS: growing(60, 4)}, (60, 70), ((75, "LogscanAwsErrors", {"service": "sqs"}),)),
    Case("SQS refuses now and then", {SQS: "0+0.5x120"}, (30, 60, 119)),
]


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Any]]:
    """Return the alerts of the chart."""
    documents = yaml.safe_load_all(render(f"--values={CHART / 'ci' / 'everything.yaml'}"))
    (rule,) = [document for document in documents if document and document["kind"] == "PrometheusRule"]
    (group,) = rule["spec"]["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


@pytest.fixture
def rules_file(rules: list[dict[str, Any]], tmp_path: Path) -> Path:
    """Return a file of the alerts as Prometheus reads it: what the PrometheusRule has in its spec."""
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "logscan", "rules": rules}]}))
    return path


def expected(rule: dict[str, Any], labels: Series) -> dict[str, Any]:
    """Return how promtool shows an alert that fires."""
    summary = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels[match[1]], rule["annotations"]["summary"])
    annotations = {**rule["annotations"], "summary": summary}
    return {"exp_labels": {**rule["labels"], **labels}, "exp_annotations": annotations}


def test_the_rules_are_well_formed(rules_file: Path, promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", "--lint-fatal", str(rules_file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what.replace(" ", "-"))
def test_alerts_fire_when_they_must_and_only_then(
    case: Case, rules: list[dict[str, Any]], rules_file: Path, promtool: str
) -> None:
    checks = []
    for minute in sorted({*case.quiet, *(minute for minute, _, _ in case.fires)}):
        for rule in rules:
            firing = [
                expected(rule, labels) for at, alert, labels in case.fires if (at, alert) == (minute, rule["alert"])
            ]
            checks.append({"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": firing})
    series = [{"series": series, "values": values} for series, values in case.series.items()]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": checks}
    path = rules_file.with_name("test.yaml")
    path.write_text(yaml.safe_dump({"rule_files": [rules_file.name], "evaluation_interval": "1m", "tests": [test]}))
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_in_which_it_fires(rules: list[dict[str, Any]]) -> None:
    assert {alert for case in CASES for _, alert, _ in case.fires} == {rule["alert"] for rule in rules}


def test_each_alert_and_each_case_is_about_metrics_that_exist(rules: list[dict[str, Any]]) -> None:
    told = Metrics(slots=1).names()
    asked = {found for rule in rules for found in re.findall(r"logscan_\w+", rule["expr"])}
    assert len(asked) > 5
    assert asked <= told
    assert {series.partition("{")[0] for case in CASES for series in case.series} <= told


def test_each_alert_links_to_its_section_of_the_runbook(rules: list[dict[str, Any]]) -> None:
    page = (CHART.parents[1] / "docs" / "alerts.md").read_text()
    sections = re.findall(r"^## (\w+)$", page, re.MULTILINE)
    links = [rule["annotations"]["runbook_url"] for rule in rules]
    assert links == [f"https://example.com/docs/alerts.md#{rule['alert'].lower()}" for rule in rules]
    assert sorted(sections) == sorted(rule["alert"] for rule in rules)


def test_without_an_address_of_the_runbook_no_alert_has_a_link() -> None:
    text = render(f"--values={CHART / 'ci' / 'everything.yaml'}", "--set=metrics.prometheusRule.runbooks=")
    assert "LogscanNobodyWorks" in text
    assert "runbook_url" not in text


def test_prometheus_understands_what_a_leader_tells(promtool: str) -> None:
    metrics, view = Metrics(slots=1), View(["logscan"])
    metrics.lead(True)
    view.namespaces.find("logscan")
    view.watch_ages.renew("logscan", "jobs")
    done = subprocess.run([promtool, "check", "metrics"], input=metrics.render(view), capture_output=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
