"""Several objects in one LogScan, through the whole pipeline: uploads that are gathered, and a list by hand."""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from clouds import Cloud, text

from logscan_api.results import ScanResult
from logscan_api.rules import Rule
from logscan_local.stack import aws, grep
from logscan_local.stack.kubectl import Object
from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.stack

RULES = [Rule(name="refused", pattern="connection refused"), Rule(name="any-error", pattern=r"\b(ERROR|E\d{4})\b")]
INLINE = [rule.wire() for rule in RULES]
PREFIX = "e2e/batches"
GATHERED = 30
PARQUET = b"PAR1" + b"\x15\x04\x15\x10\x15\x14\x4c\x15\x02" * 40 + b"PAR1"


@pytest.fixture(scope="module")
def cloud(full_stack: Cluster) -> Cloud:
    cloud = Cloud(full_stack)
    cloud.forget_earlier_runs()
    return cloud


def counted(folder: Path, bodies: dict[str, bytes]) -> Counter[str]:
    """Return how many lines of some logs each rule matches, by grep."""
    total: Counter[str] = Counter()
    for number, body in enumerate(bodies.values()):
        path = folder / str(number)
        path.write_bytes(body)
        total.update({rule.name: grep.count(rule, path) for rule in RULES})
    return total


def row_of(cloud: Cloud, status: Object) -> ScanResult:
    """Return what the row that a status names holds."""
    ref = status["result"]
    key = {"pk": {"S": ref["pk"]}, "sk": {"S": ref["sk"]}}
    found = ScanResult.from_item(ref["table"], cloud.dynamodb.get_item(TableName=ref["table"], Key=key)["Item"])
    assert found is not None
    return found


def apply(cloud: Cloud, kind: str, name: str, spec: dict[str, Any]) -> None:
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    cloud.kubectl.run("apply", "--filename=-", stdin=json.dumps(document))


def test_small_uploads_share_a_scan_and_each_has_its_row(cloud: Cloud, tmp_path: Path) -> None:
    batch = {"maxObjects": GATHERED // 2, "maxSeconds": 20, "largest": "1Mi"}
    match = {"keys": [f"{PREFIX}/gathered/**"]}
    apply(cloud, "LogScanPolicy", "gathered", {"match": match, "rules": {"inline": INLINE}, "batch": batch})
    ready = "--for=condition=Ready"
    cloud.kubectl.run("wait", "logscanpolicy/gathered", ready, "--timeout=60s")
    bodies = {f"{PREFIX}/gathered/{number:02}.log.gz": text(200, number) for number in range(GATHERED)}
    for key, body in bodies.items():
        cloud.upload(key, gzip.compress(body))

    def scans() -> list[Object]:
        found = cloud.kubectl.get("logscans", "--selector=logscan.dev/policy=gathered")["items"]
        counts = [scan["status"].get("objects") or {} for scan in found]
        return found if sum(one.get("done", 0) + one.get("skipped", 0) for one in counts) >= GATHERED else []

    found = eventually(scans, 90, "all objects to be scanned")
    assert len(found) < GATHERED / 2
    assert {scan["status"]["phase"] for scan in found} == {"Succeeded"}
    expected = counted(tmp_path, bodies)
    total: Counter[str] = Counter()
    for scan in found:
        total.update(row_of(cloud, scan["status"]).by_rule)
    assert total == expected
    rows = {key: cloud.rows(key) for key in bodies}
    assert {len(of_object) for of_object in rows.values()} == {1}
    single: Counter[str] = Counter()
    for (row,) in rows.values():
        single.update({rule: int(lines["N"]) for rule, lines in row["by_rule"]["M"].items()})
    assert single == expected
    cloud.kubectl.run("delete", "logscans", "--selector=logscan.dev/policy=gathered")
    cloud.kubectl.run("delete", "logscanpolicy", "gathered")


def test_an_object_that_cannot_be_read_fails_no_other(cloud: Cloud, tmp_path: Path) -> None:
    bodies = {f"{PREFIX}/listed/{name}": text(300, seed) for seed, name in enumerate(("a.log", "b.log"), 50)}
    for key, body in bodies.items():
        cloud.upload(key, body)
    cloud.upload(f"{PREFIX}/listed/flow.parquet", PARQUET)
    keys = [*bodies, f"{PREFIX}/listed/flow.parquet", f"{PREFIX}/listed/never-written.log"]
    source = {"s3": {"bucket": aws.BUCKET, "objects": [{"key": key} for key in keys]}}
    apply(cloud, "LogScan", "listed", {"source": source, "rules": {"inline": INLINE}})
    scan = cloud.ended("listed")
    status = scan["status"]
    assert (status["phase"], status["object"]) == ("Succeeded", f"{PREFIX}/listed/a.log and 3 more")
    objects = status["objects"]
    assert {name: objects[name] for name in ("total", "done", "skipped", "failed", "progress")} == {
        "total": 4,
        "done": 2,
        "skipped": 0,
        "failed": 2,
        "progress": "4/4",
    }
    assert {found["reason"] for found in objects["failures"]} == {"UnsupportedFormat", "ObjectNotFound"}
    assert status["summary"]["incomplete"][0]["reason"] == "ObjectsFailed"
    assert any(c["type"] == "Partial" and c["status"] == "True" for c in status["conditions"])
    assert status["summary"]["lines"] == 600
    assert Counter(row_of(cloud, status).by_rule) == counted(tmp_path, bodies)
    cloud.kubectl.run("delete", "logscan", "listed")


def test_what_is_under_a_prefix_is_scanned_part_by_part(cloud: Cloud, tmp_path: Path) -> None:
    bodies = {f"{PREFIX}/archive/{number:02}.log": text(100, 100 + number) for number in range(25)}
    for key, body in bodies.items():
        cloud.upload(key, body)
    cloud.upload(f"{PREFIX}/archive/left-out.txt", b"ERROR connection refused\n")
    source = {"bucket": aws.BUCKET, "prefix": f"{PREFIX}/archive/", "include": ["**/*.log"], "pageObjects": 10}
    apply(cloud, "LogScan", "archive", {"source": {"s3": source}, "rules": {"inline": INLINE}})
    status = cloud.ended("archive", 120)["status"]
    assert (status["phase"], status["object"]) == ("Succeeded", f"{PREFIX}/archive/*"), status
    assert (status["objects"]["progress"], status["objects"]["done"]) == ("25/25", 25)
    expected = counted(tmp_path, bodies)
    assert status["summary"]["lines"] == 2500
    assert {top["rule"]: top["lines"] for top in status["summary"]["topRules"]} == dict(expected)
    parts = "--selector=logscan.dev/parent=archive"
    assert eventually(lambda: not cloud.kubectl.get("logscans", parts)["items"], 30, "the parts to be deleted")
    cloud.kubectl.run("delete", "logscan", "archive")


def test_what_an_inventory_lists_is_scanned_with_the_operators_rights(cloud: Cloud, tmp_path: Path) -> None:
    bodies = {f"{PREFIX}/inventory/{number} a+b.log": text(100, 200 + number) for number in range(7)}
    for key, body in bodies.items():
        cloud.upload(key, body)
    rows = [f'"{aws.BUCKET}","{quote_plus(key, safe="/")}","9","2026-01-01T00:00:00.000Z"\n' for key in bodies]
    packed = gzip.compress("".join(reversed(rows)).encode())
    file = f"{aws.INVENTORIES}e2e.csv.gz"
    manifest = {
        "sourceBucket": aws.BUCKET,
        "destinationBucket": f"arn:aws:s3:::{aws.BUCKET}",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate",
        "files": [{"key": file, "size": len(packed), "MD5checksum": hashlib.md5(packed).hexdigest()}],
    }
    for key, body in {file: packed, f"{aws.INVENTORIES}e2e.json": json.dumps(manifest).encode()}.items():
        cloud.upload(key, body)
    source = {"bucket": aws.BUCKET, "inventory": {"manifestKey": f"{aws.INVENTORIES}e2e.json"}, "pageObjects": 3}
    apply(cloud, "LogScan", "inventory", {"source": {"s3": source}, "rules": {"inline": INLINE}})
    status = cloud.ended("inventory", 120)["status"]
    assert (status["phase"], status["objects"]["progress"]) == ("Succeeded", "7/7"), status
    assert {top["rule"]: top["lines"] for top in status["summary"]["topRules"]} == dict(counted(tmp_path, bodies))
    cloud.kubectl.run("delete", "logscan", "inventory")


def test_where_no_object_can_be_read_the_scan_fails(cloud: Cloud) -> None:
    objects = [{"key": f"{PREFIX}/none/{number}.log"} for number in range(3)]
    apply(cloud, "LogScan", "none-there", {"source": {"s3": {"bucket": aws.BUCKET, "objects": objects}}})
    status = cloud.ended("none-there")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "ObjectNotFound"), status
    assert status["objects"]["failed"] == 3
    cloud.kubectl.run("delete", "logscan", "none-there")
