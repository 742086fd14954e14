"""The files that a scan writes into the reports bucket: findings as gzipped JSON Lines, and a page for people.

They are read as a stream, so that memory does not depend on their size.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, cast

import boto3
from botocore.exceptions import BotoCoreError, HTTPClientError

from kubectl_logscan.awscalls import asked
from kubectl_logscan.errors import AwsError, NotFoundError
from logscan_api.text import printable

CHUNK_BYTES = 1 << 16
COLUMNS = ("rule", "severity", "line", "offset", "key", "text")
FORMULA = ("=", "+", "-", "@")  # how a cell begins that a spreadsheet would calculate


def read(address: str) -> BinaryIO:
    """Return the content of an object, to be read.

    Args:
        address: `s3://BUCKET/KEY`, as a status has it.

    Raises:
        NotFoundError: It does not exist any more.
        AwsError: S3 did not answer, or refused.
    """
    bucket, _, key = address.removeprefix("s3://").partition("/")
    client: Any = asked(lambda: boto3.client("s3"), "reads S3")
    missing = client.exceptions.NoSuchKey
    try:
        answer = asked(lambda: client.get_object(Bucket=bucket, Key=key), f"GetObject of {address}")
    except AwsError as error:
        if isinstance(error.__cause__, missing):
            raise NotFoundError(f"{address} does not exist any more: the bucket deletes old reports") from error
        raise
    return cast("BinaryIO", answer["Body"])


def chunks(content: BinaryIO, address: str) -> Iterator[bytes]:
    """Yield the bytes of an object.

    Raises:
        AwsError: The connection broke.
    """
    try:
        while chunk := content.read(CHUNK_BYTES):
            yield chunk
    except (BotoCoreError, HTTPClientError) as error:
        raise AwsError(f"GetObject of {address}: the connection broke: try again") from error


def lines(content: BinaryIO, address: str) -> Iterator[bytes]:
    """Yield the lines of findings, each with its line end.

    Raises:
        AwsError: The connection broke, or the file is damaged.
    """
    try:
        with gzip.GzipFile(fileobj=content) as unpacked:
            yield from unpacked
    except (BotoCoreError, HTTPClientError) as error:
        raise AwsError(f"GetObject of {address}: the connection broke: try again") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise AwsError(f"{address} is damaged: run the scan again with `kubectl logscan retry`") from error


def as_csv(found: Iterable[bytes], address: str) -> Iterator[bytes]:
    """Yield findings as lines of CSV, the names of the columns first.

    A log chooses its lines: a cell that a spreadsheet would take for a formula gets an apostrophe before it.

    Raises:
        AwsError: The file is damaged.
    """
    yield _row(COLUMNS)
    for line in found:
        try:
            finding = json.loads(line)
            cells = [finding.get(name) for name in COLUMNS]
        except (ValueError, AttributeError) as error:
            raise AwsError(f"{address} is damaged: run the scan again with `kubectl logscan retry`") from error
        yield _row([_cell(value) for value in cells])


def _cell(value: object) -> str:
    text = "" if value is None else printable(str(value))
    return f"'{text}" if isinstance(value, str) and text.lstrip().startswith(FORMULA) else text


def _row(cells: Iterable[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()
