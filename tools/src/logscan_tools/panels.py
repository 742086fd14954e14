"""What the Grafana dashboard shows: its panels, and what each asks Prometheus.

`$namespace` is the namespace of the operator, since Prometheus gives each series that of the pod.
"""

from dataclasses import dataclass

OURS = 'namespace=~"$namespace"'


@dataclass(frozen=True)
class Query:
    """What a panel asks Prometheus.

    Attributes:
        expression: In PromQL; `metric{...}` stands for the series of the chosen namespace.
        legend: The name of each series, with labels in double braces.
    """

    expression: str
    legend: str

    @property
    def promql(self) -> str:
        """The expression with the namespace in place of `...`."""
        return self.expression.replace("...", OURS)


@dataclass(frozen=True)
class Panel:
    """A panel.

    Attributes:
        title: Its title.
        unit: Grafana's name of the unit.
        queries: What it shows.
        what: What one reads in it.
        stacked: Whether the series add up to something.
    """

    title: str
    unit: str
    queries: tuple[Query, ...]
    what: str
    stacked: bool = False


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Return the median and the 95th percentile of a histogram."""
    rates = f"sum by (le) (rate({histogram}_bucket{{...}}[$__rate_interval]))"
    return tuple(Query(f"histogram_quantile({share}, {rates})", f"{share:.0%}") for share in (0.5, 0.95))


NOW = (
    Panel("Leader", "short", (Query("sum(logscan_leader{...})", ""),), "Replicas that lead: 1."),
    Panel(
        "Unfinished scans",
        "short",
        (Query('sum(logscan_scans{..., phase=~"Pending|Queued|Running"})', ""),),
        "LogScans that are pending, queued or running.",
    ),
    Panel(
        "Messages that wait",
        "short",
        (Query('sum(logscan_queue_messages{..., state="visible"})', ""),),
        "Messages in the queues that were not received yet.",
    ),
    Panel("Dead letters", "short", (Query("sum(logscan_dead_letter_messages{...})", ""),), "Should be 0."),
    Panel(
        "Critical lines in 24 h",
        "short",
        (Query('sum(increase(logscan_matched_lines_total{..., severity="critical"}[24h]))', ""),),
        "Lines that rules of the severity critical matched.",
    ),
    Panel(
        "Failed scans in 24 h",
        "short",
        (Query('sum(increase(logscan_scans_finished_total{..., phase="Failed"}[24h]))', ""),),
        "See the reasons below.",
    ),
)

FINDINGS = (
    Panel(
        "Matched lines by severity",
        "short",
        (Query("sum by (severity) (increase(logscan_matched_lines_total{...}[$__rate_interval]))", "{{severity}}"),),
        "Lines that rules matched; a line counts once for each of its severities.",
    ),
    Panel(
        "Matched lines by policy",
        "short",
        (
            Query(
                "topk(10, sum by (watched_namespace, policy) "
                "(increase(logscan_matched_lines_total{...}[$__rate_interval])))",
                "{{watched_namespace}}/{{policy}}",
            ),
        ),
        "The ten policies under which most was found.",
    ),
    Panel(
        "Rules that match most",
        "short",
        (
            Query(
                "topk(10, sum by (rule, severity) (increase(logscan_rule_lines_total{...}[$__rate_interval])))",
                "{{rule}} ({{severity}})",
            ),
        ),
        "The ten rules that matched most lines.",
    ),
    Panel(
        "Bytes scanned",
        "Bps",
        (
            Query(
                "sum by (watched_namespace, policy) (rate(logscan_scanned_bytes_total{...}[$__rate_interval]))",
                "{{watched_namespace}}/{{policy}}",
            ),
        ),
        "Bytes read from S3, as they are stored, counted when a scan ends.",
        stacked=True,
    ),
)

SCANS = (
    Panel("LogScans by phase", "short", (Query("sum by (phase) (logscan_scans{...})", "{{phase}}"),), "", stacked=True),
    Panel(
        "Jobs and slots",
        "short",
        (Query("sum(logscan_jobs_active{...})", "jobs"), Query("sum(logscan_slots{...})", "slots")),
        "Scans wait for a slot when all are taken.",
    ),
    Panel(
        "Scans that ended",
        "ops",
        (Query("sum by (phase) (rate(logscan_scans_finished_total{...}[$__rate_interval]))", "{{phase}}"),),
        "Scans a second.",
    ),
    Panel(
        "Objects scanned",
        "ops",
        (Query("sum(rate(logscan_scanned_objects_total{...}[$__rate_interval]))", "objects"),),
        "Objects a second; a scan may read several.",
    ),
    Panel(
        "Failures by reason",
        "short",
        (Query("sum by (reason) (increase(logscan_job_failures_total{...}[$__rate_interval])) > 0", "{{reason}}"),),
        "docs/troubleshooting.md says what to do about each reason.",
    ),
    Panel(
        "Incomplete scans by reason",
        "short",
        (Query("sum by (reason) (increase(logscan_scans_incomplete_total{...}[$__rate_interval])) > 0", "{{reason}}"),),
        "Scans of which a part was not read or not counted.",
    ),
    Panel(
        "Wait for the first Job",
        "s",
        quantiles("logscan_admission_wait_seconds"),
        "From the creation of a LogScan to its first Job.",
    ),
    Panel(
        "Duration of scans",
        "s",
        quantiles("logscan_scan_duration_seconds"),
        "From the first Job of a scan to its end.",
    ),
)

QUEUES = (
    Panel(
        "Messages in the queue",
        "short",
        (
            Query("sum by (queue, state) (logscan_queue_messages{...})", "{{queue}} {{state}}"),
            Query("sum by (queue) (logscan_dead_letter_messages{...})", "{{queue}} dead letters"),
        ),
        "About; SQS counts them so.",
    ),
    Panel(
        "Age of the oldest message",
        "s",
        (Query("max by (queue) (logscan_queue_oldest_message_age_seconds{...})", "{{queue}}"),),
        "Estimated by the operator.",
    ),
    Panel(
        "Messages",
        "ops",
        (
            Query("sum(rate(logscan_messages_received_total{...}[$__rate_interval]))", "received"),
            Query("sum(rate(logscan_messages_deleted_total{...}[$__rate_interval]))", "deleted"),
            Query("sum(rate(logscan_messages_ignored_total{...}[$__rate_interval]))", "ignored"),
            Query("sum(rate(logscan_messages_rejected_total{...}[$__rate_interval]))", "rejected"),
        ),
        "Messages a second. Rejected ones come again.",
    ),
    Panel(
        "Intake paused or blocked",
        "bool_yes_no",
        (
            Query("max(logscan_poll_paused{...})", "paused"),
            Query("max(logscan_intake_blocked{...})", "blocked"),
        ),
        "Paused: too many scans are unfinished. Blocked: the API server refuses every LogScan.",
    ),
)

OPERATOR = (
    Panel(
        "CPU",
        "short",
        (
            Query(
                "rate(process_cpu_seconds_total{...}[$__rate_interval]) and on (instance) logscan_leader{...}",
                "{{instance}}",
            ),
        ),
        "Processors in use.",
    ),
    Panel(
        "Memory",
        "bytes",
        (Query("process_resident_memory_bytes{...} and on (instance) logscan_leader{...}", "{{instance}}"),),
        "Resident memory.",
    ),
    Panel(
        "Failed calls to AWS, and unknown errors",
        "short",
        (
            Query("sum by (service) (increase(logscan_aws_errors_total{...}[$__rate_interval]))", "{{service}}"),
            Query("sum(increase(logscan_unexpected_errors_total{...}[$__rate_interval]))", "unknown errors"),
        ),
        "",
    ),
    Panel(
        "Time to plan",
        "s",
        (
            Query(
                "histogram_quantile(0.95, sum by (le) (rate(logscan_plan_seconds_bucket{...}[$__rate_interval])))",
                "95%",
            ),
        ),
        "Of one run of the scheduler.",
    ),
)

ROWS = {"Findings": FINDINGS, "Scans": SCANS, "Queues": QUEUES, "Operator": OPERATOR}
