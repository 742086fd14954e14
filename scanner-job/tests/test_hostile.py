"""Whatever an object is, its scan ends with a documented exit code, and a row or a clear error, within its limits.

Real processes under rlimits, against an S3 and a DynamoDB that enforce the limits of AWS.
"""

import gzip
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import ANY_OBJECT, CORPUS
from hypothesis import HealthCheck, given, settings

from logscan_api.exitcodes import ExitCode
from logscan_api.logscans import Limits
from logscan_api.requests import Report, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import ScanResult
from logscan_api.rules import Rule, Severity
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import key_of, table_definition
from logscan_local.stack import aws
from logscan_local.stack.emulator import running
from logscan_scanner import runner
from logscan_scanner.aws import Objects, Results
from logscan_scanner.aws.clients import session
from logscan_scanner.reporting.report import LINES_PER_RULE, MAX_LINES
from logscan_scanner.scanning import samples

pytestmark = [pytest.mark.emulator, pytest.mark.stress]

BUCKET, REPORTS, TABLE = "hostile-logs", "hostile-reports", "hostile-results"
CPU_SECONDS = 60
DATA_MIB = 512  # virtual; what is resident is measured
RESIDENT_MIB = 192  # a pod has 256 by default
ITEM_BYTES = 400 * 1024
RULES = [
    Rule(name="error", pattern="ERROR"),
    Rule(name="any", pattern=".*", severity=Severity.INFO),
    Rule(name="open", pattern="[^a]", severity=Severity.INFO, redact=False),
]

# Scans one object after the other, and says how each ended; what is resident counts for all of them.
DRIVER = f"""
import json, os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
resource.setrlimit(resource.RLIMIT_DATA, ({DATA_MIB} << 20, {DATA_MIB} << 20))
from logscan_scanner import program
codes = []
for request in json.load(sys.stdin):
    os.environ["LOGSCAN_REQUEST"] = request
    codes.append([int(program.main([])), json.loads(open(os.environ["LOGSCAN_TERMINATION_PATH"]).read())])
print(json.dumps([codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10]))
"""
# What a process had resident counts for the program that it becomes, so that pytest must not be the one that starts it.
LAUNCHER = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', sys.argv[1]]))"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with running("hostile") as made:
        s3 = aws.client("s3", made.endpoint)
        for bucket in (BUCKET, REPORTS):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": aws.REGION})
        aws.client("dynamodb", made.endpoint).create_table(**table_definition(TABLE))
        yield made.endpoint


def request(key: str, limits: Limits | None = None, rules: list[Rule] = RULES) -> ScanRequest:
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid=uuid.uuid4().hex, attempt=1),
        source=S3Source(bucket=BUCKET, key=key),
        rules=rules,
        limits=resolve_limits(limits),
        tokens=["t" * 64],
        result=ResultRef(table=TABLE, pk=f"O#{uuid.uuid4().hex}", sk="S#1"),
        report=Report(bucket=REPORTS),
    )


def ends(endpoint: str, folder: Path, requests: list[ScanRequest]) -> list[tuple[int, dict[str, Any]]]:
    """Return exit code and last words of scans by one process."""
    environment = {
        **os.environ,
        **aws.ADMINISTRATOR.environment(),
        "AWS_REGION": aws.REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "LOGSCAN_TERMINATION_PATH": str(folder / "words"),
    }
    text = json.dumps([request.to_variable() for request in requests])
    command = [sys.executable, "-c", LAUNCHER, DRIVER]
    done = subprocess.run(command, input=text, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    assert all(line.isprintable() for line in done.stderr.split("\n"))
    answers, resident = json.loads(done.stdout)
    assert resident < RESIDENT_MIB
    return [(code, words) for code, words in answers]


def row_of(endpoint: str, request: ScanRequest) -> ScanResult | None:
    item = aws.client("dynamodb", endpoint).get_item(TableName=TABLE, Key=key_of(request.result)).get("Item")
    return ScanResult.from_item(TABLE, item) if item else None


def judge(endpoint: str, request: ScanRequest, code: int, words: dict[str, Any]) -> ScanResult | None:
    """Assert that a scan ended as one may, and return its row."""
    assert words == {"code": code, "reason": ExitCode(code).reason, "message": words["message"]}
    assert words["message"]
    assert words["message"].isprintable()
    assert code != ExitCode.INTERNAL_ERROR, words
    row = row_of(endpoint, request)
    assert (row is not None) == (code == 0)
    if row is not None:
        assert all(str(part.message).isprintable() for part in row.incomplete)
        assert all((sample.key or "").isprintable() for sample in row.samples)
        assert len(json.dumps(row.to_item())) < ITEM_BYTES
    return row


def scan(
    endpoint: str, folder: Path, data: bytes, limits: Limits | None = None, rules: list[Rule] = RULES
) -> ScanResult:
    """Return the row of a scan of an object."""
    aws.client("s3", endpoint).put_object(Bucket=BUCKET, Key="object", Body=data)
    wanted = request("object", limits, rules)
    ((code, words),) = ends(endpoint, folder, [wanted])
    row = judge(endpoint, wanted, code, words)
    assert row is not None, words
    return row


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus(endpoint: str, tmp_path: Path, name: str) -> None:
    scan(endpoint, tmp_path, b"".join(CORPUS[name]()), Limits(max_samples_per_rule=20, max_sample_bytes=4096))


@pytest.mark.parametrize("name", [name for name in CORPUS if name.endswith(".log.gz")])
def test_twenty_thousand_findings_of_four_kilobytes(endpoint: str, tmp_path: Path, name: str) -> None:
    rules = [Rule(name=f"r{number}", pattern=f"^ERROR|{number}") for number in range(MAX_LINES // LINES_PER_RULE)]
    row = scan(endpoint, tmp_path, b"".join(CORPUS[name]()), Limits(max_sample_bytes=4096), rules)
    assert set(row.by_rule.values()) == {MAX_LINES}


@pytest.mark.parametrize("line", [b"\n", b"\r\n", b"a\n"])
def test_millions_of_tiny_lines_that_a_hundred_rules_match(endpoint: str, tmp_path: Path, line: bytes) -> None:
    rules = [Rule(name=f"r{number}", pattern=f".*|{number}") for number in range(100)]
    row = scan(endpoint, tmp_path, gzip.compress(line * (8 << 20)), rules=rules)
    assert set(row.by_rule.values()) == {8 << 20}


def test_any_bytes_at_all(endpoint: str, tmp_path: Path) -> None:
    objects: list[bytes] = []

    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    @given(ANY_OBJECT)
    def draw(data: bytes) -> None:
        objects.append(data)

    draw()
    s3, requests = aws.client("s3", endpoint), [request(f"any/{number}") for number in range(len(objects))]
    for wanted, data in zip(requests, objects, strict=True):
        s3.put_object(Bucket=BUCKET, Key=wanted.source.key or "", Body=data)
    for wanted, data, (code, words) in zip(requests, objects, ends(endpoint, tmp_path, requests), strict=True):
        row = judge(endpoint, wanted, code, words)
        assert row is not None or code == ExitCode.UNSUPPORTED_FORMAT, data


def test_one_bad_name_hides_nothing(endpoint: str, tmp_path: Path) -> None:
    for name in ("latin1.tar", "surrogate.tar", "longname.tar", "escapes.tar"):
        row = scan(endpoint, tmp_path, b"".join(CORPUS[name]()))
        assert row.by_rule["error"] > 0
        assert not row.incomplete
        assert len(str(row.samples[0].key).encode()) <= 256


def test_counts_are_kept_when_a_row_is_too_large_for_its_samples(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MAX_SAMPLES_BYTES", 10 * ITEM_BYTES)
    for name, value in {
        **aws.ADMINISTRATOR.environment(),
        "AWS_REGION": aws.REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    session.cache_clear()
    aws.client("s3", endpoint).put_object(Bucket=BUCKET, Key="large", Body=(b"ERROR " + b"x" * 4000 + b"\n") * 1000)
    wanted = request("large", Limits(max_samples_per_rule=20, max_sample_bytes=4096, context_lines=10))
    runner.run(wanted, Objects(), Results(), "job")
    session.cache_clear()
    row = row_of(endpoint, wanted)
    assert row is not None
    assert (row.by_rule["error"], row.matched_lines, row.samples) == (1000, 1000, [])
