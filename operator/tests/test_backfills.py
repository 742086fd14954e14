"""LogScans of prefixes on a real control plane, with a real listing: nothing is lost or counted twice by a kill."""

import json
import os
import shutil
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml
from inventoryworld import MANIFEST, inventory, manifest, row_of
from places import PATIENT, POLICY, SEEN, Place

from logscan_local.stack import aws
from logscan_local.testkit import foreign
from logscan_local.testkit.operators import OperatorProcess
from logscan_local.testkit.waiting import eventually

SAMPLE = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "scheduled-backfill.yaml"

pytestmark = [pytest.mark.controlplane, pytest.mark.emulator]

OBJECTS = 60
LINES = 100  # that the fake kubelet finds in each object


class Bucket:
    """A bucket of one test, which announces nothing."""

    def __init__(self, place: Place) -> None:
        self.name = f"b-{place.namespace}"
        self._place = place
        self._s3 = aws.client("s3", place.state.resources.endpoint)
        aws.create_bucket(place.state.resources.endpoint, self.name)

    def fill(self, number: int, folder: str = "app") -> list[str]:
        """Upload objects and return their keys."""
        keys = [f"{folder}/{n:04} a+b%ü.log" for n in range(number)]
        for key in keys:
            self._s3.put_object(Bucket=self.name, Key=key, Body=b"ERROR\n")
        return keys

    def source(self, **fields: object) -> dict[str, object]:
        """Return a LogScan's source of what is under `app/`."""
        return {"s3": {"bucket": self.name, "prefix": "app/", **fields}}

    def put(self, objects: dict[str, bytes]) -> None:
        """Upload objects."""
        for key, body in objects.items():
            self._s3.put_object(Bucket=self.name, Key=key, Body=body)

    def rows(self) -> Counter[str]:
        """Return how many rows each object has."""
        pages = aws.client("dynamodb", self._place.state.resources.endpoint).get_paginator("scan")
        found = (item for page in pages.paginate(TableName=self._place.state.resources.table) for item in page["Items"])
        ours = (item["pk"]["S"] for item in found)
        start = f"{self._place.namespace}#O#{self.name}#"
        return Counter(key.removeprefix(start) for key in ours if key.startswith(start))


@pytest.fixture
def bucket(place: Place) -> Bucket:
    return Bucket(place)


def reached(place: Place, goal: int) -> bool:
    """Return whether as many objects are finished."""
    counts = place.scans().get("all", {}).get("objects", {})
    return sum(int(counts.get(name, 0)) for name in ("done", "skipped", "failed")) >= goal


def children(place: Place) -> list[str]:
    items = place.kubectl.get("logscans", "--selector=logscan.dev/parent=all")["items"]
    return [item["metadata"]["name"] for item in items]


def test_an_operator_that_is_killed_while_it_lists_loses_and_repeats_nothing(place: Place, bucket: Bucket) -> None:
    keys = bucket.fill(OBJECTS)
    operator: OperatorProcess = place.operator(None, max_concurrent="4")
    place.scan("all", source=bucket.source(pageObjects=5, parallelism=2))
    for goal in (5, 20, 35):
        eventually(partial(reached, place, goal), 90, lambda: f"progress; {place.scans()}; this")
        operator.kill()
        operator.restart_if_ended()
    status = place.until("all", 120, phase="Succeeded")
    SEEN.add("Backfilling")
    assert bucket.rows() == dict.fromkeys(keys, 1)
    counts = {name: status["objects"][name] for name in ("total", "done", "skipped", "failed", "progress")}
    assert counts == {"total": OBJECTS, "done": OBJECTS, "skipped": 0, "failed": 0, "progress": f"{OBJECTS}/{OBJECTS}"}
    assert status["summary"]["matchedLines"] == OBJECTS * LINES
    assert (status["listing"]["percent"], status["object"]) == (100, "app/*")
    eventually(lambda: not children(place), 60, "the LogScans of the parts to be deleted")
    assert len(set(place.jobs.created)) == len(place.jobs.created) == OBJECTS // 5


def test_an_operator_that_is_killed_while_it_reads_an_inventory_loses_and_repeats_nothing(
    place: Place, bucket: Bucket
) -> None:
    """The keys are in no order, in several files, and not all of them are to be scanned."""
    keys = bucket.fill(OBJECTS)
    rows = [row_of(key, 6, bucket.name) for key in [*reversed(keys), "other/x.log", "app/deleted/"]]
    bucket.put(inventory([[*rows[start::3], "no row"] for start in range(3)], bucket=bucket.name, into=bucket.name))
    operator: OperatorProcess = place.operator(None, max_concurrent="4")
    place.scan("all", source=bucket.source(pageObjects=5, parallelism=2, inventory={"manifestKey": MANIFEST}))
    for goal in (5, 20, 35):
        eventually(partial(reached, place, goal), 90, lambda: f"progress; {place.scans()}; this")
        operator.kill()
        operator.restart_if_ended()
    status = place.until("all", 120, phase="Succeeded")
    assert bucket.rows() == dict.fromkeys(keys, 1)
    assert status["objects"]["progress"] == f"{OBJECTS}/{OBJECTS}"
    assert (status["listing"]["unreadable"], status["listing"]["keys"]) == (3, OBJECTS + 4)
    assert status["summary"]["incomplete"] == [{"reason": "UnreadableRows"}]
    assert status["listing"]["cursor"].endswith("/2/21"), "the file, and its rows that were read"
    eventually(lambda: not children(place), 60, "the LogScans of the parts to be deleted")


def test_an_inventory_that_cannot_be_used_says_why(place: Place, bucket: Bucket) -> None:
    orc = json.dumps({**manifest([], bucket=bucket.name, into=bucket.name), "fileFormat": "ORC"}).encode()
    bucket.put({"orc": orc, "empty": b""})
    place.operator(None, **PATIENT)
    for name in ("orc", "empty", "missing"):
        place.scan(name, source=bucket.source(inventory={"manifestKey": name}))
    status = place.until("orc", 60, phase="Failed", reason="InvalidInventory")
    SEEN.add("InvalidInventory")
    assert "only CSV is read: choose CSV as the output format" in status["message"]
    status = place.until("empty", 60, phase="Failed", reason="InvalidInventory")
    assert "is no manifest of S3 Inventory" in status["message"]
    status = place.until("missing", 60, phase="Failed", reason="ObjectNotFound")
    assert f"s3://{bucket.name}/missing" in status["message"]


def test_a_bucket_of_another_account_is_listed_in_the_role_of_its_policy(place: Place) -> None:
    """The policy of one names a role that trusts logscan for this namespace, that of the other one for another."""
    buckets = {"ours": f"logscan:{place.namespace}", "others": "logscan:somebody-else"}
    s3 = aws.client("s3", place.state.resources.endpoint)
    roles = []
    for name, external_id in buckets.items():
        theirs = foreign.create(place.state.resources, f"{name}-{place.namespace}", external_id)
        roles.append(theirs.role_arn)
        s3.put_object(Bucket=theirs.name, Key="app/a.log", Body=b"ERROR\n")
        spec = {**POLICY["spec"], "priority": 1, "match": {"buckets": [theirs.name]}, "roleArn": theirs.role_arn}
        place.kubectl.apply([{**POLICY, "metadata": {"name": name}, "spec": spec}])
    place.operator(None, **PATIENT, allowed_roles=json.dumps({place.namespace: roles}))
    for name in buckets:
        place.scan(name, source={"s3": {"bucket": f"{name}-{place.namespace}", "prefix": "app/"}})
    assert place.until("ours", 60, phase="Succeeded")["objects"]["progress"] == "1/1"
    status = place.until("others", 60, phase="Failed", reason="RoleNotAssumed")
    assert f"cannot assume {roles[1]} with the external id logscan:{place.namespace}" in status["message"]


def test_suspend_cancel_and_deletion_reach_all_parts(place: Place, bucket: Bucket) -> None:
    bucket.fill(20)
    place.operator(None, **PATIENT, max_concurrent="10", backfill_share="0.2")
    labels = {"fake-kubelet/hold": "yes"}
    place.scan("all", labels, source=bucket.source(pageObjects=4, parallelism=3))
    eventually(lambda: len(place.jobs.active) == 2, 60, lambda: f"a share of the slots; {place.scans()}; this")
    eventually(
        lambda: any(status.get("reason") == "BackfillLimit" for status in place.scans().values()),
        60,
        lambda: f"one to wait; {place.scans()}; this",
    )
    SEEN.add("BackfillLimit")
    place.scan("fresh", source={"s3": {"bucket": bucket.name, "key": "fresh"}})
    place.until("fresh", 60, phase="Succeeded")
    place.kubectl.run("patch", "logscan", "all", "--type=merge", '--patch={"spec":{"suspend":true}}')
    place.until("all", 60, phase="Suspended")
    eventually(lambda: not place.jobs.active, 60, "the Jobs to be suspended")
    place.kubectl.run("patch", "logscan", "all", "--type=merge", '--patch={"spec":{"suspend":false}}')
    eventually(lambda: len(place.jobs.active) == 2, 60, "the Jobs to go on")
    place.kubectl.run("patch", "logscan", "all", "--type=merge", '--patch={"spec":{"cancel":true}}')
    place.until("all", 60, phase="Cancelled")
    eventually(lambda: not children(place) and not place.jobs.active, 60, "all parts to be gone")
    place.kubectl.run("delete", "logscan", "all")
    place.scan("all", labels, source=bucket.source(pageObjects=4, parallelism=3))
    eventually(lambda: len(children(place)) == 3, 60, "new parts")
    place.kubectl.run("delete", "logscan", "all")
    eventually(lambda: not children(place) and not place.kubectl.get("jobs")["items"][1:], 60, "all parts to be gone")


def test_a_bucket_that_does_not_exist_is_said_at_once(place: Place) -> None:
    place.operator(None, **PATIENT)
    place.scan("all", source={"s3": {"bucket": "no-such-bucket-at-all", "prefix": "app/"}})
    assert place.until("all", 60, phase="Failed")["reason"] == "ObjectNotFound"


def test_the_sample_of_a_schedule_makes_one_logscan_a_day(place: Place) -> None:
    """Its command runs here as in its pod: with its service account's rights, and as often as it likes."""
    place.kubectl.run("apply", f"--filename={SAMPLE}")
    (job,) = (found for found in yaml.safe_load_all(SAMPLE.read_text()) if found["kind"] == "CronJob")
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    programs = place.folder / "programs"
    programs.mkdir()
    kubectl = shutil.which(place.state.kubectl) or place.state.kubectl
    (programs / "kubectl").write_text(f'#!/bin/sh\nexec {kubectl} --namespace={place.namespace} "$@"\n')
    (programs / "kubectl").chmod(0o755)
    environment = {
        "HOME": str(place.folder),  # kubectl keeps a cache there
        "KUBECONFIG": str(place.kubeconfig_of(pod["serviceAccountName"])),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    today = datetime.now(UTC).date()
    for _ in range(2):
        subprocess.run([*container["command"], *container["args"]], env=environment, check=True, timeout=60)
    (scan,) = place.kubectl.get("logscans")["items"]
    days = {today - timedelta(days=1), datetime.now(UTC).date() - timedelta(days=1)}  # midnight may pass meanwhile
    assert scan["metadata"]["name"] in {f"nightly-{day}" for day in days}
    source = scan["spec"]["source"]["s3"]
    began, ended = (datetime.fromisoformat(source[name]) for name in ("modifiedAfter", "modifiedBefore"))
    assert (ended - began, began.date() in days) == (timedelta(days=1), True)
