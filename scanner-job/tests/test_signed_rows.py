"""Rows that no scanner wrote for the request: they are neither taken nor left, whatever they say."""

from typing import Any

import boto3
import pytest
from cloud import request, run

from logscan_api.attributes import Item, to_item
from logscan_api.results import ScanResult
from logscan_api.signatures import is_signed
from logscan_api.statuses import ResultRef
from logscan_scanner import aws, runner


def row() -> Item:
    """Return the row of `request()` as it is stored."""
    key = to_item({"pk": "O#logs#a", "sk": "S#1#h"})
    item: Item = boto3.client("dynamodb").get_item(TableName="results", Key=key)["Item"]
    return item


def forge(**changes: Any) -> None:
    """Write a row at the key of `request()` that says that nothing was found, signed by nobody unless changed."""
    item = {"pk": "O#logs#a", "sk": "S#1#h", "status": "done", "matched_lines": 0, "expires_at": 2**40, **changes}
    boto3.client("dynamodb").put_item(TableName="results", Item=to_item(item))


@pytest.mark.parametrize(
    "signature", [{}, {"signature": "f" * 64}, {"signature": 1}], ids=["none", "wrong", "a number"]
)
def test_a_forged_row_is_neither_taken_nor_left(cloud: Any, signature: dict[str, Any]) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    forge(**signature)
    wanted = request(key="a")
    assert run(wanted).matched_lines == 1
    assert is_signed(row(), wanted.tokens)


def test_a_true_row_that_was_changed_is_replaced(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    run(request(key="a"))
    boto3.client("dynamodb").put_item(TableName="results", Item={**row(), "matched_lines": {"N": "0"}})
    assert run(request(key="a"), job_uid="job-2").job_uid == "job-2"
    assert row()["matched_lines"] == {"N": "1"}


def test_a_row_that_the_previous_key_signed_is_taken(cloud: Any) -> None:
    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    wanted = request(key="a")
    run(wanted)
    rotated = wanted.model_copy(update={"tokens": ["n" * 64, *wanted.tokens]})
    assert run(rotated, job_uid="job-2").job_uid == "job-1"


def test_a_row_that_is_forged_while_the_scan_runs_is_replaced(cloud: Any) -> None:
    class Raced(aws.Results):
        """Finds no row, and then one that appeared meanwhile."""

        def finished(self, ref: ResultRef, tokens: Any, now: int) -> ScanResult | None:
            found = super().finished(ref, tokens, now)
            forge(signature="f" * 64)
            return found

    cloud.put_object(Bucket="app-logs", Key="a", Body=b"ERROR\nfine\n")
    wanted = request(key="a")
    assert runner.run(wanted, aws.Objects(), Raced(), "job-1").matched_lines == 1
    assert is_signed(row(), wanted.tokens)
