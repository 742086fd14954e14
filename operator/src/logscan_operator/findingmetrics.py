"""What scans found, as metrics for Prometheus: for dashboards, and for alerts on the content of logs.

Labels name policies and rules, never buckets or keys. Whoever may write policies could still make series without end,
so their number has a bound, beyond which policies and rules are counted together as `other`.
"""

from prometheus_client import CollectorRegistry, Counter

from logscan_api.results import ScanResult

MOST_POLICIES = 500
MOST_RULES = 5000  # series, of all policies together
OTHER = "other"


class FindingMetrics:
    """Counters of what was read and found."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        of_policy = ["watched_namespace", "policy"]
        self._policies: set[tuple[str, str]] = set()
        self._rules: set[tuple[str, str, str]] = set()
        self._lines = Counter(
            "logscan_matched_lines",
            "Lines that rules matched, once for each severity of a line.",
            [*of_policy, "severity"],
            registry=registry,
        )
        self._rule_lines = Counter(
            "logscan_rule_lines",
            "Lines that a rule matched. After 500 policies or 5,000 rules the others are counted together as other.",
            [*of_policy, "rule", "severity"],
            registry=registry,
        )
        self._objects = Counter("logscan_scanned_objects", "Objects that scans read.", of_policy, registry=registry)
        self._bytes = Counter(
            "logscan_scanned_bytes", "Bytes that scans read from S3, as they are stored.", of_policy, registry=registry
        )

    def count(self, namespace: str, policy: str | None, result: ScanResult) -> None:
        """Count a scan that has ended.

        Args:
            namespace: Its namespace.
            policy: The policy that applied, if one did.
            result: What it found itself; what an earlier scan found is counted already.
        """
        labels = self._policy(namespace, policy or "")
        self._objects.labels(*labels).inc(result.objects)
        self._bytes.labels(*labels).inc(result.bytes)
        for severity, lines in result.by_severity.items():
            self._lines.labels(*labels, str(severity)).inc(lines)
        for rule, lines in result.by_rule.items():
            if lines:
                facts = (self._rule(*labels, rule), str(result.severities[rule]))
                self._rule_lines.labels(*labels, *facts).inc(lines)

    def _policy(self, namespace: str, policy: str) -> tuple[str, str]:
        known = (namespace, policy)
        if known not in self._policies and len(self._policies) >= MOST_POLICIES:
            return namespace, OTHER
        self._policies.add(known)
        return known

    def _rule(self, namespace: str, policy: str, rule: str) -> str:
        known = (namespace, policy, rule)
        if known not in self._rules and len(self._rules) >= MOST_RULES:
            return OTHER
        self._rules.add(known)
        return rule
