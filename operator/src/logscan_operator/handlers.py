"""The operator as kopf runs it: start reading here.

Two kinds of kopf operators make up the process (docs/decisions/0003-operator-architecture.md says why):

- one of the process: `on.startup` starts the loops that receive messages and schedule Jobs (`app`), `on.cleanup` ends
  them in order. It watches nothing, so that no answer of the API server ends the process.
- one for each watched namespace (`watching`): `on.login` gives it credentials, `on.event` hands what it sees to the
  view, from which the scheduler decides. No handler decides anything. An event that is lost, or whose handler fails
  (kopf does not retry those), is made up for by the next full list.

Liveness is reported by `health` on the port of the metrics and not by kopf's `on.probe`, whose server can neither
take over the socket that answers probes since before kopf was imported (`starting`), nor answer 503.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Self, cast

import aiohttp
import kopf

from logscan_api import GROUP, VERSION
from logscan_operator.app import Operator
from logscan_operator.errors import ApiError
from logscan_operator.following import Step
from logscan_operator.items import Object
from logscan_operator.kube import Connection, raise_for_status
from logscan_operator.resync import PAGE
from logscan_operator.scanjobs import SCAN_UID_LABEL

WATCH_SECONDS = 240
# A worker of kopf holds the last event of its object for as long as it waits for another one. A list makes one for each
# object, and at kopf's default of 5 s all of them hold all objects.
IDLE_SECONDS = 0.2
RETRY_SECONDS = (1.0, 2.0)  # a refused request is tried again after these, since refusals may pass
# kopf tells its peers apart by it, and here there are none. Without one it asks for the user's name, which the
# numeric user of a container need not have.
IDENTITY: Any = "logscan-operator"

PROCESS = kopf.OperatorRegistry()
NAMESPACE = kopf.OperatorRegistry()

Feed = Callable[[str, str | None, Object], None]
Answered = Callable[[str, ApiError | None], None]


@dataclass(frozen=True)
class Process:
    """What the handlers of the process are given (kopf's `memo`).

    Attributes:
        operator: The loops.
        watch: Feeds the view with the changes of a namespace, until it raises.
        stop: Set to end the process.
    """

    operator: Operator
    watch: Step
    stop: asyncio.Event


@dataclass(frozen=True)
class Watched:
    """What the handlers of a namespace are given (kopf's `memo`).

    Attributes:
        namespace: The namespace.
        connection: The API server, and the credentials for it.
        answered: Called with a resource, such as `jobs`, whenever the API server has answered a request for it, and
            with the error if it refused.
        feed: Called with a resource, the type of an event, and the object.
    """

    namespace: str
    connection: Connection
    answered: Answered
    feed: Feed

    def __copy__(self) -> Self:
        """Return this very object: kopf copies its memo for each object of the cluster, and this one never changes."""
        return self


# kopf repeats a failed activity a minute later, unless its errors are permanent.
@kopf.on.startup(registry=PROCESS, errors=kopf.ErrorsMode.PERMANENT)
async def start(memo: Process, **_: Any) -> None:
    """Start the loops; their end, for whatever reason, ends the process."""
    await memo.operator.start(memo.watch, memo.stop.set)


@kopf.on.cleanup(registry=PROCESS, errors=kopf.ErrorsMode.PERMANENT)
async def stop(memo: Process, **_: Any) -> None:
    """Finish what is in hand and stop the loops."""
    await memo.operator.stop()


@kopf.on.login(registry=PROCESS)
async def login_process(memo: Process, **_: Any) -> kopf.AiohttpSession:
    """Return credentials once the API server has accepted them for a list.

    With them kopf reads which resources the cluster has, though it is to watch none. It ends if these requests are
    refused, and an operator must not end because the API server is away. If it cannot log in at all, its requests are
    left waiting at the end, and kopf waits 5 s for them.
    """
    accepted = memo.operator.accepted
    accepted.clear()  # if kopf logs in once more, the credentials were refused meanwhile
    await accepted.wait()
    return _credentials(memo.operator.connection)


@kopf.on.login(registry=NAMESPACE)
async def login_namespace(memo: Watched, **_: Any) -> kopf.AiohttpSession:
    """Return credentials, in a session that reports each answer about the namespace."""
    return _credentials(memo.connection, _reporting(memo))


# Coroutines, though they wait for nothing: kopf runs plain functions in threads, at a multiple of the cost.
@kopf.on.event(GROUP, VERSION, "logscans", registry=NAMESPACE)
async def see_scan(memo: Watched, event: kopf.RawEvent, **_: Any) -> None:
    """Hand the change of a LogScan to the view."""
    _see(memo, "logscans", event)


@kopf.on.event(GROUP, VERSION, "logscanpolicies", registry=NAMESPACE)
async def see_policy(memo: Watched, event: kopf.RawEvent, **_: Any) -> None:
    """Hand the change of a LogScanPolicy to the view."""
    _see(memo, "logscanpolicies", event)


@kopf.on.event(GROUP, VERSION, "logscanrulesets", registry=NAMESPACE)
async def see_rule_set(memo: Watched, event: kopf.RawEvent, **_: Any) -> None:
    """Hand the change of a LogScanRuleSet to the view."""
    _see(memo, "logscanrulesets", event)


@kopf.on.event("batch", "v1", "jobs", registry=NAMESPACE)
async def see_job(memo: Watched, event: kopf.RawEvent, **_: Any) -> None:
    """Hand the change of a scan's Job to the view."""
    _see(memo, "jobs", event)


def _see(watched: Watched, resource: str, event: kopf.RawEvent) -> None:
    watched.answered(resource, None)
    raw = cast("Object", event["object"])
    watched.feed(resource, event["type"], dict(raw))
    # kopf's wrappers of an object refer to each other, so that only the garbage collector frees them and what they
    # hold. What nobody reads after this handler is freed without it: 0.3 s of CPU for 1,000 LogScans and their Jobs.
    raw.pop("spec", None)
    raw["metadata"].pop("managedFields", None)


def _credentials(connection: Connection, *traces: aiohttp.TraceConfig) -> kopf.AiohttpSession:
    authorization = connection.authorization()
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=connection.tls(), limit=0),
        headers={"Authorization": authorization} if authorization else {},
        trace_configs=list(traces),
    )
    return kopf.AiohttpSession(server=connection.server, aiohttp_session=session)


def _reporting(watched: Watched) -> aiohttp.TraceConfig:
    """Return a trace that reports each answer about a resource of the namespace."""

    async def on_answer(_: Any, __: Any, parameters: aiohttp.TraceRequestEndParams) -> None:
        folder, _, resource = parameters.url.path.rpartition("/")
        if not folder.endswith(f"/namespaces/{watched.namespace}"):
            return
        try:
            await raise_for_status(parameters.response)
        except ApiError as error:
            watched.answered(resource, error)
        else:
            watched.answered(resource, None)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_answer)
    return trace


class _NoProgress(kopf.ProgressStorage):
    """Stores nothing: no handler here has progress, and kopf's default copies each object twice for each event."""

    def fetch(self, **_: Any) -> None:
        """Return no progress."""

    def store(self, **_: Any) -> None:
        """Store nothing."""

    def purge(self, **_: Any) -> None:
        """Remove nothing."""

    def touch(self, **_: Any) -> None:
        """Write nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence unchanged: it contains nothing of ours."""
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Compares nothing: the view compares resourceVersions."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence, so that any two are equal."""
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: Any) -> None:
        """Return no earlier essence."""

    def store(self, **_: Any) -> None:
        """Store nothing."""


class _Backoffs:
    """Pauses before a request is repeated, without an end; kopf iterates over them for each request."""

    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 2.0, 4.0, 8.0), repeat(15.0))


async def run_process(process: Process) -> None:
    """Run the operator until SIGTERM or SIGINT, until `process.stop` is set, or until a part of it fails.

    Raises:
        LeadershipLostError: The Lease was lost.
        Exception: A part failed with this error.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.networking.error_backoffs = _Backoffs()
    await _run(PROCESS, settings, process.operator.settings.namespace, process, process.stop)
    process.operator.raise_failure()


async def run_watches(watched: Watched, stop: asyncio.Event) -> None:
    """Watch a namespace until `stop` is set, or until the API server refuses.

    Raises:
        Exception: A watch failed.
    """
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True  # no watch of CRDs and namespaces, for which the operator has no rights
    settings.posting.enabled = False
    settings.watching.chunk_size = PAGE
    settings.watching.label_selectors["batch", "v1", "jobs"] = SCAN_UID_LABEL
    settings.queueing.idle_timeout = IDLE_SECONDS
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.client_timeout = WATCH_SECONDS + 30
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = RETRY_SECONDS
    settings.process.ultimate_exiting_timeout = None  # kopf would kill the process for the watches of one namespace
    settings.persistence.progress_storage = _NoProgress()
    settings.persistence.diffbase_storage = _NoDiffBase()
    await _run(NAMESPACE, settings, watched.namespace, watched, stop)


async def _run(
    registry: kopf.OperatorRegistry,
    settings: kopf.OperatorSettings,
    namespace: str,
    memo: Process | Watched,
    stop: asyncio.Event,
) -> None:
    await kopf.operator(
        registry=registry,
        settings=settings,
        namespaces=[namespace],
        memo=memo,
        identity=IDENTITY,
        standalone=True,
        stop_flag=stop,
    )
