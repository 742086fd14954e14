"""Kubernetes Events, for people who look at one LogScan with `kubectl describe`.

Only transitions are reported, and of a scan that the operator made only what went wrong: the others would cost a write
each, and their status says the same. What happens again is counted in the Event that is there, as client-go's recorder
does. A burst beyond the pace is dropped, since the status stays.
"""

import asyncio
import logging
import os
import socket
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable

from logscan_api import API_VERSION
from logscan_api.exitcodes import Reason
from logscan_api.statuses import LogScanStatus, Phase
from logscan_operator import paths
from logscan_operator.errors import ApiError, KubeError, described
from logscan_operator.items import Object, Scan
from logscan_operator.kube import JSON_MERGE
from logscan_operator.leases import FencedApi
from logscan_operator.statuses import stamp_now
from logscan_operator.view import Unreadable

BURST_SECONDS = 4
MOST_REMEMBERED = 4096  # Events, as many as client-go's recorder
COMPONENT = "logscan-operator"
# Reasons of a scan that has not failed, and of which somebody should know.
PROBLEMS = (
    Reason.QUOTA_EXCEEDED,
    Reason.REFUSED,
    Reason.JOB_CONFLICT,
    Reason.UNSCHEDULABLE,
    Reason.IMAGE_PULL_FAILED,
    Reason.POD_NOT_STARTED,
)

log = logging.getLogger("logscan.events")


class Pace:
    """A token bucket."""

    def __init__(self, per_second: float, burst: float) -> None:
        """Allow `burst` at once and `per_second` on average."""
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at = time.monotonic()

    def allows(self) -> bool:
        """Return whether one more is allowed now, and count it."""
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self._per_second, self._burst)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def worth_reporting(scan: Scan, after: LogScanStatus) -> tuple[str, str] | None:
    """Return type and reason of the Event for a transition, or None if there is none worth reporting.

    Args:
        scan: The scan with its status before.
        after: Its status now.
    """
    before = scan.status
    if after.phase is None or (before.phase, before.reason, before.attempts) == (
        after.phase,
        after.reason,
        after.attempts,
    ):
        return None
    if after.reason == Reason.BACKOFF and after.retry_time is not None:
        return "Warning", "Retrying"
    if after.phase is Phase.FAILED or after.reason in PROBLEMS:
        return "Warning", str(after.reason)
    if not scan.by_hand or scan.parent is not None or (after.phase is before.phase is Phase.RUNNING):
        return None
    return "Normal", {Phase.RUNNING: "JobCreated", Phase.PENDING: "RunsAgain"}.get(after.phase, str(after.phase))


def build(about: "Scan | Unreadable", kind: str, reason: str, message: str) -> Object:
    """Return an Event about a LogScan, or about an object that is left out."""
    namespace, name = about.key
    subject = about.kind if isinstance(about, Unreadable) else "LogScan"
    now = stamp_now()
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{name[:200]}.{uuid.uuid4().hex[:12]}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "batch/v1" if subject == "Job" else API_VERSION,
            "kind": subject,
            "namespace": namespace,
            "name": name,
            "uid": about.uid,
        },
        "type": kind,
        "reason": reason,
        "message": message[:1024],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": os.environ.get("HOSTNAME") or socket.gethostname(),
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


class Repeats:
    """Remembers the Events that were written last, by what they say of whom."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._events: OrderedDict[tuple[str, ...], Object] = OrderedDict()

    def again(self, event: Object) -> Object | None:
        """Return the Event that says the same, with one more counted; remember this one if there is none."""
        same = (event["involvedObject"]["uid"], event["type"], event["reason"], event["message"])
        known = self._events.get(same)
        if known is not None:
            known["count"] += 1
            known["lastTimestamp"] = event["lastTimestamp"]
            self._events.move_to_end(same)
            return known
        self._events[same] = event
        if len(self._events) > MOST_REMEMBERED:
            self._events.popitem(last=False)
        return None


class Recorder:
    """Writes Events at a pace, beside the work."""

    def __init__(self, api: FencedApi, per_second: float) -> None:
        """Write nothing yet.

        Args:
            api: Where Events go.
            per_second: Their pace.
        """
        self._api = api
        self._pace = Pace(per_second, per_second * BURST_SECONDS)
        self._repeats = Repeats()
        self._tasks: set[asyncio.Task[None]] = set()
        self._left_out: set[Unreadable] = set()

    def transition(self, scan: Scan, after: LogScanStatus) -> None:
        """Write the Event of a transition, if it is worth one and the pace allows it."""
        said = worth_reporting(scan, after)
        if said is not None and self._pace.allows():
            self._start(build(scan, *said, after.message or ""))

    def warn(self, scan: Scan, reason: str, message: str) -> None:
        """Write an Event about a problem of a scan, if the pace allows it."""
        if self._pace.allows():
            self._start(build(scan, "Warning", reason, message))

    def report(self, left_out: Iterable[Unreadable]) -> None:
        """Write an Event about each object that is left out now and was not before, as far as the pace allows it.

        Args:
            left_out: All objects that are left out.
        """
        now = set(left_out)
        self._left_out &= now
        for unreadable in now - self._left_out:
            if self._pace.allows():
                self._left_out.add(unreadable)
                self._start(build(unreadable, "Warning", "LeftOut", f"the operator leaves it out: {unreadable.why}"))

    def _start(self, event: Object) -> None:
        task = asyncio.create_task(self._write(event))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _write(self, event: Object) -> None:
        """Write an Event. Whatever goes wrong, only the Event is lost; nobody awaits this."""
        known = self._repeats.again(event)
        try:
            if known is None or not await self._count(known):
                await self._api.request("POST", paths.events(event["metadata"]["namespace"]), known or event)
        except KubeError as error:
            log.warning("an Event was not written: %s", described(error))
        except Exception:
            log.exception("an Event was not written")

    async def _count(self, event: Object) -> bool:
        """Write how often an Event has happened; return whether it is there: an API server keeps it for an hour."""
        changed = {name: event[name] for name in ("count", "lastTimestamp")}
        path = paths.events(event["metadata"]["namespace"], event["metadata"]["name"])
        try:
            await self._api.request("PATCH", path, changed, content_type=JSON_MERGE)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True
