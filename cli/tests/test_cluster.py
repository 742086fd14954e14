"""The commands on a real API server and the AWS emulator's table."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Done, in_terminal
from places import FOUND, Place, summary

from logscan_api.identity import partition_key
from logscan_api.results import Sample, ScanResult
from logscan_api.rules import Severity
from logscan_api.sources import S3Source
from logscan_local.testkit.results import FINISHED, RESULT

pytestmark = pytest.mark.controlplane


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
    run_of_sarif = json.loads(place.logscan("report", "a", "--format", "sarif").stdout)["runs"][0]
    assert [found["ruleId"] for found in run_of_sarif["results"]] == ["error"]
    assert json.loads(place.logscan("report", "a", "--format", "ocsf").stdout)["message"] == "=1"
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


def test_a_scan_of_an_object_is_created_with_its_rules(place: Place, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("{inline: [{name: a, pattern: a}], records: {framing: Lines}}")
    done = place.logscan("scan", "s3://logs/app*", "--rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stderr
    name = done.stdout.split()[1]
    spec = place.spec(name)
    assert spec["source"]["s3"] == {"bucket": "logs", "prefix": "app"}
    assert spec["rules"]["inline"][0]["pattern"] == "a"
    assert spec["records"] == {"framing": "Lines"}


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
