"""Who leads: one Lease, renewed by the leader, taken over when it has not been renewed for its duration.

Built on what client-go's leader election promises, with two things made strict. A leader that has not renewed within
two thirds of the duration stops by itself, before anybody may take over. And every write of the leader's work goes
through `FencedApi`, which refuses it once that time has passed: a process that was paused past its lease writes
nothing when it wakes up. Times of other processes are never compared with ours: a standby waits for the duration from
when *it* saw the Lease change.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp

from logscan_operator.kube import ApiError, ApiServer, Object, described

LEASE_NAME = "logscan-operator"

log = logging.getLogger("logscan.leases")


class NotLeadingError(ApiError):
    """A write was refused because this process may no longer lead."""

    def __init__(self) -> None:
        super().__init__(409, "NotLeading", "this process does not hold the lease")


class Leadership:
    """One process's part in the election."""

    def __init__(self, api: ApiServer, namespace: str, identity: str, seconds: int) -> None:
        """Prepare.

        Args:
            api: The API server.
            namespace: Where the Lease is.
            identity: This process, unique among those that may lead.
            seconds: Duration of the Lease.
        """
        self._api = api
        self._namespace = namespace
        self._identity = identity
        self._seconds = seconds
        self._retry = seconds / 7
        self._valid_until = 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        self._holder = ""

    def holds(self) -> bool:
        """Return whether this process leads, for certain, now."""
        return time.monotonic() < self._valid_until

    async def acquire(self) -> None:
        """Return once this process leads."""
        while not await self._attempt():  # noqa: ASYNC110 - it ends by what others do
            await asyncio.sleep(self._retry)
        log.info("leading", extra={"identity": self._identity})

    async def keep(self) -> None:
        """Renew the Lease; return when it could not be renewed in time, and this process must stop its work."""
        while self.holds():
            await asyncio.sleep(self._retry)
            if not await self._attempt() and self._holder != self._identity:
                break
        self._valid_until = 0.0
        log.error("the lease was lost", extra={"identity": self._identity})

    async def release(self) -> None:
        """Give the Lease up, so that a standby need not wait for its end."""
        if not self.holds():
            return
        self._valid_until = 0.0
        try:
            lease = await self._api.request("GET", self._path(LEASE_NAME))
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"]["holderIdentity"] = ""
                await self._api.request("PUT", self._path(LEASE_NAME), lease)
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            log.warning("the lease was not released: %s", described(error))

    async def _attempt(self) -> bool:
        """Try to take or renew the Lease; return whether that worked."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._seconds / 3):
                await self._take()
        except (ApiError, aiohttp.ClientError, TimeoutError) as error:
            if not (isinstance(error, ApiError) and error.reason in ("Held", "Conflict", "AlreadyExists")):
                log.warning("the lease could not be renewed: %s", described(error))
            return False
        self._valid_until = begun + self._seconds * 2 / 3
        return True

    async def _take(self) -> None:
        try:
            lease = await self._api.request("GET", self._path(LEASE_NAME))
        except ApiError as error:
            if error.status != 404:
                raise
            lease = {"metadata": {"name": LEASE_NAME}, "spec": {}}
            body = self._renewed(lease)
            await self._api.request("POST", self._path(), body)
            return
        self._holder = lease["spec"].get("holderIdentity") or ""
        version, now = lease["metadata"]["resourceVersion"], time.monotonic()
        if version != self._seen[0]:
            self._seen = (version, now)
        duration = lease["spec"].get("leaseDurationSeconds") or self._seconds
        if self._holder not in ("", self._identity) and now - self._seen[1] < duration:
            raise ApiError(409, "Held", f"{self._holder} leads")
        await self._api.request("PUT", self._path(LEASE_NAME), self._renewed(lease))

    def _renewed(self, lease: Object) -> Object:
        """Return a Lease that this process holds from now on; its resourceVersion makes the write a comparison."""
        spec, now = lease["spec"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if spec.get("holderIdentity") != self._identity:
            spec["acquireTime"] = now
            spec["leaseTransitions"] = spec.get("leaseTransitions", 0) + 1
        spec |= {"holderIdentity": self._identity, "renewTime": now, "leaseDurationSeconds": self._seconds}
        self._holder = self._identity
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": lease["metadata"], "spec": spec}

    def _path(self, name: str = "") -> str:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self._namespace}/leases"
        return f"{path}/{name}" if name else path


class FencedApi:
    """The API server, for the leader's work: a write is refused unless this process leads for certain."""

    def __init__(self, api: ApiServer, holds: Callable[[], bool]) -> None:
        """Prepare.

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
        """
        if method != "GET" and not self.holds():
            raise NotLeadingError
        answer: dict[str, Any] = await self._api.request(method, path, body, query, content_type)
        return answer
