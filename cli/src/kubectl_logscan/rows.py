"""Rows of the result table in DynamoDB: whole results, which stay when LogScans are deleted."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from kubectl_logscan.awscalls import asked
from kubectl_logscan.errors import AwsError, NotFoundError, UsageError
from kubectl_logscan.pastscans import Past
from logscan_api import MalformedResultError, attributes, table
from logscan_api.identity import partition_key
from logscan_api.results import ScanResult
from logscan_api.sources import S3Source
from logscan_api.statuses import ResultRef

OTHER_VERSION = "install the version of kubectl-logscan that the scanner has"
AT_ONCE = 8  # queries; a client of boto3 has ten connections


class Rows:
    """The rows, by the credentials and region that the AWS CLI would use."""

    def __init__(self) -> None:
        """Read the configuration of AWS; nothing is asked yet.

        Raises:
            AwsError: It is incomplete.
        """
        self._client: Any = asked(lambda: boto3.client("dynamodb"), "reads DynamoDB")

    def result(self, ref: ResultRef) -> ScanResult:
        """Return the result in a row.

        Raises:
            NotFoundError: The row does not exist, or does not belong to a finished scan.
            AwsError: DynamoDB did not answer, or refused.
        """
        key = table.key_of(ref)
        call = f"GetItem of the table {ref.table}"
        item = asked(lambda: self._client.get_item(TableName=ref.table, Key=key, ConsistentRead=True), call).get("Item")
        try:
            result = ScanResult.from_item(ref.table, item) if item else None
        except MalformedResultError as error:
            raise AwsError(f"{error}: {OTHER_VERSION}") from error
        if result is None:
            message = (
                f"the table {ref.table} has no result at {ref.pk}, {ref.sk}: it has expired, or the region is wrong"
            )
            raise NotFoundError(message)
        return result

    def of_object(self, name: str, source: S3Source, namespace: str) -> list[ScanResult]:
        """Return the results of all scans of an object, or of a prefix, the newest first.

        Args:
            name: The table.
            source: The object or the prefix.
            namespace: The namespace of the scans.

        Raises:
            AwsError: DynamoDB did not answer, or refused.
        """
        query = {
            "TableName": name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :scans)",
            "ExpressionAttributeValues": attributes.to_item({":pk": partition_key(namespace, source), ":scans": "S#"}),
        }
        pages = self._client.get_paginator("query").paginate(**query)
        items = asked(lambda: [item for page in pages for item in page["Items"]], f"Query of the table {name}")
        try:
            found = [result for item in items if (result := ScanResult.from_item(name, item)) is not None]
        except MalformedResultError as error:
            raise AwsError(f"{error}: {OTHER_VERSION}") from error
        return sorted(found, key=lambda result: result.finished_at, reverse=True)

    def past(self, name: str, wanted: Past) -> list[dict[str, Any]]:
        """Return rows of the indexes, by the names of their attributes, the newest first.

        Args:
            name: The table.
            wanted: Which scans.

        Raises:
            AwsError: DynamoDB did not answer, or refused.
        """

        def read(query: dict[str, Any]) -> list[dict[str, Any]]:
            pages = self._client.get_paginator("query").paginate(**query)
            return [attributes.from_item(item) for page in pages for item in page["Items"]]

        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = asked(lambda: list(pool.map(read, wanted.queries(name))), f"Query of the table {name}")
        found = [row for rows in parts for row in rows if wanted.wanted(row)]
        return sorted(found, key=lambda row: str(row["finished_at"]), reverse=True)


def table_of(scans: list[dict[str, Any]]) -> str:
    """Return the table that the results of LogScans are in.

    Raises:
        UsageError: None of them has a result.
    """
    for scan in scans:
        if found := ((scan.get("status") or {}).get("result") or {}).get("table"):
            return str(found)
    raise UsageError("no LogScan of the namespace names the table: set --table or LOGSCAN_TABLE")
