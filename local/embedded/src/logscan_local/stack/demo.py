"""The demonstration: uploads real logs, shows the findings and compares every count with grep.

The logs are those that the running control plane writes.
"""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console

from logscan_api.packs import resolve_rules
from logscan_api.results import Sample, ScanResult
from logscan_api.rules import Rule, RuleSelection, Severity
from logscan_api.statuses import ResultRef
from logscan_api.table import key_of
from logscan_local.stack import aws, grep
from logscan_local.stack.errors import StackError
from logscan_local.stack.kubectl import Kubectl, Object
from logscan_local.stack.progress import Watcher
from logscan_local.stack.stacks import Stack
from logscan_local.stack.state import State
from logscan_local.stack.uploads import put_file
from logscan_local.stack.zstandard import zstd
from logscan_tools.paths import REPOSITORY

SAMPLE = REPOSITORY / "manifests" / "samples" / "logscan.yaml"
DONE_SECONDS = 120  # for small logs
SLOWEST_BYTES = 512 * 1024  # a second, uncompressed
GREPPED = {"plain", "gzip", "bzip2", "xz", "zstd"}  # what `grep.uncompressed` can give to grep
FINDINGS = 3


@dataclass
class Upload:
    """An uploaded log.

    Attributes:
        label: What tells it from the others.
        key: Its key in the bucket.
        plain: The same content uncompressed, for grep.
        is_scan: Whether a LogScan is the one that it becomes.
        at: When it was uploaded.
    """

    label: str
    key: str
    plain: Path
    is_scan: Callable[[Object], bool]
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


def run(stack: Stack, own_log: str | None) -> int:
    """Run the demonstration; the stack stays up.

    Args:
        stack: The stack to use.
        own_log: A file of the user's to scan too.

    Returns:
        0 if every scan succeeded with the counts that grep gives, else 1.

    Raises:
        StackError: The stack did not start, or a scan did not finish.
    """
    console = Console(highlight=False)
    state = stack.up()
    kubectl = stack.kubectl()
    folder = stack.paths.root / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    console.rule("[bold]uploading logs to s3://" + state.resources.bucket)
    uploads = _upload_all(stack, state, folder, own_log, console)
    uploads.append(_apply_by_hand(kubectl, uploads, console))
    wanted = {upload.label: upload.is_scan for upload in uploads}
    seconds = patience([upload.plain for upload in uploads])
    scans = Watcher(kubectl, console).until_finished(wanted, seconds)
    _show(kubectl, state, uploads, scans, console)
    wrong = _check(state, uploads, scans, console)
    _what_next(stack, scans, console)
    return 1 if wrong else 0


def patience(logs: list[Path]) -> float:
    """Return for how many seconds to wait for the scans of some logs on a slow machine."""
    return DONE_SECONDS + sum(path.stat().st_size for path in logs) / SLOWEST_BYTES


def _upload_all(stack: Stack, state: State, folder: Path, own_log: str | None, console: Console) -> list[Upload]:
    apiserver, etcd, manager = (
        _snapshot(stack.paths.logs / f"{name}.log", folder)
        for name in ("kube-apiserver", "etcd", "kube-controller-manager")
    )
    files = [
        ("demo/kube-apiserver.log", apiserver, apiserver),
        ("demo/etcd.json.gz", etcd, _written(folder / "etcd.gz", gzip.compress(etcd.read_bytes()))),
        (
            "demo/kube-controller-manager.log.zst",
            manager,
            _written(folder / "manager.zst", zstd.compress(manager.read_bytes())),
        ),
    ]
    more = _written(folder / "more.log", apiserver.read_bytes() + b"one more line\n")
    files.append(("demo/Größe & Maße + naïve.log", more, more))
    if own_log is not None:
        files.append(_own(Path(own_log), folder))
    s3, bucket = aws.client("s3", state.resources.endpoint), state.resources.bucket
    uploads = []
    for key, plain, packed in files:
        stored = put_file(s3, packed, bucket, key)
        uploads.append(Upload(key, key, plain, stored.is_source_of))
        console.print(f"  {key}  ({stored.size:,} bytes)", markup=False)
    return uploads


def _snapshot(log: Path, folder: Path) -> Path:
    """Return a copy of a log that is still being written."""
    return Path(shutil.copyfile(log, folder / log.name))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _own(path: Path, folder: Path) -> tuple[str, Path, Path]:
    """Return key, plain and uploaded file of a log of the user's, copied since it may be written to all the while."""
    try:
        copy = Path(shutil.copyfile(path, folder / "own"))
    except OSError as error:
        raise StackError(f"LOG={path} cannot be read: {error.strerror or error}") from error
    if not copy.stat().st_size:
        raise StackError(f"LOG={path} is empty: there is nothing to scan")
    return f"demo/own/{path.name}", grep.uncompressed(copy, folder / "own.plain"), copy


def _apply_by_hand(kubectl: Kubectl, uploads: list[Upload], console: Console) -> Upload:
    console.print(f"  and by hand: kubectl apply -f {SAMPLE.relative_to(REPOSITORY)}")
    document = yaml.safe_load(SAMPLE.read_text())
    name = document["metadata"]["name"]
    kubectl.run("delete", "logscan", name, "--ignore-not-found", "--wait=true")
    kubectl.run("apply", f"--filename={SAMPLE}")
    key = document["spec"]["source"]["s3"]["key"]
    plain = next(upload.plain for upload in uploads if upload.key == key)
    return Upload(name, key, plain, lambda scan: bool(scan["metadata"]["name"] == name))


def _show(kubectl: Kubectl, state: State, uploads: list[Upload], scans: dict[str, Object], console: Console) -> None:
    console.rule("[bold]kubectl get logscans -o wide")
    console.print(kubectl.run("get", "logscans", "--output=wide"), markup=False, soft_wrap=True)
    rows = {label: _result(state, scan) for label, scan in scans.items()}
    console.rule(f"[bold]the rows in DynamoDB ({state.resources.table})")
    for label, result in rows.items():
        name, facts = scans[label]["metadata"]["name"], "no row"
        if result is not None:
            counts = {rule: lines for rule, lines in result.by_rule.items() if lines}
            facts = f"{result.ref.sk}\n    {result.status}  {'+'.join(result.formats)}  {json.dumps(counts)}"
        console.print(f"  {name}\n    {facts}", markup=False, soft_wrap=True)
    console.rule("[bold]findings")
    for severity, where, sample in _worst([result for result in rows.values() if result])[:FINDINGS]:
        console.print(f"  {severity}  {sample.rule}  {where}\n    {sample.text}", markup=False, soft_wrap=True)
    console.rule("[bold]seconds from the upload")
    jobs = {job["metadata"]["name"]: job for job in kubectl.get("jobs")["items"]}
    for upload in uploads:
        console.print(
            f"  {_latency(upload, scans[upload.label], jobs, rows[upload.label])}  {upload.key}", markup=False
        )


def _worst(results: list[ScanResult]) -> list[tuple[Severity, str, Sample]]:
    """Return severity, location and sample of all findings, the worst first, each rule once."""
    found: dict[str, tuple[Severity, str, Sample]] = {}
    for result in results:
        for sample in result.samples:
            found.setdefault(sample.rule, (result.severities[sample.rule], f"{result.uri}:{sample.line}", sample))
    return sorted(found.values(), key=lambda finding: -finding[0].rank)


def _latency(upload: Upload, scan: Object, jobs: dict[str, Object], result: ScanResult | None) -> str:
    """Return the durations; a Job has times in whole seconds only."""
    job = jobs.get(scan["status"].get("job", {}).get("name", ""))
    created = f"{_seconds(upload.at, datetime.fromisoformat(_created(job))):.0f} s" if job else "-"
    ended = f"{_seconds(upload.at, result.finished_at):.1f} s" if result else "-"
    return f"to its Job {created:>4}, to its result {ended:>6}"


def _created(body: Object) -> str:
    return str(body["metadata"]["creationTimestamp"])


def _seconds(start: datetime, end: datetime) -> float:
    return max((end - start).total_seconds(), 0)


def _result(state: State, scan: Object) -> ScanResult | None:
    if "result" not in scan["status"]:
        return None
    ref = ResultRef.model_validate(scan["status"]["result"])
    dynamodb = aws.client("dynamodb", state.resources.endpoint)
    item = dynamodb.get_item(TableName=ref.table, Key=key_of(ref)).get("Item")
    return ScanResult.from_item(ref.table, item) if item else None


def _check(state: State, uploads: list[Upload], scans: dict[str, Object], console: Console) -> list[str]:
    """Print and return the differences from `grep -c`."""
    console.rule("[bold]checked against grep -c")
    wrong, compared = [], 0
    for upload in uploads:
        scan = scans[upload.label]
        if scan["status"]["phase"] != "Succeeded":
            name, status = scan["metadata"]["name"], scan["status"]
            wrong.append(f"{name} is {status['phase']}: {status.get('message')}")
            continue
        result = _result(state, scan)
        if result is None:
            wrong.append(f"{scan['metadata']['name']} has no row")
            continue
        if archived := set(result.formats) - GREPPED:
            console.print(f"  {upload.key}: not compared, grep does not read {', '.join(archived)}", markup=False)
            continue
        counts = _counts(resolve_rules(_selection(scan)), upload.plain)
        compared += len(counts)
        for rule, expected in counts.items():
            if expected != result.by_rule.get(rule):
                wrong.append(f"{upload.key}: {rule} counted {result.by_rule.get(rule)} lines, grep {expected}")
    for line in wrong:
        console.print(f"  {line}", style="red", markup=False)
    if not wrong:
        console.print(f"  {compared} counts, all equal")
    return wrong


def _counts(rules: Sequence[Rule], path: Path) -> dict[str, int]:
    """Return grep's count for each rule; grep reads the file once for each, so several run at the same time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = pool.map(lambda rule: grep.count(rule, path), rules)
        return {rule.name: lines for rule, lines in zip(rules, counted, strict=True)}


def _selection(scan: Object) -> RuleSelection:
    """Return the rules that a scan used: its own, or those of the overlay's default policy."""
    rules = scan["spec"].get("rules")
    return RuleSelection.model_validate(rules) if rules else RuleSelection(packs=["levels", "kubernetes", "etcd"])


def _what_next(stack: Stack, scans: dict[str, Object], console: Console) -> None:
    first = next(iter(scans.values()))
    # In a clone it is not on PATH, and there is make.
    cloned = shutil.which("logscan-local") is None
    console.rule("[bold]the stack keeps running; next")
    lines = [
        f'eval "$({".venv/bin/" if cloned else ""}logscan-local --stack {stack.paths.name} env)"',
        "kubectl get logscans -o wide",
        f"kubectl describe logscan {first['metadata']['name']}",
        f"kubectl logs job/{first['status'].get('job', {}).get('name', 'NAME')}",
        "make demo LOG=/var/log/some.log" if cloned else "logscan-local demo --log /var/log/some.log",
        "make down" if cloned else "logscan-local down",
    ]
    for line in lines:
        console.print(f"  {line}", markup=False)
