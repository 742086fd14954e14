"""What scans found, as metrics: counted once, and with a bound on what others can name."""

from memorycluster import Bench
from objects import SETTINGS, job_body, scan_body
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from logscan_api.results import ScanResult
from logscan_api.rules import Severity
from logscan_local.testkit.results import RESULT
from logscan_operator.actions import Collect
from logscan_operator.findingmetrics import MOST_POLICIES, MOST_RULES, FindingMetrics
from logscan_operator.jobs import build_request
from logscan_operator.jobsignatures import signed
from logscan_operator.resolving import resolve

LABELS = ("watched_namespace", "policy", "rule", "severity")


def series(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of a metric by the values of their labels, as Prometheus reads them."""
    families = text_string_to_metric_families(generate_latest(registry).decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {
        tuple(sample.labels[label] for label in LABELS if label in sample.labels): sample.value for sample in samples
    }


async def collected(result: ScanResult) -> Bench:
    bench = Bench(result)
    scan = bench.scan(scan_body())
    spec = scan.readable_spec
    row = build_request(scan, 1, resolve(spec, {}, {}, bench.settings), bench.settings).result
    body = job_body(ended="Complete")
    body["metadata"]["annotations"]["logscan.dev/result"] = row.model_dump_json()
    bench.job(signed(body, SETTINGS.row_keys[0]))
    await bench.executor.perform(Collect(scan, bench.view.newest_job(scan)))
    assert bench.status()["phase"] == "Succeeded"
    return bench


async def test_what_a_scan_found_is_counted_by_policy_severity_and_rule() -> None:
    registry = (await collected(RESULT)).metrics.registry
    assert series(registry, "logscan_matched_lines_total") == {
        ("logscan", "", "critical"): 0,
        ("logscan", "", "error"): 3,
    }
    assert series(registry, "logscan_rule_lines_total") == {("logscan", "", "error", "error"): 3}
    assert series(registry, "logscan_scanned_objects_total") == {("logscan", ""): 1}
    assert series(registry, "logscan_scanned_bytes_total") == {("logscan", ""): 10}


async def test_what_an_earlier_scan_found_is_not_counted_again() -> None:
    earlier = RESULT.model_copy(update={"scan": "before", "scan_uid": "uid-before"})
    assert series((await collected(earlier)).metrics.registry, "logscan_matched_lines_total") == {}


def test_the_number_of_series_has_a_bound() -> None:
    registry = CollectorRegistry()
    metrics = FindingMetrics(registry)
    for number in range(MOST_POLICIES + 10):
        metrics.count("team", f"policy-{number}", RESULT)
    rules = {f"rule-{number}": 1 for number in range(MOST_RULES + 10)}
    many = {"by_rule": rules, "severities": dict.fromkeys(rules, Severity.INFO)}
    metrics.count("team", "policy-0", RESULT.model_copy(update=many))
    objects = series(registry, "logscan_scanned_objects_total")
    assert (len(objects), objects["team", "other"]) == (MOST_POLICIES + 1, 10)
    lines = series(registry, "logscan_rule_lines_total")
    assert len(lines) <= MOST_RULES + 2
    assert sum(lines.values()) == (MOST_POLICIES + 10) * 3 + len(rules)
