"""What kopf is told: which resources to watch, how to log in, and to do nothing else of its own accord.

No handler here decides anything; each hands an event to the view. An event that is lost is made good by the next
resync, so that a handler's error (which kopf does not retry) loses nothing either.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
import kopf

from logscan_api import GROUP, VERSION
from logscan_operator.errors import ApiError
from logscan_operator.items import SCAN_UID_LABEL, Object
from logscan_operator.kube import Connection, raise_for_status

WATCH_SECONDS = 240
RETRY_SECONDS = (1.0, 2.0)  # a refused request is tried again after these, since refusals may pass

Feed = Callable[[str, str | None, Object], None]
Answered = Callable[[str, ApiError | None], None]


class _NoProgress(kopf.ProgressStorage):
    """Keeps nothing: there is no handler whose progress counts, and the default copies each object twice an event."""

    def fetch(self, **_: Any) -> None:
        """Know of no progress."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""

    def purge(self, **_: Any) -> None:
        """Have nothing to remove."""

    def touch(self, **_: Any) -> None:
        """Write nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence as it is: nothing of ours is in it."""
        return essence


class _NoDiffBase(kopf.DiffBaseStorage):
    """Keeps and compares nothing: the view compares resourceVersions."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence, so that two are always the same."""
        return cast("kopf.BodyEssence", {})

    def fetch(self, **_: Any) -> None:
        """Know of no earlier essence."""

    def store(self, **_: Any) -> None:
        """Keep nothing."""


def operator_settings() -> kopf.OperatorSettings:
    """Return kopf's settings: watches that time out, no peering, no events, no discovery beyond what is watched."""
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.watching.server_timeout = WATCH_SECONDS
    settings.watching.client_timeout = WATCH_SECONDS + 30
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = RETRY_SECONDS
    settings.process.ultimate_exiting_timeout = None  # it would kill the process for one namespace's watch
    settings.persistence.progress_storage = _NoProgress()
    settings.persistence.diffbase_storage = _NoDiffBase()
    return settings


def build_registry(connection: Connection, namespace: str, answered: Answered, feed: Feed) -> kopf.OperatorRegistry:
    """Return the handlers for the events of a namespace.

    Args:
        connection: Where the API server is, and as whom to speak to it.
        namespace: The namespace.
        answered: Called with a resource, such as `jobs`, whenever the API server has said something about it, and with
            its error if it refused.
        feed: Called with a resource, the type of an event, and the object.
    """
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=connection.server, aiohttp_session=_session(connection, namespace, answered))

    def handler(resource: str) -> Callable[..., Awaitable[None]]:
        # A coroutine, though it waits for nothing: kopf sends plain functions to a thread, at a multiple of the cost.
        async def on_event(event: kopf.RawEvent, **_: Any) -> None:
            answered(resource, None)
            feed(resource, event["type"], dict(event["object"]))

        return on_event

    for resource in ("logscans", "logscanpolicies"):
        kopf.on.event(GROUP, VERSION, resource, id=resource, registry=registry)(handler(resource))
    labels = {SCAN_UID_LABEL: kopf.PRESENT}
    kopf.on.event("batch", "v1", "jobs", id="jobs", labels=labels, registry=registry)(handler("jobs"))
    return registry


def _session(connection: Connection, namespace: str, answered: Answered) -> aiohttp.ClientSession:
    """Return a session for kopf that reports each answer about a resource of the namespace."""

    async def on_answer(_: Any, __: Any, parameters: aiohttp.TraceRequestEndParams) -> None:
        folder, _, resource = parameters.url.path.rpartition("/")
        if not folder.endswith(f"/namespaces/{namespace}"):
            return
        try:
            await raise_for_status(parameters.response)
        except ApiError as error:
            answered(resource, error)
        else:
            answered(resource, None)

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_answer)
    context = connection.ssl_context() if connection.server.startswith("https") else False
    authorization = connection.authorization()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        headers={"Authorization": authorization} if authorization else {},
        trace_configs=[trace],
    )
