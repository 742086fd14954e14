"""Several objects in one Job, against moto's S3 and DynamoDB: their rows, their sum, and what fails."""

import gzip
import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import boto3
import pytest
from cloud import TEXT, everything, request, rows, run
from webhooks import Hook

from logscan_api.attributes import to_item
from logscan_api.exitcodes import ExitCode
from logscan_api.logscans import Limits
from logscan_api.notify import Notify, Webhook
from logscan_api.requests import ObjectRows, Report, ScanIdentity, ScanRequest, resolve_limits
from logscan_api.results import ScanResult
from logscan_api.rules import Rule, Severity
from logscan_api.signatures import is_signed, signed
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef
from logscan_api.table import LATEST
from logscan_scanner import aws, members, program, runner
from logscan_scanner.aws import objects as stored_objects
from logscan_scanner.batches import members_of
from logscan_scanner.errors import ScanError
from logscan_scanner.reporting import mail

RULES = [Rule(name="err", pattern="ERROR"), Rule(name="nine", pattern="9 ", severity=Severity.INFO)]
LINES = TEXT.splitlines(keepends=True)


def batch(
    keys: Sequence[str | dict[str, Any]], uid: str = "u", attempt: int = 1, limits: Limits | None = None, **more: Any
) -> ScanRequest:
    """Return a request for objects, by their keys or whole."""
    objects = [{"key": found} if isinstance(found, str) else found for found in keys]
    return ScanRequest(
        scan=ScanIdentity(namespace="n", name="s", uid=uid, attempt=attempt),
        source=S3Source.model_validate({"bucket": "app-logs", "objects": objects}),
        rules=more.pop("rules", RULES),
        limits=resolve_limits(limits),
        tokens=["t" * 64],
        result=ResultRef(table="results", pk=f"n#B#app-logs#{uid}", sk="S#h"),
        rows=ObjectRows(outcome="0" * 16, tokens=[[f"{number:064}"] for number in range(len(objects))]),
        **more,
    )


def put(cloud: Any, lines: dict[str, int]) -> list[dict[str, Any]]:
    """Store gzipped logs of so many lines; return them as a list of objects has them."""
    return [
        {
            "key": key,
            "versionId": cloud.put_object(Bucket="app-logs", Key=key, Body=gzip.compress(b"".join(LINES[:count])))[
                "VersionId"
            ],
        }
        for key, count in lines.items()
    ]


def row_of(key: str) -> dict[str, Any]:
    (row,) = [row for row in rows() if row.get("key") == key and row["pk"].startswith("n#O#")]
    return row


def test_each_object_has_the_row_of_a_scan_of_its_own(cloud: Any) -> None:
    objects = put(cloud, {"a/1.gz": 100, "a/2.gz": 200})
    result = run(batch(objects))
    assert (result.lines, result.by_rule, result.objects) == (300, {"err": 30, "nine": 30}, 2)
    for found in objects:
        (source,) = batch([found]).source.each
        alone = batch([found], uid="v").model_copy(
            update={"source": source, "rows": None, "result": ResultRef(table="results", pk="alone", sk=found["key"])}
        )
        single, row = run(alone), row_of(found["key"])
        ours = ScanResult.from_item("results", _item(row))
        assert ours is not None
        varying = {"ref", "started_at", "finished_at", "scan_uid", "expires_at"}
        assert ours.model_dump(exclude=varying) == single.model_dump(exclude=varying)
    assert {row["key"] for row in everything() if row["sk"] == LATEST} == {"a/1.gz", "a/2.gz"}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    key = {name: {"S": row[name]} for name in ("pk", "sk")}
    item: dict[str, Any] = boto3.client("dynamodb").get_item(TableName="results", Key=key)["Item"]
    return item


def test_counts_are_those_of_zgrep_for_each_rule(cloud: Any, tmp_path: Path) -> None:
    objects = put(cloud, {f"a/{number}.gz": 7 * number % 300 for number in range(60)})
    result = run(batch(objects))
    for found in objects:
        body = cloud.get_object(Bucket="app-logs", Key=found["key"])["Body"].read()
        (tmp_path / found["key"].replace("/", "-")).write_bytes(body)
    files = [str(path) for path in tmp_path.iterdir()]
    for rule in RULES:
        told = subprocess.run(["zgrep", "-h", "-c", "-P", str(rule.pattern), *files], capture_output=True, check=False)
        assert result.by_rule[rule.name] == sum(map(int, told.stdout.split()))
    assert result.lines == sum(int(row["lines"]) for row in rows() if row["pk"].startswith("n#O#"))


def test_objects_that_have_a_row_are_skipped_or_were_done_before(cloud: Any) -> None:
    objects = put(cloud, {"a": 100, "b": 200, "c": 300})
    run(batch(objects[:1], uid="other"))
    first = batch(objects[:2])
    run(first)
    boto3.resource("dynamodb").Table("results").delete_item(Key={"pk": first.result.pk, "sk": first.result.sk})
    result = run(batch(objects, attempt=2), "job-2")
    assert result.object_counts is not None
    assert result.object_counts.wire() == {"total": 3, "done": 2, "skipped": 1, "failed": 0}
    assert (result.lines, result.objects, result.attempt) == (600, 2, 2)
    assert [row_of(key)["job_uid"] for key in "abc"] == ["job-1", "job-1", "job-2"]


def test_a_batch_that_is_done_is_not_read_again(cloud: Any) -> None:
    objects = put(cloud, {"a": 100})
    run(batch(objects))
    assert run(batch(objects), "job-2").job_uid == "job-1"


@pytest.mark.parametrize("signature", [{}, {"signature": "f" * 64}], ids=["none", "wrong"])
def test_a_forged_row_of_an_object_is_replaced(cloud: Any, signature: dict[str, str]) -> None:
    wanted = batch(put(cloud, {"a": 100, "b": 100}))
    ref = members_of(wanted)[1].ref
    forged = {"pk": ref.pk, "sk": ref.sk, "status": "done", "lines": 0, "expires_at": 2**40, **signature}
    boto3.client("dynamodb").put_item(TableName="results", Item=to_item(forged))
    result = run(wanted)
    assert (result.lines, result.by_rule["err"]) == (200, 20)
    assert row_of("b")["lines"] == 100
    assert is_signed(_item(row_of("b")), members_of(wanted)[1].tokens)


def test_an_expired_row_of_an_object_is_replaced(cloud: Any) -> None:
    objects = put(cloud, {"a": 100})
    run(batch(objects, uid="other"))
    (row,) = [row for row in rows() if row["pk"].startswith("n#O#")]
    item = {**_item(row), "expires_at": {"N": "1"}}
    token = members_of(batch(objects))[0].tokens[0]
    boto3.client("dynamodb").put_item(TableName="results", Item=signed(item, token))
    result = run(batch(objects), "job-2")
    assert row_of("a")["job_uid"] == result.job_uid == "job-2"


def test_objects_that_fail_for_good_fail_no_other(cloud: Any) -> None:
    objects = put(cloud, {"a": 100, "z": 100})
    old = put(cloud, {"overwritten": 10})[0]
    cloud.put_object(Bucket="app-logs", Key="parquet", Body=b"PAR1" + bytes(range(256)) * 40 + b"PAR1")
    cloud.put_object(Bucket="app-logs", Key="archived", Body=TEXT, StorageClass="GLACIER")
    changed = {"key": "overwritten", "etag": "f" * 32}
    result = run(batch([objects[0], "gone", changed, "parquet", "archived", objects[1]]))
    counts = result.object_counts
    assert counts is not None
    assert (counts.total, counts.done, counts.skipped, counts.failed) == (6, 2, 0, 4)
    reasons = {found.key: found.reason for found in counts.failures or []}
    expected = {"gone": "ObjectNotFound", "overwritten": "Superseded", "parquet": "UnsupportedFormat"}
    assert reasons == {**expected, "archived": "Archived"}
    assert result.lines == 200
    (part,) = result.incomplete
    assert (part.reason, part.message) == (
        "ObjectsFailed",
        "4 of 6 objects could not be read; the row of each says why",
    )
    for key, reason in reasons.items():
        row = row_of(key)
        assert (row["status"], row["reason"], row["scan_uid"]) == ("failed", reason, "u")
        assert row["message"]
    assert old["versionId"]


def test_an_object_that_failed_is_read_by_the_next_scan(cloud: Any) -> None:
    run(batch(["late"]))
    assert row_of("late")["status"] == "failed"
    cloud.put_object(Bucket="app-logs", Key="late", Body=TEXT)
    result = run(batch(["late"], uid="v"))
    assert (result.lines, result.object_counts and result.object_counts.done) == (1000, 1)


def test_damage_ends_the_object_that_has_it(cloud: Any) -> None:
    whole = gzip.compress(TEXT)
    cloud.put_object(Bucket="app-logs", Key="cut", Body=whole[: len(whole) // 2])
    objects = put(cloud, {"a": 100, "b": 100})
    result = run(batch([objects[0], "cut", objects[1]]))
    assert [(part.reason, part.object) for part in result.incomplete] == [("Damaged", "cut")]
    assert row_of("cut")["status"] == "done"
    assert row_of("cut")["partial"]
    assert result.lines == 200 + int(row_of("cut")["lines"])


def test_of_many_damaged_objects_the_first_are_named(cloud: Any) -> None:
    whole = gzip.compress(TEXT)
    keys = [f"cut-{number:02}" for number in range(25)]
    for key in keys:
        cloud.put_object(Bucket="app-logs", Key=key, Body=whole[:200])
    result = run(batch(keys))
    assert [part.object for part in result.incomplete] == [*keys[:10], None]
    assert result.incomplete[-1].message == "15 more were not read, or not to their end"


def test_limits_are_those_of_each_object(cloud: Any) -> None:
    result = run(batch(put(cloud, {"a": 1000, "b": 10}), limits=Limits(max_decompressed_bytes=1000)))
    assert [(part.reason, part.object) for part in result.incomplete] == [("MaxDecompressedBytes", "a")]
    assert row_of("b")["lines"] == 10


def test_a_large_object_is_read_in_ranges(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_objects, "RANGE_BYTES", 5000)
    monkeypatch.setattr(stored_objects, "BEGINNING_BYTES", 1000)
    monkeypatch.setattr(members, "BEGINNING_BYTES", 1000)
    body = gzip.compress(TEXT * 20, 0)
    for key in ("a", "b", "c"):
        cloud.put_object(Bucket="app-logs", Key=key, Body=body)
    assert run(batch(["a", "b", "c"])).by_rule["err"] == 3 * 2000


def test_empty_objects(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="empty", Body=b"")
    result = run(batch(["empty"]))
    assert (result.lines, result.incomplete, row_of("empty")["status"]) == (0, [], "done")


def test_samples_have_the_key_of_their_object_and_come_from_several(cloud: Any) -> None:
    samples = run(batch(put(cloud, {"a": 500, "b": 500, "c": 500}))).samples
    assert {sample.key for sample in samples if sample.rule == "err"} == {"a", "b", "c"}


def test_the_sum_has_the_histogram_of_one_scan_of_all_lines(cloud: Any) -> None:
    days = [b"".join(b"2026-11-%02dT%02d:10:00Z ERROR\n" % (day, hour) for hour in range(24)) for day in (1, 2, 20)]
    for number, day in enumerate(days):
        cloud.put_object(Bucket="app-logs", Key=str(number), Body=day)
    cloud.put_object(Bucket="app-logs", Key="all", Body=b"".join(days))
    together = run(request(key="all", rules=RULES))
    result = run(batch(["2", "0", "1"]))
    assert (result.histogram_seconds, result.histogram) == (together.histogram_seconds, together.histogram)
    assert (result.first_match_at, result.last_match_at) == (together.first_match_at, together.last_match_at)


def test_one_report_for_all_objects(cloud: Any) -> None:
    result = run(batch(put(cloud, {"a": 100, "b": 200}), report=Report(bucket="app-logs", prefix="reports/")))
    assert result.report_uri == "s3://app-logs/reports/n/s/u/findings.jsonl.gz"
    stored = cloud.get_object(Bucket="app-logs", Key="reports/n/s/u/findings.jsonl.gz")["Body"].read()
    found = Counter(json.loads(line)["key"] for line in gzip.decompress(stored).splitlines())
    assert found == {"a": 20, "b": 40}


def test_what_may_pass_leaves_the_object_to_the_next_attempt(cloud: Any) -> None:
    class Flaky(aws.Objects):
        """S3 that throttles one key."""

        def begin(self, wanted: aws.StoredObject) -> tuple[aws.StoredObject, bytes]:
            if wanted.key == "b":
                raise ScanError("cannot read b: SlowDown", ExitCode.TRY_AGAIN)
            return super().begin(wanted)

    wanted = batch(put(cloud, {"a": 100, "b": 100, "c": 100}))
    with pytest.raises(ScanError, match="1 of 3 objects are left for another attempt, the first: cannot read b") as e:
        runner.run(wanted, Flaky(), aws.Results(), "job-1")
    assert e.value.code is ExitCode.TRY_AGAIN
    assert {row["key"] for row in rows()} == {"a", "c"}, "there is no sum yet"
    result = run(wanted, "job-2")
    assert result.object_counts is not None
    assert (result.lines, result.object_counts.done) == (300, 3)
    assert [row_of(key)["job_uid"] for key in "abc"] == ["job-1", "job-2", "job-1"]


def test_a_table_that_cannot_be_written_fails_the_batch_and_no_object(cloud: Any) -> None:
    objects = put(cloud, {"a": 100})
    boto3.client("dynamodb").delete_table(TableName="results")
    with pytest.raises(ScanError) as failure:
        run(batch(objects))
    assert failure.value.code is ExitCode.OBJECT_NOT_FOUND
    assert "the table results" in str(failure.value)


def test_an_invalid_rule_fails_the_batch(cloud: Any) -> None:
    with pytest.raises(ScanError) as failure:
        run(batch(["gone"], rules=[Rule(name="bad", pattern="(")]))
    assert failure.value.code is ExitCode.INVALID_RULE
    assert rows() == []


def test_a_request_without_the_tokens_of_each_object_is_refused(cloud: Any) -> None:
    wanted = batch(["a", "b"])
    assert wanted.rows is not None
    for rows_ in (None, wanted.rows.model_copy(update={"tokens": wanted.rows.tokens[:1]})):
        with pytest.raises(ScanError, match="rows: must have the tokens of each of the 2 objects") as failure:
            run(wanted.model_copy(update={"rows": rows_}))
        assert failure.value.code is ExitCode.BAD_REQUEST


def test_the_process_ends_well_and_sends_one_notification(
    cloud: Any, hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    more: dict[str, Any] = {"notify": Notify(webhook=Webhook(url=hook.url)), "webhook_internal": ["127.0.0.0/8"]}
    wanted = batch([*put(cloud, {"a/1": 100, "a/2": 100}), "a/3"], **more)
    monkeypatch.setenv("LOGSCAN_REQUEST", wanted.to_variable())
    monkeypatch.setenv("LOGSCAN_TERMINATION_PATH", str(tmp_path / "words"))
    assert program.main([]) == 0
    assert json.loads((tmp_path / "words").read_text())["message"] == "40 of 200 lines matched"
    (document,) = hook.posted
    assert (document["key"], document["matchedLines"]) == ("a/", 40)
    failure = {"key": "a/3", "reason": "ObjectNotFound", "message": ANY}
    assert document["objects"] == {"total": 3, "done": 2, "skipped": 0, "failed": 1, "failures": [failure]}


def test_mail_about_a_batch_says_what_became_of_its_objects(cloud: Any) -> None:
    wanted = batch([*put(cloud, {"a/1": 100, "a/2": 100}), "a/<3>"])
    result = run(wanted)
    assert mail.subject(result) == "[logscan] error: 40 of 200 lines in s3://app-logs/a/* (incomplete)"
    text, html = mail.text(wanted, result), mail.html(wanted, result)
    for told in ("Objects: 2 read, 0 skipped, 1 failed", "Failed: a/<3>: ", "  a/1, line 1 (err): ", "ObjectsFailed"):
        assert told in text
    assert "a/&lt;3&gt;" in html
    assert "<3>" not in html
