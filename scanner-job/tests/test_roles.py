"""Logs that only a role may read, on an emulator that evaluates IAM: the scan reads in it, and does all else itself."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cloud import request

from logscan_api.exitcodes import ExitCode
from logscan_api.requests import ObjectRows, ScanRequest
from logscan_api.results import ScanResult
from logscan_api.roles import AssumedRole, assumed_role
from logscan_api.statuses import ResultRef
from logscan_local.stack import aws as local
from logscan_local.stack.aws import Resources
from logscan_local.testkit import foreign
from logscan_local.testkit.foreign import ForeignBucket
from logscan_scanner import aws, runner
from logscan_scanner.aws import StoredObject
from logscan_scanner.errors import ScanError

pytestmark = [pytest.mark.emulator, pytest.mark.usefixtures("as_scanner")]
KEYS = ["a.log", "b.log"]
TEXT = b"ERROR one\nfine\nERROR two\n"


@pytest.fixture(scope="module")
def theirs(emulator: Resources) -> ForeignBucket:
    made = foreign.create(emulator, "theirs", "logscan:team-a")
    s3 = local.client("s3", emulator.endpoint)
    for key in KEYS:
        s3.put_object(Bucket=made.name, Key=key, Body=TEXT)
    return made


def role_for(theirs: ForeignBucket, namespace: str) -> AssumedRole:
    found = assumed_role(theirs.role_arn, "logscan", namespace, "s", 1)
    assert found is not None
    return found


def asked(emulator: Resources, theirs: ForeignBucket, namespace: str | None, **source: Any) -> ScanRequest:
    role = role_for(theirs, namespace) if namespace else None
    wanted = request(bucket=theirs.name, **source)
    scan = wanted.scan.model_copy(update={"namespace": namespace or "n"})
    row = ResultRef(table=emulator.table, pk=f"n#{namespace}#{sorted(source)}", sk="S#1#h")
    tokens = [["t" * 64] for _ in wanted.source.objects or []]
    rows = ObjectRows(outcome="h", own=True, tokens=tokens) if tokens else None
    return wanted.model_copy(update={"scan": scan, "role": role, "result": row, "rows": rows})


def run(wanted: ScanRequest) -> ScanResult:
    return runner.run(wanted, aws.Objects(wanted.role), aws.Results(), "job-1")


def rows(emulator: Resources) -> int:
    return int(local.client("dynamodb", emulator.endpoint).scan(TableName=emulator.table, Select="COUNT")["Count"])


def test_a_scan_reads_in_the_role_and_writes_its_row_itself(emulator: Resources, theirs: ForeignBucket) -> None:
    """The role may do nothing but read the bucket, and the scanner everything but that."""
    result = run(asked(emulator, theirs, "team-a", key="a.log"))
    assert (result.lines, result.matched_lines) == (3, 2)


def test_several_objects_are_read_in_the_role(emulator: Resources, theirs: ForeignBucket) -> None:
    result = run(asked(emulator, theirs, "team-a", objects=[{"key": key} for key in KEYS]))
    assert (result.objects, result.matched_lines) == (2, 4)


def test_without_the_role_it_is_denied(emulator: Resources, theirs: ForeignBucket) -> None:
    with pytest.raises(ScanError, match="role of the scanner's service account") as caught:
        run(asked(emulator, theirs, None, key="a.log"))
    assert caught.value.code is ExitCode.ACCESS_DENIED


@pytest.mark.parametrize("source", [{"key": "a.log"}, {"objects": [{"key": key} for key in KEYS]}])
def test_another_namespace_cannot_use_the_role(
    emulator: Resources, theirs: ForeignBucket, source: dict[str, Any]
) -> None:
    """Its external id is another one. That fails the scan, and no object of several gets a row that says so."""
    before = rows(emulator)
    with pytest.raises(ScanError, match="with the external id logscan:team-b") as caught:
        run(asked(emulator, theirs, "team-b", **source))
    assert caught.value.code is ExitCode.ROLE_NOT_ASSUMED
    assert rows(emulator) == before


def test_what_the_role_may_not_read_is_said_with_its_name(emulator: Resources, theirs: ForeignBucket) -> None:
    with pytest.raises(ScanError, match=f"check {theirs.role_arn}") as caught:
        aws.Objects(role_for(theirs, "team-a")).open(StoredObject(emulator.bucket, "a.log"))
    assert caught.value.code is ExitCode.ACCESS_DENIED


def test_direct_calls_are_made_in_the_role_too(theirs: ForeignBucket) -> None:
    objects, by_client = aws.Objects(role_for(theirs, "team-a")), list[str]()
    objects._s3.meta.events.register("before-send.s3.GetObject", lambda request, **_: by_client.append(request.url))
    assert [objects.begin(StoredObject(theirs.name, key))[1] for key in KEYS * 2] == [TEXT] * 4
    assert len(by_client) == 1, "the others would be the client's if they were refused"


def test_a_scan_outlives_its_session(
    emulator: Resources, theirs: ForeignBucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five minutes before its hour ends the role is assumed again; if that is denied, the scan ends and says so."""
    objects = aws.Objects(role_for(theirs, "team-a"))
    credentials: Any = objects._session.get_credentials()
    wanted = StoredObject(theirs.name, "a.log")
    seen = {credentials.get_frozen_credentials().access_key for _ in range(2) if objects.begin(wanted)}
    assert len(seen) == 1

    later = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(minutes=55))
    monkeypatch.setattr("botocore.credentials.datetime", SimpleNamespace(datetime=later))
    assert objects.begin(wanted)[1] == TEXT
    assert credentials.get_frozen_credentials().access_key not in seen
    iam, role = local.client("iam", emulator.endpoint), theirs.role
    try:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=foreign.trust("logscan:nobody"))
        with pytest.raises(ScanError) as caught:
            objects.begin(wanted)
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=foreign.trust("logscan:team-a"))
    assert caught.value.code is ExitCode.ROLE_NOT_ASSUMED
