"""`selftest` on a real API server and the AWS emulator; the test does what the operator does."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import Done
from places import FOUND, Place, summary

from logscan_local.testkit.waiting import eventually

pytestmark = pytest.mark.controlplane


def keys(place: Place) -> list[str]:
    from logscan_local.stack import aws

    found = aws.client("s3", place.state.resources.endpoint).list_objects_v2(Bucket=place.state.resources.bucket)
    return [one["Key"] for one in found.get("Contents", []) if one["Key"].startswith("logscan-selftest/")]


def selftest(place: Place, *arguments: str) -> Done:
    given = ["--bucket", place.state.resources.bucket, "--operator-namespace", place.kubectl.namespace, *arguments]
    return place.run("selftest", *given)


def status_of(place: Place, end: str) -> dict[str, Any]:
    if end == "failed":
        return {"phase": "Failed", "reason": "AccessDenied", "message": "s3:GetObject was denied"}
    ref = place.row("canary") if end == "row" else None
    where = ref.wire() if ref else {"table": place.state.resources.table, "pk": "none", "sk": "none"}
    return {**FOUND, **summary(1, "error"), "result": where}


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("row", 0, ["uploaded", "LogScan", "Job", "finished", "row", "bucket"]),
        ("failed", 8, ["uploaded", "LogScan", "Job"]),
        ("no row", 8, ["uploaded", "LogScan", "Job", "finished"]),
    ],
)
def test_a_canary_is_followed_and_taken_away(place: Place, end: str, code: int, words: list[str]) -> None:
    with ThreadPoolExecutor() as pool:
        ended = pool.submit(selftest, place, "--timeout", "100")
        (key,) = eventually(lambda: keys(place), 60, "the canary")
        place.scan("canary", key=key)
        place.status("canary", {"phase": "Running", "job": {"name": "canary-1", "uid": "u"}})
        place.status("canary", status_of(place, end))
        done = ended.result()
    assert done.returncode == code, done.stderr + done.stdout
    assert [word in line for word, line in zip(words, done.stdout.splitlines(), strict=True)] == [True] * len(words)
    if code:
        (line,) = done.stderr.splitlines()
        assert ("Job -> result" if end == "failed" else "result -> row") in line
    assert keys(place) == []
    assert place.kubectl.get("logscans")["items"] == []


def test_an_upload_that_nobody_takes_names_where_it_stopped(place: Place) -> None:
    done = selftest(place, "--timeout", "2")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "stopped at queue -> LogScan" in line, "kubectl logscan doctor" in line) == (8, True, True)
    assert keys(place) == []


def test_a_bucket_that_there_is_not(place: Place) -> None:
    done = place.run("selftest", "--bucket", "no-such-bucket", "--operator-namespace", place.kubectl.namespace)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, "stopped at upload" in line) == (8, True)
    done = place.run("selftest", "--operator-namespace", place.kubectl.namespace, LOGSCAN_BUCKET="")
    assert (done.returncode, "--bucket" in done.stderr) == (2, True)
