"""Leader election: one Lease, renewed by the leader, acquired by a standby once it has expired.

It follows client-go's `leaderelection`, and is stricter in two points. A leader that has not renewed the Lease for two
thirds of its duration stops, before anyone else may acquire it. And each write of the leader goes through `FencedApi`,
which refuses it once that time has passed: a process that was paused for longer writes nothing when it resumes.

Clocks of two machines are never compared. A standby does not read `renewTime`; it measures on its own clock how long
the Lease's resourceVersion has not changed.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from logscan_operator.errors import ApiError, KubeError, NotLeadingError, described
from logscan_operator.kube import ApiServer, Object

LEASE_NAME = "logscan-operator"
# Shares of the Lease's duration. The leader stops a third before a standby may acquire the Lease; in that third its
# last requests end. client-go's defaults, a renewal deadline of 10 s in a lease of 15 s, have the same proportion.
VALID_SHARE = 2 / 3
ATTEMPT_SHARE = 1 / 3  # of one attempt, so that a second one still fits into the time that the Lease is valid
RETRY_SHARE = 1 / 7

log = logging.getLogger("logscan.leases")


@dataclass(frozen=True)
class Observation:
    """When the Lease was last seen to change.

    Attributes:
        version: The Lease's resourceVersion.
        at: When this process first read that version, in seconds of its monotonic clock.
    """

    version: str = ""
    at: float = 0.0

    def updated(self, version: str, now: float) -> "Observation":
        """Return the observation after the Lease was read once more."""
        return self if version == self.version else Observation(version, now)


def may_acquire(spec: Object, identity: str, unchanged_seconds: float, default_seconds: float) -> bool:
    """Return whether a process may write its name into the Lease, or renew it.

    Args:
        spec: The Lease's spec.
        identity: The process that asks.
        unchanged_seconds: For how long the Lease has not changed, on that process's clock.
        default_seconds: The duration of a Lease that names none.
    """
    if (spec.get("holderIdentity") or "") in ("", identity):
        return True
    return unchanged_seconds >= (spec.get("leaseDurationSeconds") or default_seconds)


def held_by(identity: str, lease: Object, seconds: int, now: datetime) -> Object:
    """Return a Lease that a process holds from now on.

    The metadata is that of the Lease as it was read. Its resourceVersion makes the write a compare-and-swap: of two
    processes that write at the same time, one gets a conflict.

    Args:
        identity: The process.
        lease: The Lease as it is.
        seconds: Its duration from now on.
        now: The time.
    """
    spec, stamp = dict(lease["spec"]), now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if spec.get("holderIdentity") != identity:
        spec["acquireTime"] = stamp
        spec["leaseTransitions"] = spec.get("leaseTransitions", 0) + 1
    spec |= {"holderIdentity": identity, "renewTime": stamp, "leaseDurationSeconds": seconds}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": lease["metadata"], "spec": spec}


class Leadership:
    """One process's part in the election."""

    def __init__(
        self,
        api: ApiServer,
        namespace: str,
        identity: str,
        seconds: int,
        alive: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take no part yet; `acquire` begins.

        Args:
            api: The API server.
            namespace: The Lease's namespace.
            identity: A name of this process that no other process has.
            seconds: Duration of the Lease.
            alive: Called after each attempt to acquire or renew it.
            clock: Returns seconds that only grow, also while the process is paused.
            sleep: Waits for so many of them.
        """
        self._alive = alive
        self._clock = clock
        self._sleep = sleep
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._seconds = seconds
        self._valid_until = 0.0
        self._observed = Observation()
        self._holder = ""  # as last read

    def holds(self) -> bool:
        """Return whether this process certainly leads now."""
        return self._clock() < self._valid_until

    async def acquire(self) -> None:
        """Return once this process leads."""
        while not await self._attempt():
            await self._sleep(self._seconds * RETRY_SHARE)
        log.info("leading", extra={"identity": self._identity})

    async def keep(self) -> None:
        """Renew the Lease; return when that failed for too long, or another process holds it: the work must stop."""
        while self.holds():
            await self._sleep(self._seconds * RETRY_SHARE)
            if not await self._attempt() and self._holder not in ("", self._identity):
                break
        self._valid_until = 0.0
        log.error("lost the lease", extra={"identity": self._identity})

    async def release(self) -> None:
        """Clear the Lease's holder, so that a standby need not wait until it expires. Errors are only logged."""
        if not self.holds():
            return
        self._valid_until = 0.0
        try:
            lease = await self._api.request("GET", self._path(LEASE_NAME))
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"]["holderIdentity"] = ""
                await self._api.request("PUT", self._path(LEASE_NAME), lease)
        except KubeError as error:
            log.warning("could not release the lease: %s", described(error))

    async def _attempt(self) -> bool:
        """Try to acquire or renew the Lease; return whether this process holds it now."""
        # Taken before the request: the Lease must not be valid here for longer than any standby believes.
        begun = self._clock()
        try:
            async with asyncio.timeout(self._seconds * ATTEMPT_SHARE):
                acquired = await self._acquire_or_renew()
        except (KubeError, TimeoutError) as error:
            log.warning("could not acquire or renew the lease: %s", described(error))
            return False
        finally:
            self._alive()
        if acquired:
            self._valid_until = begun + self._seconds * VALID_SHARE
        return acquired

    async def _acquire_or_renew(self) -> bool:
        """Write this process into the Lease if it may; return False if another process holds it or was faster.

        Raises:
            KubeError: The Lease was not read, or not written.
        """
        lease = await self._read()
        self._holder = lease["spec"].get("holderIdentity") or ""
        version, now = lease["metadata"].get("resourceVersion", ""), self._clock()
        self._observed = self._observed.updated(version, now)
        if not may_acquire(lease["spec"], self._identity, now - self._observed.at, self._seconds):
            return False
        body = held_by(self._identity, lease, self._seconds, datetime.now(UTC))
        method, path = ("PUT", self._path(LEASE_NAME)) if version else ("POST", self._path())
        try:
            await self._api.request(method, path, body)
        except ApiError as error:
            if error.reason not in ("Conflict", "AlreadyExists"):
                raise
            return False
        self._holder = self._identity
        return True

    async def _read(self) -> Object:
        """Return the Lease, or one without a resourceVersion that is yet to be created."""
        try:
            return await self._api.request("GET", self._path(LEASE_NAME))
        except ApiError as error:
            if error.status != 404:
                raise
            return {"metadata": {"name": LEASE_NAME}, "spec": {}}

    def _path(self, name: str = "") -> str:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"
        return f"{path}/{name}" if name else path


class FencedApi:
    """The API server as the leader's work sees it: a write is refused unless this process certainly leads."""

    def __init__(self, api: ApiServer, holds: Callable[[], bool]) -> None:
        """Fence an API server.

        Args:
            api: The API server.
            holds: Returns whether this process leads.
        """
        self._api = api
        self.holds = holds

    async def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request; see `kube.ApiServer.request`.

        Raises:
            NotLeadingError: It is a write and this process does not lead.
            KubeError: It was not done.
        """
        if method != "GET" and not self.holds():
            raise NotLeadingError
        return await self._api.request(method, path, body, query, content_type)
