"""What kopf is told: which resources to watch, how to log in, and to do nothing else of its own accord.

No handler here decides anything; each hands an event to the view. An event that is lost is made good by the next
resync, so that a handler's error (which kopf does not retry) loses nothing either.
"""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import kopf

from logscan_api import GROUP, VERSION
from logscan_operator.items import SCAN_UID_LABEL
from logscan_operator.kube import Connection
from logscan_operator.view import Table, View

WATCH_SECONDS = 240


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
    settings.persistence.progress_storage = _NoProgress()
    settings.persistence.diffbase_storage = _NoDiffBase()
    return settings


def build_registry(view: View, connection: Connection) -> kopf.OperatorRegistry:
    """Return the handlers that feed a view."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        scheme, _space, token = (connection.authorization() or "").partition(" ")
        return kopf.ConnectionInfo(
            server=connection.server,
            ca_path=connection.ca_file,
            certificate_path=connection.certificate_file,
            private_key_path=connection.key_file,
            scheme=scheme or None,
            token=token or None,
        )

    def feed(table: Table[Any]) -> Callable[..., Awaitable[None]]:
        # A coroutine, though it waits for nothing: kopf sends plain functions to a thread, at a multiple of the cost.
        async def on_event(event: kopf.RawEvent, **_: Any) -> None:
            body = dict(event["object"])
            if event["type"] == "DELETED":
                table.drop(body)
            else:
                table.take(body)

        return on_event

    kopf.on.event(GROUP, VERSION, "logscans", id="scans", registry=registry)(feed(view.scans))
    kopf.on.event(GROUP, VERSION, "logscanpolicies", id="policies", registry=registry)(feed(view.policies))
    labels = {SCAN_UID_LABEL: kopf.PRESENT}
    kopf.on.event("batch", "v1", "jobs", id="jobs", labels=labels, registry=registry)(feed(view.jobs))
    return registry
