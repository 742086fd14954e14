"""The operator's metrics for Prometheus. Buckets and keys are never labels: their number has no bound.

A counter with labels starts at 0 for each known value, since Prometheus' `increase()` does not see the first event of a
series that starts at 1. Only the leader exports metrics of the cluster, rather than of one process, so that sums over
the replicas are correct.
"""

from collections.abc import Iterator
from typing import get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from logscan_api.exitcodes import Reason
from logscan_api.incomplete import IncompleteReason
from logscan_api.statuses import Phase, Summary
from logscan_operator import __version__
from logscan_operator.actions import Action
from logscan_operator.findingmetrics import FindingMetrics
from logscan_operator.rejections import Rejection
from logscan_operator.view import View

QUEUE_STATES = ("visible", "in_flight")
SERVICES = ("sqs", "dynamodb")
FAILURES = tuple(reason for reason in Reason if Phase.FAILED in reason.phases)
disable_created_metrics()  # type: ignore[no-untyped-call]  # else each series has another one: when it began
WAITS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self, slots: int) -> None:
        """Register the metrics.

        Args:
            slots: The limit of concurrent Jobs.
        """
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.findings = FindingMetrics(registry)
        self.received = Counter("logscan_messages_received", "Messages received from SQS.", registry=registry)
        self.deleted = Counter("logscan_messages_deleted", "Messages deleted from SQS.", registry=registry)
        self.rejected = Counter(
            "logscan_messages_rejected",
            "Messages left in the queue, counted each time they are received. Those that are malformed, "
            "partly-malformed or unforeseen end in the dead-letter queue; the others are tried again.",
            ["reason"],
            registry=registry,
        )
        self.ignored = Counter(
            "logscan_messages_ignored",
            "Objects that were not scanned on purpose: no policy matches, or one says so.",
            registry=registry,
        )
        self.duplicates = Counter("logscan_duplicates", "Messages whose LogScan already existed.", registry=registry)
        self.collisions = Counter(
            "logscan_name_collisions",
            "LogScans that got a longer name, because a different one already had theirs.",
            registry=registry,
        )
        self.untrusted_rows = Counter(
            "logscan_untrusted_rows",
            "Rows that are not signed for their scan, or were changed: somebody else writes the table, or the "
            "signing key was changed.",
            registry=registry,
        )
        self.aws_errors = Counter("logscan_aws_errors", "Failed calls to AWS.", ["service"], registry=registry)
        self.retries = Counter("logscan_retries", "Failed attempts that are retried.", ["reason"], registry=registry)
        self.unexpected_errors = Counter(
            "logscan_unexpected_errors",
            "Actions that failed with an error that the operator does not know. After five in a row the scan "
            "fails with InternalError.",
            ["action"],
            registry=registry,
        )
        self.refusals = Counter(
            "logscan_job_refusals",
            "Jobs and pods that the API server refused, and Jobs that wait for a LogScanRuleSet.",
            ["reason"],
            registry=registry,
        )
        for refusal in ("QuotaExceeded", "Refused", "JobConflict", "RuleSetNotReady"):
            self.refusals.labels(refusal)
        self.failures = Counter("logscan_job_failures", "Scans that failed.", ["reason"], registry=registry)
        self.finished = Counter("logscan_scans_finished", "Scans that ended.", ["phase"], registry=registry)
        self.incomplete = Counter(
            "logscan_scans_incomplete",
            "Scans that succeeded although part of the input was not read or not counted, once for each reason.",
            ["reason"],
            registry=registry,
        )
        self.admission_wait = Histogram(
            "logscan_admission_wait_seconds",
            "Seconds from the creation of a LogScan to its first Job.",
            buckets=WAITS,
            registry=registry,
        )
        self.duration = Histogram(
            "logscan_scan_duration_seconds",
            "Seconds from the first Job of a scan to its end.",
            buckets=WAITS,
            registry=registry,
        )
        self.plan_seconds = Histogram(
            "logscan_plan_seconds",
            "Seconds to compute one plan.",
            buckets=(0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 1),
            registry=registry,
        )
        self.paused = Gauge(
            "logscan_poll_paused",
            "1 while receiving is paused because maxUnfinished LogScans of the operator's namespace are unfinished; "
            "suspended ones do not count.",
            registry=registry,
        )
        self.paused_since = Gauge(
            "logscan_poll_paused_timestamp_seconds",
            "Unix time since which receiving is paused; 0 while it is not.",
            registry=registry,
        )
        self.blocked = Gauge(
            "logscan_intake_blocked", "1 while the API server refuses every new LogScan.", registry=registry
        )
        self.receive_age = Gauge(
            "logscan_queue_receive_age_seconds",
            "Seconds that a receive call has been waiting for the queue; normally at most 20, the long poll.",
            ["queue"],
            registry=registry,
        )
        self._leader = Gauge(
            "logscan_leader",
            "1 while this process is the leader; the sum over all replicas is 1.",
            registry=registry,
        )
        self._synced = Gauge(
            "logscan_synced",
            "1 while a watched namespace can be read; nothing is done in the others.",
            ["watched_namespace"],
            registry=registry,
        )
        self._watch_age = Gauge(
            "logscan_watch_age_seconds",
            "Seconds since the API server last sent something on a watch: up to 250 if nothing changes, more while it "
            "cannot be reached.",
            ["watched_namespace", "resource"],
            registry=registry,
        )
        Info("logscan_build", "Version of the operator.", registry=registry).info({"version": __version__})
        self.cluster = cluster = CollectorRegistry()
        self._scans = Gauge("logscan_scans", "LogScans by phase.", ["phase"], registry=cluster)
        self._unreadable = Gauge(
            "logscan_objects_left_out",
            "Objects that the operator leaves out because it cannot read them or did not make them; an Event LeftOut "
            "gives the reason.",
            ["kind"],
            registry=cluster,
        )
        self._jobs = Gauge("logscan_jobs_active", "Jobs that hold a slot.", registry=cluster)
        Gauge("logscan_slots", "Maximum number of concurrent Jobs.", registry=cluster).set(slots)
        self.queue_messages = Gauge(
            "logscan_queue_messages",
            "Messages in a queue, about: those that wait (visible) and those in hand (in_flight); asked "
            "every 20 seconds.",
            ["queue", "state"],
            registry=cluster,
        )
        self.queue_age = Gauge(
            "logscan_queue_oldest_message_age_seconds",
            "Seconds that the oldest visible message of a queue has been waiting. SQS tells it to CloudWatch only, so "
            "it is estimated: the time since the newest message that was received was sent, or since the queue was "
            "last seen empty.",
            ["queue"],
            registry=cluster,
        )
        self.dead_letters = Gauge(
            "logscan_dead_letter_messages",
            "Messages in the dead-letter queue of a queue, about.",
            ["queue"],
            registry=cluster,
        )
        self.leading = False
        self._start_series()

    def lead(self, leading: bool) -> None:
        """Set whether this process is the leader."""
        self.leading = leading
        self._leader.set(leading)

    def forget_queue(self, queue: str) -> None:
        """Export no number of messages of a queue until there is a new one."""
        for state in QUEUE_STATES:
            self.queue_messages.remove(queue, state)
        self.queue_age.remove(queue)
        self.dead_letters.remove(queue)

    def names(self) -> set[str]:
        """Return the names of all series that may be exported, as Prometheus stores them."""
        return {name for registry in (self.registry, self.cluster) for name in _names(registry)}

    def render(self, view: View) -> bytes:
        """Return the text that Prometheus reads; gauges of the cluster are computed from the view now."""
        for name in view.namespaces.names:
            self._synced.labels(name).set(view.synced_in(name))
        self._watch_age.clear()
        for (namespace, resource), age in view.watch_ages.seconds().items():
            if view.synced_in(namespace):  # of the others it is known that nothing is received
                self._watch_age.labels(namespace, resource).set(age)
        if not self.leading:
            return generate_latest(self.registry)
        counts = dict.fromkeys(map(str, Phase), 0)
        for scan in view.scans.values():
            phase = str(scan.status.phase or Phase.PENDING)
            counts[phase] = counts.get(phase, 0) + 1
        for phase, count in counts.items():
            self._scans.labels(phase).set(count)
        for table in (view.scans, view.policies, view.rule_sets, view.jobs):
            self._unreadable.labels(table.kind).set(len(table.unreadable))
        self._jobs.set(sum(1 for job in view.live_jobs.values() if not job.suspended))
        return generate_latest(self.registry) + generate_latest(self.cluster)

    def count_incomplete(self, summary: Summary) -> None:
        """Count a scan that has ended once for each reason for which it is incomplete."""
        for reason in {part.reason for part in summary.incomplete or []}:
            self.incomplete.labels(reason).inc()

    def _start_series(self) -> None:
        """Start every series whose labels are known, at 0."""
        for rejection in Rejection:
            self.rejected.labels(str(rejection))
        for service in SERVICES:
            self.aws_errors.labels(service)
        for action in get_args(Action):
            self.unexpected_errors.labels(action.__name__)
        for reason in FAILURES:
            self.retries.labels(str(reason))
            self.failures.labels(str(reason))
        for phase in (phase for phase in Phase if phase.finished):
            self.finished.labels(str(phase))
        for part in IncompleteReason:
            self.incomplete.labels(str(part))


def _names(registry: CollectorRegistry) -> Iterator[str]:
    """Yield the names of a registry's series, those without a sample included."""
    for family in registry.collect():
        yield from (sample.name for sample in family.samples)
        yield f"{family.name}_total" if family.type == "counter" else family.name
