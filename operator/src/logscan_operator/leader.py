"""What only the leader runs: the intake, the scheduler, and what keeps policies up to date."""

import asyncio
import logging
from functools import partial
from typing import Any

from logscan_operator.accepting import Acceptor
from logscan_operator.ages import oldest
from logscan_operator.aws import Queue, ResultReader
from logscan_operator.buckets import Buckets
from logscan_operator.circuit import Circuit
from logscan_operator.defaultpolicy import DefaultPolicy
from logscan_operator.depths import QueueDepths, watch
from logscan_operator.executor import Executor
from logscan_operator.gatherer import Gatherer
from logscan_operator.health import Progress
from logscan_operator.intake import Intake
from logscan_operator.leases import FencedApi
from logscan_operator.lister import Lister
from logscan_operator.loops import Loops
from logscan_operator.metrics import Metrics
from logscan_operator.policychecks import PolicyChecks
from logscan_operator.scheduler import Scheduler
from logscan_operator.settings import Settings
from logscan_operator.storing import Store
from logscan_operator.view import View

CANCEL_SECONDS = 10.0
ANSWER_SECONDS = 15.0  # that a receive call may take beyond its long poll
SCHEDULER_PATIENCE_SECONDS = 60.0
LISTER_PATIENCE_SECONDS = 60.0
DEPTHS_PATIENCE_SECONDS = 300.0  # SQS may take 15 seconds to answer each of three tries, for two queues and theirs
POLICY_PATIENCE_SECONDS = 120.0  # one check of rules may take a minute, and a request half of that
INTAKE_PATIENCE_SECONDS = 90.0  # beyond the long poll: the longest pause after an error is a minute

log = logging.getLogger("logscan.leader")


class Leader:
    """The leader's loops and what they share. Made when a process is elected, and never used again after it ended."""

    def __init__(self, settings: Settings, view: View, metrics: Metrics, progress: Progress, api: FencedApi) -> None:
        """Declare and build the loops; they run from `run` on.

        Args:
            settings: The settings.
            view: What is known of the cluster.
            metrics: Where numbers go.
            progress: Where the loops' progress is reported.
            api: The API server, which refuses writes once this process no longer leads.
        """
        self._settings = settings
        self._metrics = metrics
        self._api = api
        # One receiver after the other for the first queue, then for the second.
        self._receivers = [url for url in settings.queue_urls for _ in range(settings.receivers)]
        intake_patience = settings.receive_wait_seconds + INTAKE_PATIENCE_SECONDS
        patience = {
            "scheduler": SCHEDULER_PATIENCE_SECONDS,
            "lister": LISTER_PATIENCE_SECONDS,
            "policy-checks": POLICY_PATIENCE_SECONDS,
            "default-policy": POLICY_PATIENCE_SECONDS,
            "queue-depths": DEPTHS_PATIENCE_SECONDS,
            **{f"intake-{number}": intake_patience for number in range(len(self._receivers))},
        }
        self._loops = loops = Loops(progress, patience, CANCEL_SECONDS)
        executor = Executor(view, api, ResultReader(settings.row_keys), settings, metrics)
        self._scheduler = Scheduler(view, executor, settings, metrics, loops.alive("scheduler"))
        self._lister = Lister(view, api, Buckets(), settings, metrics, loops.alive("lister"))
        self._checks = PolicyChecks(view, api, loops.alive("policy-checks"))
        self._default = DefaultPolicy(view, api, settings, loops.alive("default-policy"))
        self._circuit = Circuit(api, settings.namespace, metrics)
        self._acceptor = Acceptor(Store(api, view, metrics), self._circuit)
        self._gatherer = Gatherer(self._acceptor, settings.namespace, settings.supersede)
        self._intakes = [self._intake(number, url, view) for number, url in enumerate(self._receivers)]
        self._depths = [self._queue_depths(url) for url in settings.queue_urls]
        self._export_ages()

    async def run(self, stopped: "asyncio.Future[Any]", lost: "asyncio.Future[Any]") -> None:
        """Work until `stopped` is done, then finish what is in hand; or until the Lease is lost, and then end at once.

        Args:
            stopped: Done once the process is to stop.
            lost: Done once the Lease is lost.

        Raises:
            Exception: A loop failed with this error.
        """
        self._metrics.lead(True)
        try:
            async with self._loops as loops:
                loops.start("scheduler", self._scheduler.run())
                loops.start("lister", self._lister.run())
                loops.start("policy-checks", self._checks.run())
                loops.start("default-policy", self._default.run())
                loops.start("queue-depths", watch(self._depths, self._loops.alive("queue-depths")))
                receiving = [
                    loops.start(f"intake-{number}", intake.run()) for number, intake in enumerate(self._intakes)
                ]
                await loops.until(stopped, lost)
                if not lost.done():
                    log.info("stopping; messages in hand are finished first")
                    for intake in self._intakes:
                        intake.stopping.set()
                    await loops.until(lost, finished=receiving)
        finally:
            if self._api.holds():
                await self._scheduler.finish()
            self._metrics.lead(False)

    def explain(self) -> list[dict[str, str]]:
        """Return what the scheduler would do now, and why."""
        return self._scheduler.explain()

    def problems(self) -> dict[str, object]:
        """Return why messages are not received or LogScans not created, as far as that is so."""
        pause = next((intake.pause for intake in self._intakes if intake.pause), None)
        found = {"queue": self._queue_problem(), "intake": self._circuit.problem or pause}
        return {what: problem for what, problem in found.items() if problem}

    def _intake(self, number: int, url: str, view: View) -> Intake:
        queue = Queue(url, self._settings.receive_wait_seconds, self._settings.visibility_seconds)
        alive = self._loops.alive(f"intake-{number}")
        return Intake(queue, self._acceptor, self._gatherer, self._circuit, view, self._settings, self._metrics, alive)

    def _queue_depths(self, url: str) -> QueueDepths:
        queue = Queue(url, wait_seconds=0, visibility_seconds=self._settings.visibility_seconds)
        return QueueDepths(queue, [partial(_newest, intake) for intake in self._of(url)], self._metrics)

    def _of(self, url: str) -> list[Intake]:
        """Return the receivers of a queue."""
        return [intake for intake, queue in zip(self._intakes, self._receivers, strict=True) if queue == url]

    def _export_ages(self) -> None:
        """Let each scrape compute how long each queue has not answered the slowest of its receivers."""
        for queue in self._settings.queue_urls:
            ours = [intake.receiving for intake in self._of(queue)]
            self._metrics.receive_age.labels(queue.rsplit("/", 1)[-1]).set_function(partial(oldest, ours))

    def _queue_problem(self) -> str | None:
        """Return what is wrong with the first queue that has a problem."""
        patience = self._settings.receive_wait_seconds + ANSWER_SECONDS
        for intake in self._intakes:
            if intake.problem:
                return intake.problem
            if intake.receiving.seconds() > patience:
                return f"no answer to a receive call for {intake.receiving.seconds():.0f} s"
        return None


def _newest(intake: Intake) -> float:
    return intake.newest
