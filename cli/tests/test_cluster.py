"""The commands on a real API server and the AWS emulator's table."""

import csv
import gzip
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import Done, Run, in_terminal

from logscan_api import table
from logscan_api.failedrows import FailedRow
from logscan_api.identity import partition_key
from logscan_api.results import Sample, ScanResult
from logscan_api.rules import Severity
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_local.testkit.results import FINISHED, RESULT
from logscan_local.testkit.waiting import eventually

if TYPE_CHECKING:
    from logscan_local.stack.kubectl import Kubectl
    from logscan_local.stack.stacks import Stack

pytestmark = pytest.mark.controlplane

KEPT_UNTIL = 2**32  # in seconds since the epoch: the emulator deletes rows that have expired
FOUND = {"phase": "Succeeded", "reason": "Completed", "message": "done"}


def summary(matched: int, severity: str | None, by_severity: dict[str, int] | None = None) -> dict[str, Any]:
    counts: dict[str, Any] = {"bytes": 1, "decompressedBytes": 1, "lines": 9, "matchedLines": matched, "topRules": []}
    counts["bySeverity"] = by_severity or {}
    return {"summary": {**counts, **({"worstSeverity": severity} if severity else {})}}


class Place:
    """A namespace with LogScans whose statuses the test writes, as the operator would."""

    def __init__(self, stack: "Stack", run: Run) -> None:
        state = stack.state()
        assert state is not None
        self.state = state
        self.kubectl: Kubectl = stack.kubectl()
        self.environment = stack.environment()
        self._run = run

    def logscan(self, *arguments: str, **variables: str) -> Done:
        """Run a command in the namespace."""
        return self._run(*arguments, "--namespace", self.kubectl.namespace, **{**self.environment, **variables})

    def scan(self, name: str, status: dict[str, Any] | None = None, key: str = "a.log") -> None:
        """Create a LogScan with a status."""
        spec = {"source": {"s3": {"bucket": "logs", "key": key}}, "rules": {"packs": ["levels"]}}
        document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScan", "metadata": {"name": name}, "spec": spec}
        self.kubectl.apply([document])
        if status is not None:
            self.status(name, status)

    def status(self, name: str, status: dict[str, Any]) -> None:
        """Write the status of a LogScan."""
        patch = json.dumps({"status": status})
        self.kubectl.run("patch", "logscan", name, "--subresource=status", "--type=merge", f"--patch={patch}")

    def spec(self, name: str) -> dict[str, Any]:
        """Return the spec of a LogScan."""
        spec: dict[str, Any] = self.kubectl.get("logscan", name)["spec"]
        return spec

    def row(self, pk: str = "cli", sk: str = "S#1", **facts: Any) -> ResultRef:
        """Write a row into the table and return where it is."""
        ref = ResultRef(table=self.state.resources.table, pk=pk, sk=sk)
        result = RESULT.model_copy(update={"ref": ref, **facts})
        self.put(table.put_result(result, "token", 0))
        return ref

    def put(self, call: table.Call) -> None:
        """Put an item into the table."""
        from logscan_local.stack import aws

        aws.client("dynamodb", self.state.resources.endpoint).put_item(**call)


@pytest.fixture(scope="session")
def stack(nodeless_stack: "Stack") -> "Stack":
    from logscan_local.stack.install import install_crds

    install_crds(nodeless_stack.kubectl())
    nodeless_stack.kubectl().run("create", "namespace", nodeless_stack.kubectl().namespace)
    return nodeless_stack


@pytest.fixture
def place(stack: "Stack", run: Run) -> Iterator[Place]:
    place = Place(stack, run)
    yield place
    place.kubectl.run("delete", "logscans", "--all")


def names(done: Done) -> set[str]:
    assert done.returncode == 0, done.stderr
    return {scan["metadata"]["name"] for scan in json.loads(done.stdout)}


def test_scans_are_listed_by_what_they_found(place: Place) -> None:
    place.scan("bad", {**FOUND, **summary(3, "critical")})
    place.scan("mild", {**FOUND, **summary(1, "warning")}, key="deep/b.log")
    place.scan("new")
    assert names(place.logscan("list", "-o", "json")) == {"bad", "mild", "new"}
    assert names(place.logscan("list", "-o", "json", "--severity", "error")) == {"bad"}
    assert names(place.logscan("list", "-o", "json", "--phase", "pending")) == {"new"}
    assert names(place.logscan("list", "-o", "json", "--bucket", "other")) == set()
    assert names(place.logscan("list", "-o", "json", "--all-namespaces")) >= {"bad", "mild", "new"}
    header, *rows = csv.reader(io.StringIO(place.logscan("list", "-o", "csv").stdout))
    found = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert found["mild"]["object"] == "deep/b.log"
    assert (found["bad"]["matched"], found["bad"]["severity"], found["new"]["phase"]) == ("3", "critical", "Pending")


def test_a_list_fits_into_a_narrow_terminal(place: Place) -> None:
    place.scan("kube-apiserver-log-517cd85756539ffc3598a3243276398c", {**FOUND, **summary(3, "critical")})
    shown = in_terminal(["list", "--namespace", place.kubectl.namespace], 60, **place.environment)
    assert max(map(len, shown.splitlines())) <= 60
    assert "critical" in shown


def test_why_says_what_to_do(place: Place) -> None:
    place.scan("denied", {"phase": "Failed", "reason": "AccessDenied", "message": "s3:GetObject was denied"})
    facts = json.loads(place.logscan("why", "denied", "-o", "json").stdout)
    assert facts["message"] == "s3:GetObject was denied"
    assert "scanner's role" in facts["advice"]
    assert "kubectl logscan retry denied" in place.logscan("why", "denied").stdout.replace("\n", " ")


def test_results_are_those_of_the_row(place: Place) -> None:
    sample = Sample(rule="error", line=7, offset=0, text="ERROR \x1b[2J boom", after=["  at frame"])
    ref = place.row(samples=[sample], severities=RESULT.severities, by_severity={Severity.ERROR: 3})
    place.scan("found", {**FOUND, **summary(3, "error"), "result": ref.wire()})
    done = place.logscan("results", "found", "-o", "json")
    assert ScanResult.model_validate(json.loads(done.stdout)).by_rule == {"error": 3, "fatal": 0}
    done = place.logscan("results", "found", "-o", "csv")
    assert (done.stdout, done.stderr) == ("rule,severity,lines\nerror,error,3\n", "")
    shown = place.logscan("results", "found", "-o", "wide").stdout
    assert "3 of 4 lines" in shown
    assert "at frame" in shown
    assert "\x1b" not in shown


def test_a_report_is_fetched(place: Place, tmp_path: Path) -> None:
    from logscan_local.stack import aws

    resources = place.state.resources
    line = b'{"rule": "error", "severity": "error", "line": 1, "offset": 0, "text": "=1"}\n'
    files = {"findings.jsonl.gz": gzip.compress(line), "report.html": b"<p>caf\xc3\xa9\r\n"}
    for name, content in files.items():
        aws.client("s3", resources.endpoint).put_object(Bucket=resources.reports_bucket, Key=name, Body=content)
    found, page = (f"s3://{resources.reports_bucket}/{name}" for name in files)
    result = {"table": resources.table, "pk": "p", "sk": "s", "reportUri": found, "htmlReportUri": page}
    place.scan("a", {**FOUND, "result": result})
    assert place.logscan("report", "a").stdout.encode() == line
    assert place.logscan("report", "a", "--format", "csv").stdout.splitlines()[1] == "error,error,1,0,,'=1"
    target = tmp_path / "page.html"
    done = place.logscan("report", "a", "--format", "html", "--file", str(target))
    assert (done.returncode, target.read_bytes()) == (0, files["report.html"])
    place.scan("b", {**FOUND, "result": {"table": resources.table, "pk": "p", "sk": "s"}})
    assert place.logscan("report", "b").returncode == 3


@pytest.mark.parametrize(
    ("status", "code", "word"),
    [
        ({"phase": "Queued", "reason": "ConcurrencyLimit"}, 3, "kubectl logscan why a"),
        ({**FOUND, "result": {"table": "TABLE", "pk": "none", "sk": "none"}}, 3, "expired"),
        ({**FOUND, "result": {"table": "missing", "pk": "none", "sk": "none"}}, 5, "ResourceNotFoundException"),
    ],
)
def test_results_that_there_are_not(place: Place, status: dict[str, Any], code: int, word: str) -> None:
    text = json.dumps(status).replace("TABLE", place.state.resources.table)
    place.scan("a", json.loads(text))
    done = place.logscan("results", "a")
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.splitlines()
    assert word in line


def test_a_scan_is_suspended_resumed_run_again_and_cancelled(place: Place) -> None:
    place.scan("a", FOUND)
    assert place.logscan("suspend", "a").returncode == 0
    assert place.spec("a")["suspend"] is True
    assert place.logscan("resume", "a").returncode == 0
    assert place.spec("a")["suspend"] is False
    runs = []
    for _ in range(2):
        assert place.logscan("retry", "a").returncode == 0
        runs.append(place.spec("a")["retry"])
    assert runs[0] != runs[1]
    assert place.logscan("cancel", "a").returncode == 0
    assert place.spec("a")["cancel"] is True
    done = place.logscan("retry", "a")
    assert (done.returncode, place.spec("a")["retry"]) == (2, runs[1])


def test_the_history_of_an_object_outlives_its_scans(place: Place) -> None:
    pk = partition_key(place.kubectl.namespace, S3Source(bucket="logs", key="h.log"))
    for hour in (8, 10, 9):
        place.row(pk, f"S#{hour}", finished_at=FINISHED.replace(hour=hour), scan=f"scan-{hour}")
    place.row(pk, "LATEST", scan="none")
    place.row(pk + "x", "S#1", scan="none")
    table_name = place.state.resources.table
    done = place.logscan("history", "s3://logs/h.log", "--table", table_name, "-o", "csv")
    assert [row["logscan"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["scan-10", "scan-9", "scan-8"]
    none = place.logscan("history", "s3://logs/other.log", LOGSCAN_TABLE=table_name)
    assert (none.returncode, none.stdout) == (0, "")
    assert place.logscan("history", "s3://logs/h.log", LOGSCAN_TABLE="").returncode == 2
    place.scan("a", {**FOUND, "result": {"table": table_name, "pk": pk, "sk": "S#8"}})
    done = place.logscan("history", "s3://logs/h.log", "-o", "json", LOGSCAN_TABLE="")
    assert len(json.loads(done.stdout)) == 3


def past(place: Place, *arguments: str) -> list[dict[str, Any]]:
    """Return the rows that a list of the last two days has."""
    table_name = place.state.resources.table
    done = place.logscan("list", "--since", "2d", "--table", table_name, "-o", "json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_scans_of_the_last_days_are_listed_after_their_logscans_are_gone(place: Place) -> None:
    now, clean = datetime.now(UTC), {Severity.ERROR: 0, Severity.CRITICAL: 0}
    found: dict[str, tuple[datetime, dict[str, Any]]] = {
        "critical": (now - timedelta(hours=1), {"by_severity": {Severity.CRITICAL: 1}}),
        "error": (now - timedelta(hours=25), {"bucket": "others"}),
        "warning": (now - timedelta(hours=2), {"by_severity": {Severity.WARNING: 1}}),
        "clean": (now, {"by_severity": clean}),
        "old": (now - timedelta(hours=49), {}),
    }
    for key, (ended, facts) in found.items():
        place.row(f"{place.kubectl.namespace}#O#logs#{key}", finished_at=ended, key=key, expires_at=KEPT_UNTIL, **facts)
    place.row("elsewhere#O#logs#e", finished_at=now, key="elsewhere", expires_at=KEPT_UNTIL)
    keys = [row["key"] for row in past(place)]
    assert keys == ["clean", "critical", "warning", "error"]
    for severity, expected in {"warning": keys[1:], "error": ["critical", "error"], "critical": ["critical"]}.items():
        assert [row["key"] for row in past(place, "--severity", severity)] == expected
    assert [row["key"] for row in past(place, "--bucket", "others")] == ["error"]
    assert [row["key"] for row in past(place, "--bucket", "logs", "--severity", "error")] == ["critical"]
    assert "elsewhere" in {row["key"] for row in past(place, "--all-namespaces")}


def test_an_object_that_failed_is_among_the_scans_of_the_last_days(place: Place) -> None:
    row = FailedRow(
        ref=ResultRef(table=place.state.resources.table, pk=f"{place.kubectl.namespace}#O#logs#f", sk="S#f"),
        finished_at=datetime.now(UTC),
        reason="AccessDenied",
        message="denied",
        bucket="logs",
        key="f",
        scan="f",
        scan_uid="uid-f",
        job_uid="job-f-1",
        attempt=1,
        scanner_version="0",
        expires_at=KEPT_UNTIL,
    )
    place.put(table.put_result(row, "token", 0))
    (failed,) = [row for row in past(place) if row["status"] == "failed"]
    assert failed["pk"] == row.ref.pk


@pytest.mark.parametrize(
    "arguments", [["--since", "yesterday"], ["--since", "9999d"], ["--since", "1h", "--phase", "x"]]
)
def test_a_list_of_the_past_that_cannot_be_had(place: Place, arguments: list[str]) -> None:
    done = place.logscan("list", *arguments)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "--since" in line) == (2, True)


def test_a_scan_of_an_object_is_created_with_its_rules(place: Place, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("{inline: [{name: a, pattern: a}], records: {framing: Lines}}")
    done = place.logscan("scan", "s3://logs/app*", "--rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[1]
    spec = place.spec(name)
    assert spec["source"]["s3"] == {"bucket": "logs", "prefix": "app"}
    assert spec["rules"]["inline"][0]["pattern"] == "a"
    assert spec["records"] == {"framing": "Lines"}


@pytest.mark.parametrize(
    ("end", "arguments", "code"),
    [
        ({**FOUND, **summary(3, "error", {"error": 3})}, [], 0),
        ({**FOUND, **summary(3, "error", {"error": 3})}, ["--fail-on", "warning"], 1),
        ({"phase": "Failed", "reason": "AccessDenied", "message": "denied"}, [], 7),
        (None, ["--timeout", "1"], 7),
    ],
    ids=["succeeded", "found", "failed", "late"],
)
def test_a_scan_is_waited_for(place: Place, end: dict[str, Any] | None, arguments: list[str], code: int) -> None:
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(place.logscan, "scan", "s3://logs/w.log", "--wait", *arguments)
        (found,) = eventually(lambda: place.kubectl.get("logscans")["items"], what="the LogScan")
        if end is not None:
            place.status(found["metadata"]["name"], end)
        done = ended.result()
    assert done.returncode == code, done.stderr
    if code == 7:
        assert "kubectl logscan why" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("command", ["why", "results", "report", "retry", "suspend", "resume", "cancel"])
def test_a_scan_that_there_is_not(place: Place, command: str) -> None:
    done = place.logscan(command, "nobody")
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    assert "kubectl logscan list" in line


def test_a_user_without_rights_is_sent_to_whoever_grants_them(place: Place, tmp_path: Path) -> None:
    place.kubectl.run("create", "serviceaccount", "nobody")
    token = place.kubectl.run("create", "token", "nobody").strip()
    config = json.loads(place.kubectl.run("config", "view", "--raw", "--output=json"))
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    (tmp_path / "config").write_text(json.dumps(config))
    done = place.logscan("list", KUBECONFIG=str(tmp_path / "config"))
    assert done.returncode == 4
    (line,) = done.stderr.splitlines()
    assert "RoleBinding" in line


def test_an_api_server_that_does_not_answer(place: Place, tmp_path: Path) -> None:
    config = json.loads(place.kubectl.run("config", "view", "--raw", "--output=json"))
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    (tmp_path / "config").write_text(json.dumps(config))
    done = place.logscan("list", KUBECONFIG=str(tmp_path / "config"))
    assert done.returncode == 4
    (line,) = [line for line in done.stderr.splitlines() if line]
    assert "https://127.0.0.1:1 did not answer" in line
