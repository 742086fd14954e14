"""`logscan-operator --check`: whether the operator could start and work here. `helm test` runs it; it changes nothing.

It starts the same parts as the operator, in the same way, so that it fails too in an image or a security context in
which the operator cannot start.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass

from logscan_api import logs
from logscan_api.packs import pack_names
from logscan_api.policies import LogScanPolicySpec
from logscan_api.rules import MOST_PACKS, RuleSelection
from logscan_api.statuses import ResultRef
from logscan_operator import paths, rulechecks, settings
from logscan_operator.aws import Message, Queue, ResultReader
from logscan_operator.errors import AwsError
from logscan_operator.kube import ApiServer, Connection
from logscan_operator.settings import Settings
from logscan_operator.starting import Probes
from logscan_operator.view import View
from logscan_operator.watching import Watcher

# Not a valid handle: SQS refuses it after it has checked the caller's rights, and no message is changed.
NO_MESSAGE = Message(id="preflight", receipt="preflight", body="", group="preflight", receives=0)
TRY_SECONDS = 120.0
POLL_SECONDS = 0.1
WATCHED = 4  # LogScans, LogScanPolicies, LogScanRuleSets and Jobs
NO_MESSAGES_FAULTS = ("ReceiptHandleIsInvalid", "InvalidParameterValue")


@dataclass(frozen=True)
class Finding:
    """A check, and why it failed if it did."""

    what: str
    problem: str | None

    def __str__(self) -> str:
        """Return the line that is printed."""
        return f"ok      {self.what}" if self.problem is None else f"FAILED  {self.what}: {self.problem}"


async def check(config: Settings, connection: Connection) -> list[Finding]:
    """Check everything that the operator needs from its image, the cluster and AWS."""
    starts = [
        await _try("answer probes", _answer_probes()),
        await _try("start the watches", _start_watches(config, connection)),
        await _try("check rules", _check_rules()),
    ]
    async with ApiServer(connection) as api:
        tries = [
            *(_try(f"list {path}", api.request("GET", path, query={"limit": "1"})) for path in _lists(config)),
            *(_try(f"use the queue {url}", _use(url)) for url in config.queue_urls),
            _try(f"read the table {config.table}", _read(config.table)),
        ]
        return [*starts, *await asyncio.gather(*tries)]


def main() -> int:
    """Print the findings and return the exit code: 1 if a check failed, else 0."""
    logs.set_up("ERROR")
    # kopf logs an error when its watches are stopped while they start.
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    findings = asyncio.run(check(settings.load(), Connection()))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return int(any(finding.problem for finding in findings))


def _lists(config: Settings) -> list[str]:
    kinds = (paths.policies, paths.rule_sets, paths.scans, paths.jobs)
    return [kind(namespace) for namespace in config.namespaces for kind in kinds]


async def _try(what: str, call: Awaitable[object]) -> Finding:
    try:
        async with asyncio.timeout(TRY_SECONDS):
            await call
    except TimeoutError:
        return Finding(what, f"no answer within {TRY_SECONDS:.0f} s")
    except Exception as error:
        return Finding(what, str(error).strip() or type(error).__name__)
    return Finding(what, None)


async def _answer_probes() -> None:
    probes = Probes(0)  # any free port, since the operator may be running beside this check
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", probes.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n\r\n")
        answer = await reader.readline()
        writer.close()
    finally:
        probes.hand_over().close()
    if b" 200 " not in answer:
        raise OSError(f"the answer to the probe was {answer!r}")


async def _start_watches(config: Settings, connection: Connection) -> None:
    """Watch the operator's own namespace until the API server has answered for each resource."""
    view = View([config.namespace])
    watching = asyncio.create_task(Watcher(view, connection).watch(config.namespace))
    while len(view.watch_ages.seconds()) < WATCHED:
        await asyncio.wait([watching], timeout=POLL_SECONDS)
        if watching.done():
            break
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def _check_rules() -> None:
    names = pack_names()
    for start in range(0, len(names), MOST_PACKS):
        selection = RuleSelection(packs=names[start : start + MOST_PACKS])
        verdict = await rulechecks.check(LogScanPolicySpec(rules=selection))
        if verdict.status != "True":
            raise RuntimeError(verdict.message)


async def _use(url: str) -> None:
    try:
        await Queue(url, wait_seconds=0, visibility_seconds=30).hide([NO_MESSAGE], 0)
    except AwsError as error:
        if error.code.rsplit(".", 1)[-1] not in NO_MESSAGES_FAULTS:
            raise


async def _read(table: str) -> None:
    await ResultReader([]).read(ResultRef(table=table, pk="preflight", sk="preflight"))
