"""What Prometheus sees. No bucket and no key is ever a label: their number has no bound.

Counters with labels are born at 0 for every value that is known, since Prometheus' `increase()` does not see the first
event of a series that is born at 1. Only the leader exports what is true of the cluster rather than of one process,
so that sums over the replicas are right.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from logscan_api.exitcodes import Reason
from logscan_api.statuses import IncompleteReason, Phase, Summary
from logscan_operator import __version__
from logscan_operator.view import View

REJECTIONS = ("malformed", "partly-malformed", "unforeseen", "undecided", "not-created", "outage")
SERVICES = ("sqs", "dynamodb")
WAITS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self, slots: int) -> None:
        """Prepare; `slots` is the limit of concurrent Jobs."""
        self.registry = registry = CollectorRegistry()
        self.received = Counter("logscan_messages_received", "Messages received from SQS.", registry=registry)
        self.deleted = Counter("logscan_messages_deleted", "Messages deleted from SQS.", registry=registry)
        self.rejected = Counter(
            "logscan_messages_rejected",
            "Messages that stay in the queue, each time they are received.",
            ["reason"],
            registry=registry,
        )
        self.ignored = Counter("logscan_messages_ignored", "Objects that are not to be scanned.", registry=registry)
        self.duplicates = Counter("logscan_duplicates", "Messages whose LogScan was there already.", registry=registry)
        self.aws_errors = Counter("logscan_aws_errors", "Failed calls of AWS.", ["service"], registry=registry)
        self.retries = Counter("logscan_retries", "Attempts that will be repeated.", ["reason"], registry=registry)
        self.refusals = Counter("logscan_job_refusals", "Jobs and pods refused.", ["reason"], registry=registry)
        for refusal in ("QuotaExceeded", "Refused"):  # born at 0, so that the first one is an increase
            self.refusals.labels(refusal)
        self.failures = Counter("logscan_job_failures", "Scans that failed.", ["reason"], registry=registry)
        self.finished = Counter("logscan_scans_finished", "Scans that ended.", ["phase"], registry=registry)
        self.incomplete = Counter(
            "logscan_scans_incomplete",
            "Scans that ended with a part not read or not counted, once for each reason.",
            ["reason"],
            registry=registry,
        )
        self.admission_wait = Histogram(
            "logscan_admission_wait_seconds", "From creation to the first Job.", buckets=WAITS, registry=registry
        )
        self.duration = Histogram(
            "logscan_scan_duration_seconds", "From the first Job to the end.", buckets=WAITS, registry=registry
        )
        self.plan_seconds = Histogram(
            "logscan_plan_seconds",
            "Time of one plan.",
            buckets=(0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 1),
            registry=registry,
        )
        self.paused = Gauge("logscan_poll_paused", "1 while too many scans are unfinished.", registry=registry)
        self.blocked = Gauge(
            "logscan_intake_blocked", "1 while the API server refuses every new LogScan.", registry=registry
        )
        self.receive_age = Gauge(
            "logscan_queue_receive_age_seconds",
            "For how long a queue has not answered a receive call.",
            ["queue"],
            registry=registry,
        )
        self._leader = Gauge("logscan_leader", "1 while this process leads.", registry=registry)
        self._synced = Gauge(
            "logscan_synced", "1 while a watched namespace can be read.", ["watched_namespace"], registry=registry
        )
        self._watch_age = Gauge(
            "logscan_watch_age_seconds",
            "Since the API server was last heard on a watch.",
            ["watched_namespace", "resource"],
            registry=registry,
        )
        Info("logscan_build", "This version.", registry=registry).info({"version": __version__})
        self.cluster = cluster = CollectorRegistry()
        self._scans = Gauge("logscan_scans", "LogScans by phase.", ["phase"], registry=cluster)
        self._jobs = Gauge("logscan_jobs_active", "Jobs that hold a slot.", registry=cluster)
        Gauge("logscan_slots", "Jobs that may run at the same time.", registry=cluster).set(slots)
        self.leading = False
        self._bear()

    def lead(self, leading: bool) -> None:
        """Note whether this process leads."""
        self.leading = leading
        self._leader.set(leading)

    def names(self) -> set[str]:
        """Return the names of all series that may be told, as Prometheus stores them."""
        return {name for registry in (self.registry, self.cluster) for name in _names(registry)}

    def render(self, view: View) -> bytes:
        """Return the text that Prometheus reads; gauges of the cluster are taken from the view now."""
        for name in view.namespaces.names:
            self._synced.labels(name).set(view.synced_in(name))
        self._watch_age.clear()
        for (namespace, resource), age in view.watch_ages.seconds().items():
            if view.synced_in(namespace):  # of one out of sight it is known that nothing is heard
                self._watch_age.labels(namespace, resource).set(age)
        if not self.leading:
            return generate_latest(self.registry)
        counts = dict.fromkeys(map(str, Phase), 0)
        for scan in view.scans.values():
            phase = str(scan.status.phase or Phase.PENDING)
            counts[phase] = counts.get(phase, 0) + 1
        for phase, count in counts.items():
            self._scans.labels(phase).set(count)
        self._jobs.set(sum(1 for job in view.live_jobs.values() if not job.suspended))
        return generate_latest(self.registry) + generate_latest(self.cluster)

    def count_incomplete(self, summary: Summary) -> None:
        """Count a scan that has ended once for each reason for which it is incomplete."""
        for reason in {part.reason for part in summary.incomplete or []}:
            self.incomplete.labels(reason).inc()

    def _bear(self) -> None:
        """Begin every series whose labels are known."""
        for rejection in REJECTIONS:
            self.rejected.labels(rejection)
        for service in SERVICES:
            self.aws_errors.labels(service)
        for reason in (reason for reason in Reason if Phase.FAILED in reason.phases):
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
