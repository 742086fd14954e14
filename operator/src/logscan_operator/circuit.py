"""Finds out for whom the API server refuses LogScans, and holds the intake back while it is everyone.

Evidence comes from a trial: the dry run of creating a LogScan that was accepted before. Admission webhooks, policies
and quotas have their say in it, and nothing is stored (Kubernetes documentation, "Dry-run").
"""

import asyncio
import logging
import time
from collections.abc import Callable
from enum import StrEnum

from logscan_api import API_VERSION
from logscan_operator import paths
from logscan_operator.breaker import Breaker, State, is_outage
from logscan_operator.errors import ApiError, KubeError, NoAnswerError
from logscan_operator.items import IDENTITY_LABEL, Object
from logscan_operator.leases import FencedApi
from logscan_operator.metrics import Metrics

TRIAL_NAME = "logscan-trial"

log = logging.getLogger("logscan.circuit")


class Verdict(StrEnum):
    """Whom a refusal is for."""

    EVERYONE = "everyone"
    ONE = "one"
    UNCLEAR = "unclear"  # the trial was denied, which may be for what it asked


class Circuit:
    """The breaker of one operator, shared by its receivers."""

    def __init__(
        self, api: FencedApi, namespace: str, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin closed.

        Args:
            api: Where LogScans are created.
            namespace: Their namespace.
            metrics: Where numbers go.
            clock: Returns seconds that only grow.
        """
        self._api = api
        self._namespace = namespace
        self._metrics = metrics
        self._clock = clock
        self._breaker = Breaker()
        self._accepted: Object | None = None
        self._lock = asyncio.Lock()

    @property
    def problem(self) -> str | None:
        """Return why few or no messages are received, or None."""
        return self._breaker.reason

    async def allowance(self) -> int:
        """Return how many messages may be received now; make a trial when one is due.

        Without the Lease nothing could be stored.
        """
        if not self._api.holds():
            return 0
        async with self._lock:
            if self._breaker.state is not State.OPEN:
                return self._breaker.most
            if self._clock() < self._breaker.due:
                return 0
            verdict, reason = await self._try()
            if verdict is Verdict.EVERYONE:
                self._set(self._breaker.opened(reason, self._clock()))
                return 0
            # Denied is not down: one message shows whether others are accepted.
            self._set(self._breaker.closed() if verdict is Verdict.ONE else self._breaker.half_opened())
            return self._breaker.most

    def stored(self, manifest: Object) -> None:
        """Note that a LogScan was accepted."""
        self._accepted = manifest
        self._set(self._breaker.stored())

    async def judge(self, name: str, error: KubeError) -> Verdict:
        """Return whom the refusal of a LogScan is for, and hold the intake back unless it is for that one alone.

        Args:
            name: The LogScan that was to be created.
            error: What came of it.
        """
        async with self._lock:
            if self._breaker.state is State.OPEN:
                return Verdict.EVERYONE
            verdict = Verdict.EVERYONE if isinstance(error, NoAnswerError) else (await self._try())[0]
            if verdict is not Verdict.ONE:
                self._set(self._breaker.opened(str(error), self._clock()))
            elif isinstance(error, ApiError) and is_outage(error):
                self._set(self._breaker.failed_for(name, str(error), self._clock()))
            return verdict

    async def _try(self) -> tuple[Verdict, str]:
        """Return for whom creation is refused, if it is, by a dry run; and the refusal's words."""
        try:
            manifest = self._accepted or await self._stored_one() or self._made_up()
            await self._api.request("POST", paths.scans(self._namespace), manifest, {"dryRun": "All"})
        except ApiError as error:
            if error.reason == "AlreadyExists":  # storage is asked last
                return Verdict.ONE, ""
            return Verdict.EVERYONE if is_outage(error) else Verdict.UNCLEAR, str(error)
        except KubeError as error:  # no answer; or no write is sent at all, since another process leads
            return Verdict.EVERYONE, str(error)
        return Verdict.ONE, ""

    async def _stored_one(self) -> Object | None:
        """Return a LogScan that the API server once accepted from the intake, if one is left."""
        query = {"labelSelector": IDENTITY_LABEL, "limit": "1"}
        for found in (await self._api.request("GET", paths.scans(self._namespace), query=query))["items"]:
            return self._manifest(found["metadata"]["name"], found["spec"], found["metadata"]["labels"])
        return None

    def _made_up(self) -> Object:
        spec = {"source": {"s3": {"bucket": TRIAL_NAME, "key": TRIAL_NAME}}}
        return self._manifest(TRIAL_NAME, spec, {"app.kubernetes.io/managed-by": "logscan"})

    def _manifest(self, name: str, spec: Object, labels: Object) -> Object:
        metadata = {"name": name, "namespace": self._namespace, "labels": labels}
        return {"apiVersion": API_VERSION, "kind": "LogScan", "metadata": metadata, "spec": spec}

    def _set(self, breaker: Breaker) -> None:
        if breaker.state is not self._breaker.state:
            level = logging.INFO if breaker.state is State.CLOSED else logging.WARNING
            log.log(level, "the intake is %s: %s", breaker.state, breaker.reason or "LogScans are accepted")
        self._breaker = breaker
        self._metrics.blocked.set(breaker.state is State.OPEN)
