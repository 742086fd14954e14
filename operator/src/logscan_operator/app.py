"""What each replica runs beside kopf's watches: HTTP, the view of the cluster, and its part in the election.

`handlers` starts and stops it. Every replica watches the cluster and answers over HTTP; only the one that holds the
Lease works (`leader`).
"""

import asyncio
import logging
import os
import socket
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from logscan_operator import health
from logscan_operator.following import Follower, Step
from logscan_operator.health import Progress
from logscan_operator.kube import ApiServer, Connection
from logscan_operator.leader import Leader
from logscan_operator.leases import FencedApi, Leadership
from logscan_operator.loops import Loops
from logscan_operator.metrics import Metrics
from logscan_operator.resync import resync
from logscan_operator.settings import Settings
from logscan_operator.view import View

LISTS = 4  # namespaces that are listed at the same time
FOLLOW_PATIENCE_SECONDS = 120.0  # for four lists of a namespace, beyond the time between two lists
# Of its attempts, one of which ends within a third of the lease; a standby tries for as long as another one leads.
ELECTION_PATIENCE_SECONDS = 60.0
CANCEL_SECONDS = 10.0

log = logging.getLogger("logscan.app")


class LeadershipLostError(Exception):
    """Another replica may lead now; this process must end, to start again as a standby."""


class Operator:
    """The loops of a process and what they share.

    Attributes:
        settings: The settings.
        connection: The API server, and the credentials for it.
        view: What is known of the cluster.
        metrics: The metrics.
        progress: The progress of the loops.
        accepted: Set whenever the API server has answered a list, and so has accepted the credentials.
    """

    def __init__(self, settings: Settings, connection: Connection, listener: Callable[[], socket.socket]) -> None:
        """Declare the loops; they run from `start` on.

        Args:
            settings: The settings.
            connection: The API server.
            listener: Returns the listening socket that HTTP is served on.
        """
        self.settings = settings
        self.connection = connection
        self._listener = listener
        self.view = View(settings.namespaces, settings.row_keys)
        self.metrics = Metrics(settings.max_concurrent)
        self.progress = Progress()
        following = settings.resync_seconds + FOLLOW_PATIENCE_SECONDS
        patience = {f"follow-{name}": following for name in settings.namespaces}
        election = settings.lease_seconds + ELECTION_PATIENCE_SECONDS
        self._loops = Loops(self.progress, {**patience, "election": election}, CANCEL_SECONDS)
        self.accepted = asyncio.Event()
        self._exits = AsyncExitStack()
        self._leader: Leader | None = None
        self._stopping = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    async def start(self, watch: Step, ended: Callable[[], None]) -> None:
        """Serve HTTP and start to work.

        Args:
            watch: Feeds the view with the changes of a namespace, until it raises.
            ended: Called once the work has ended.

        Raises:
            OSError: HTTP cannot be served.
        """
        api = await self._exits.enter_async_context(ApiServer(self.connection))
        explain = self._explain if self.settings.debug else None
        application = health.application(self.progress, self.view, self.metrics, self._facts, explain)
        await self._exits.enter_async_context(health.serving(application, self._listener()))
        self._work = asyncio.create_task(self._run(api, watch), name="operator")
        self._work.add_done_callback(lambda _: ended())

    async def stop(self) -> None:
        """Receive no more messages, finish those in hand and the actions under way, release the Lease, and close."""
        self._stopping.set()
        async with self._exits:
            if self._work is not None:
                await asyncio.wait([self._work])

    def raise_failure(self) -> None:
        """Raise what ended the work, if it did not end because of `stop`.

        Raises:
            LeadershipLostError: The Lease was lost.
            Exception: A loop failed with this error.
        """
        if self._work is not None:
            self._work.result()

    async def _run(self, api: ApiServer, watch: Step) -> None:
        """Follow the namespaces and, once elected, lead; until `stop`, or until a part fails."""
        identity = f"{os.environ.get('HOSTNAME') or socket.gethostname()}-{uuid.uuid4().hex[:8]}"
        leadership = Leadership(
            api, self.settings.namespace, identity, self.settings.lease_seconds, self._loops.alive("election")
        )
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            async with self._loops as loops:
                self._follow(loops, api, watch)
                elected = loops.start("election", leadership.acquire())
                await loops.until(stopped, elected)
                if not stopped.done():
                    await self._lead(loops, FencedApi(api, leadership.holds), leadership, stopped)
        finally:
            stopped.cancel()
            await leadership.release()

    def _follow(self, loops: Loops, api: ApiServer, watch: Step) -> None:
        """Start to follow each namespace."""
        lists = asyncio.Semaphore(LISTS)

        async def read(namespace: str) -> None:
            async with lists:
                await resync(api, self.view, namespace)
            self.accepted.set()

        for namespace in self.settings.namespaces:
            name, every = f"follow-{namespace}", self.settings.resync_seconds
            loops.start(name, Follower(namespace, self.view, read, watch, every, loops.alive(name)).run())

    async def _lead(self, loops: Loops, api: FencedApi, leadership: Leadership, stopped: "asyncio.Future[Any]") -> None:
        """Lead until the Lease is lost or `stopped` is done.

        Raises:
            LeadershipLostError: The Lease was lost.
        """
        lost = loops.start("election", leadership.keep())
        self._leader = Leader(self.settings, self.view, self.metrics, self.progress, api)
        leading = asyncio.create_task(self._leader.run(stopped, lost), name="leader")
        try:
            await loops.until(stopped, lost, leading)
            await leading
        finally:
            leading.cancel()
            await asyncio.wait([leading])
        if not stopped.done():
            raise LeadershipLostError("the lease was lost")

    def _facts(self) -> dict[str, object]:
        problems = self._leader.problems() if self._leader is not None else {}
        usual = {"queue": "ok", "intake": "ok"}
        return {"leading": self.metrics.leading, **usual, **problems}

    def _explain(self) -> object:
        return self._leader.explain() if self._leader is not None and self.metrics.leading else []
