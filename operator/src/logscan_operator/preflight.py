"""`logscan-operator --check`: whether the operator could work here, without doing anything. `helm test` runs it."""

import asyncio
import sys
from collections.abc import Awaitable
from dataclasses import dataclass

import aiohttp

from logscan_api.statuses import ResultRef
from logscan_operator import paths
from logscan_operator.aws import AwsError, Message, Queue, ResultReader
from logscan_operator.kube import ApiError, ApiServer, Connection
from logscan_operator.settings import Settings

# A handle that is none: SQS refuses it after it has looked at who asks, and no message is touched.
NO_MESSAGE = Message(id="preflight", receipt="preflight", body="", group="preflight", receives=0)
NO_MESSAGES_FAULTS = ("ReceiptHandleIsInvalid", "InvalidParameterValue")


@dataclass(frozen=True)
class Finding:
    """One thing that was tried, and why it failed if it did."""

    what: str
    problem: str | None

    def __str__(self) -> str:
        """Return a line for a person."""
        return f"ok      {self.what}" if self.problem is None else f"FAILED  {self.what}: {self.problem}"


async def check(settings: Settings, connection: Connection) -> list[Finding]:
    """Try everything that the operator needs of its surroundings."""
    async with ApiServer(connection) as api:
        tries = [
            *(_try(f"list {path}", api.request("GET", path, query={"limit": "1"})) for path in _lists(settings)),
            *(_try(f"use the queue {url}", _use(url)) for url in settings.queue_urls),
            _try(f"read the table {settings.table}", _read(settings.table)),
        ]
        return list(await asyncio.gather(*tries))


def main(settings: Settings, connection: Connection) -> int:
    """Print what was found; return 0 if all is well, else 1."""
    findings = asyncio.run(check(settings, connection))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return int(any(finding.problem for finding in findings))


def _lists(settings: Settings) -> list[str]:
    kinds = (paths.policies, paths.scans, paths.jobs)
    return [kind(namespace) for namespace in settings.namespaces for kind in kinds]


async def _try(what: str, call: Awaitable[object]) -> Finding:
    try:
        await call
    except (ApiError, aiohttp.ClientError, TimeoutError, OSError, *AwsError) as error:
        return Finding(what, str(error) or type(error).__name__)
    return Finding(what, None)


async def _use(url: str) -> None:
    try:
        await Queue(url, wait_seconds=0, visibility_seconds=30).hide([NO_MESSAGE], 0)
    except AwsError as error:
        code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
        if code.rsplit(".", 1)[-1] not in NO_MESSAGES_FAULTS:
            raise


async def _read(table: str) -> None:
    await ResultReader().read(ResultRef(table=table, pk="preflight", sk="preflight"))
