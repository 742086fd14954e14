"""Keys that only a role may list, on an emulator that evaluates IAM."""

import pytest

from logscan_api.roles import AssumedRole, assumed_role
from logscan_local.stack import aws
from logscan_local.stack.aws import Resources
from logscan_local.testkit import foreign
from logscan_local.testkit.foreign import ForeignBucket
from logscan_operator.assuming import NOT_ASSUMED
from logscan_operator.buckets import Buckets
from logscan_operator.errors import AwsError

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def theirs(emulator: Resources) -> ForeignBucket:
    return foreign.create(emulator, "listed", "logscan:team-a")


@pytest.fixture(autouse=True)
def as_operator(emulator: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"AWS_REGION": aws.REGION, "AWS_ENDPOINT_URL": emulator.endpoint}
    for name, value in {**emulator.operator.environment(), **environment}.items():
        monkeypatch.setenv(name, value)


def role_for(theirs: ForeignBucket, namespace: str) -> AssumedRole | None:
    return assumed_role(theirs.role_arn, "logscan", namespace, "backfill")


async def test_keys_are_listed_in_the_role_of_their_namespace_only(emulator: Resources, theirs: ForeignBucket) -> None:
    aws.client("s3", emulator.endpoint).put_object(Bucket=theirs.name, Key="app/a.log", Body=b"x")
    buckets = Buckets()
    entries, _ = await buckets.assuming(role_for(theirs, "team-a")).listed(theirs.name, "app/", None)
    assert [entry.key for entry in entries] == ["app/a.log"]
    piece = await buckets.assuming(role_for(theirs, "team-a")).read(theirs.name, "app/a.log", 0, 9, None)
    assert piece.data == b"x", "an inventory is read in it too"
    with pytest.raises(AwsError) as caught:
        await buckets.assuming(None).listed(theirs.name, "app/", None)
    assert caught.value.code == "AccessDenied"
    with pytest.raises(AwsError, match="with the external id logscan:team-b") as caught:
        await buckets.assuming(role_for(theirs, "team-b")).listed(theirs.name, "app/", None)
    assert caught.value.code == NOT_ASSUMED


def test_a_scan_keeps_its_client(theirs: ForeignBucket) -> None:
    buckets = Buckets()
    assert buckets.assuming(role_for(theirs, "a")) is buckets.assuming(role_for(theirs, "a"))
    assert buckets.assuming(role_for(theirs, "a")) is not buckets.assuming(role_for(theirs, "b"))
