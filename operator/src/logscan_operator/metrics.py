"""What Prometheus sees. No bucket and no key is ever a label: their number has no bound."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest

from logscan_operator import __version__
from logscan_operator.view import View

WAITS = (0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000, 3600)


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self, slots: int) -> None:
        """Prepare; `slots` is the limit of concurrent Jobs."""
        self.registry = registry = CollectorRegistry()
        self.received = Counter("logscan_messages_received", "Messages received from SQS.", registry=registry)
        self.deleted = Counter("logscan_messages_deleted", "Messages deleted from SQS.", registry=registry)
        self.rejected = Counter(
            "logscan_messages_rejected", "Messages put back or left, by reason.", ["reason"], registry=registry
        )
        self.ignored = Counter("logscan_messages_ignored", "Objects that are not to be scanned.", registry=registry)
        self.duplicates = Counter("logscan_duplicates", "Messages whose LogScan was there already.", registry=registry)
        self.aws_errors = Counter("logscan_aws_errors", "Failed calls of AWS.", ["service"], registry=registry)
        self.retries = Counter("logscan_retries", "Attempts that will be repeated.", ["reason"], registry=registry)
        self.refusals = Counter("logscan_job_refusals", "Jobs and pods refused.", ["reason"], registry=registry)
        for refusal in ("QuotaExceeded", "Refused"):  # born at 0, so that the first one is an increase
            self.refusals.labels(refusal)
        self.failures = Counter("logscan_job_failures", "Scans that failed.", ["reason"], registry=registry)
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
        self.leader = Gauge("logscan_leader", "1 while this process leads.", registry=registry)
        self.watch_age = Gauge("logscan_watch_age_seconds", "Since the cluster was last heard of.", registry=registry)
        self._scans = Gauge("logscan_scans", "LogScans by phase.", ["phase"], registry=registry)
        self._jobs = Gauge("logscan_jobs_active", "Jobs that hold a slot.", registry=registry)
        Gauge("logscan_slots", "Jobs that may run at the same time.", registry=registry).set(slots)
        Info("logscan_build", "This version.", registry=registry).info({"version": __version__})

    def render(self, view: View) -> bytes:
        """Return the text that Prometheus reads; gauges of the cluster are taken from the view now."""
        counts: dict[str, int] = {}
        for scan in view.scans.values():
            phase = str(scan.status.phase or "Pending")
            counts[phase] = counts.get(phase, 0) + 1
        self._scans.clear()
        for phase, count in counts.items():
            self._scans.labels(phase).set(count)
        self._jobs.set(sum(1 for job in view.live_jobs.values() if not job.suspended))
        return generate_latest(self.registry)
