"""The verdict as a tag of the object, on an emulator that evaluates IAM with the policies that ship."""

from typing import Any

import pytest
from cloud import request

from logscan_api.notify import VERDICT_TAG, Notify
from logscan_api.requests import ObjectRows, ScanRequest
from logscan_api.roles import assumed_role
from logscan_api.statuses import ResultRef
from logscan_local.stack import aws as local
from logscan_local.stack.aws import Resources
from logscan_local.testkit import foreign
from logscan_scanner import aws, runner, tagging
from logscan_scanner.aws.tags import MOST_TAGS

pytestmark = [pytest.mark.emulator, pytest.mark.usefixtures("as_scanner")]
TEXTS = {"errors.log": b"ERROR one\n", "clean.log": b"fine\n", "more.log": b"ERROR two\n"}


@pytest.fixture
def s3(emulator: Resources) -> Any:
    """Return a client that may do everything, with the objects stored."""
    made = local.client("s3", emulator.endpoint)
    for key, text in TEXTS.items():
        made.put_object(Bucket=emulator.bucket, Key=f"tags/{key}", Body=text)
    return made


def asked(emulator: Resources, name: str, notify: Notify | None = None, **source: Any) -> ScanRequest:
    wanted = request(bucket=emulator.bucket, **source)
    row = ResultRef(table=emulator.table, pk=f"n#tags#{name}", sk="S#1#h")
    tokens = [["t" * 64] for _ in wanted.source.objects or []]
    rows = ObjectRows(outcome=name, own=True, tokens=tokens) if tokens else None
    notify = notify or Notify(tag_object=True)
    return wanted.model_copy(update={"result": row, "rows": rows, "notify": notify})


def run(wanted: ScanRequest) -> None:
    runner.run(wanted, aws.Objects(), aws.Results(), "job-1")


def tags(s3: Any, emulator: Resources, key: str, **version: str) -> dict[str, str]:
    answer = s3.get_object_tagging(Bucket=emulator.bucket, Key=f"tags/{key}", **version)
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def put(s3: Any, emulator: Resources, key: str, count: int) -> dict[str, str]:
    """Put tags on an object that are not ours, and return them."""
    found = {f"owner-{number}": "team a" for number in range(count)}
    given = [{"Key": name, "Value": value} for name, value in found.items()]
    s3.put_object_tagging(Bucket=emulator.bucket, Key=f"tags/{key}", Tagging={"TagSet": given})
    return found


def noted(emulator: Resources, wanted: ScanRequest) -> str:
    """Return what the row says of the tag."""
    key = {"pk": {"S": wanted.result.pk}, "sk": {"S": wanted.result.sk}}
    row = local.client("dynamodb", emulator.endpoint).get_item(TableName=emulator.table, Key=key)["Item"]
    return str(row["notified"]["M"][f"{wanted.scan.uid}/{tagging.NOTE}_error"]["S"])


def test_an_object_gets_the_verdict_and_keeps_its_other_tags(s3: Any, emulator: Resources) -> None:
    others = put(s3, emulator, "errors.log", MOST_TAGS - 1)
    run(asked(emulator, "errors", key="tags/errors.log"))
    assert tags(s3, emulator, "errors.log") == {**others, VERDICT_TAG: "error"}
    run(asked(emulator, "clean", key="tags/clean.log"))
    assert tags(s3, emulator, "clean.log") == {VERDICT_TAG: "clean"}


def test_a_second_attempt_puts_the_tag_that_the_first_did_not(s3: Any, emulator: Resources) -> None:
    """The process was killed in between, and the row is there."""
    wanted = asked(emulator, "killed", key="tags/errors.log")
    run(wanted.model_copy(update={"notify": None}))
    assert tags(s3, emulator, "errors.log") == {}
    run(wanted)
    assert tags(s3, emulator, "errors.log") == {VERDICT_TAG: "error"}


def test_nothing_is_tagged_that_nobody_wants_tagged(s3: Any, emulator: Resources) -> None:
    run(asked(emulator, "no", Notify(), key="tags/errors.log"))
    assert tags(s3, emulator, "errors.log") == {}


def test_each_of_several_objects_gets_its_own(s3: Any, emulator: Resources) -> None:
    run(asked(emulator, "several", objects=[{"key": f"tags/{key}"} for key in TEXTS]))
    found = {key: tags(s3, emulator, key)[VERDICT_TAG] for key in TEXTS}
    assert found == {"errors.log": "error", "clean.log": "clean", "more.log": "error"}


def test_the_version_that_was_read_is_tagged(s3: Any, emulator: Resources) -> None:
    s3.put_bucket_versioning(Bucket=emulator.bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        old = s3.put_object(Bucket=emulator.bucket, Key="tags/v.log", Body=b"ERROR one\n")["VersionId"]
        new = s3.put_object(Bucket=emulator.bucket, Key="tags/v.log", Body=b"fine\n")["VersionId"]
        run(asked(emulator, "version", key="tags/v.log", versionId=old))
        assert tags(s3, emulator, "v.log", VersionId=old) == {VERDICT_TAG: "error"}
        assert tags(s3, emulator, "v.log", VersionId=new) == {}
    finally:
        s3.put_bucket_versioning(Bucket=emulator.bucket, VersioningConfiguration={"Status": "Suspended"})


def test_an_object_with_as_many_tags_as_s3_allows_is_scanned_and_the_row_says_why_it_has_none(
    s3: Any, emulator: Resources
) -> None:
    others = put(s3, emulator, "errors.log", MOST_TAGS)
    wanted = asked(emulator, "full", objects=[{"key": f"tags/{key}"} for key in TEXTS])
    run(wanted)
    assert tags(s3, emulator, "errors.log") == others
    assert tags(s3, emulator, "more.log") == {VERDICT_TAG: "error"}
    assert f"it has {MOST_TAGS} tags" in noted(emulator, wanted)


def test_a_role_that_may_not_tag_fails_no_scan(s3: Any, emulator: Resources) -> None:
    theirs = foreign.create(emulator, "untagged", "logscan:n")
    s3.put_object(Bucket=theirs.name, Key="a.log", Body=b"fine\n")
    wanted = asked(emulator, "denied", key="a.log")
    source = wanted.source.model_copy(update={"bucket": theirs.name})
    role = assumed_role(theirs.role_arn, "logscan", "n", "s", 1)
    wanted = wanted.model_copy(update={"source": source, "role": role})
    runner.run(wanted, aws.Objects(role), aws.Results(), "job-1")
    assert "not authorized" in noted(emulator, wanted)
