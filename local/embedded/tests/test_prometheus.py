"""A real Prometheus scrapes the operator of the stack, and answers what the dashboard and the alerts ask with data."""

import gzip
import json
import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml
from clouds import EXTERNAL, Cloud, text

from logscan_api.results import ScanResult
from logscan_local.testkit.clusters import Cluster
from logscan_local.testkit.prometheus import NAMESPACE, PROGRAM, Prometheus, scraping
from logscan_local.testkit.waiting import eventually
from logscan_tools.manifests import CHART, render

pytestmark = [
    pytest.mark.stack,
    pytest.mark.tools,
    pytest.mark.skipif(EXTERNAL, reason="reaches the operator's port on this machine"),
]
DASHBOARD = CHART / "files" / "dashboard.json"
COUNTED = "e2e/counted/"
# Grafana makes it of the scrape interval and the time that the panel shows.
VARIABLES = {"$__rate_interval": "5m", "$namespace": NAMESPACE}


@pytest.fixture(scope="module")
def cloud(full_stack: Cluster) -> Cloud:
    return Cloud(full_stack)


@pytest.fixture(scope="module")
def prometheus(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Yield a Prometheus with the chart's alerts that scrapes the operator."""
    program = shutil.which(PROGRAM)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("prometheus is not installed (Debian: apt-get install prometheus)")
        pytest.skip("prometheus is not installed (Debian: apt-get install prometheus)")
    documents = yaml.safe_load_all(render(f"--values={CHART / 'ci' / 'everything.yaml'}"))
    (rules,) = [document for document in documents if document and document["kind"] == "PrometheusRule"]
    with scraping(program, cloud.kubectl, tmp_path_factory.mktemp("prometheus"), rules["spec"]) as server:
        yield server


@pytest.fixture(scope="module")
def busy(cloud: Cloud, prometheus: Prometheus) -> None:
    """Have something of every kind happen while Prometheus looks: matches, a failure, and an incomplete scan."""
    for number in range(3):
        cloud.ended(cloud.upload(f"e2e/seen-{number}.log", text(500, number)))
    cut = gzip.compress(text(5000, 9))
    for name in (
        cloud.apply("seen-missing", "e2e/never-uploaded.log"),
        cloud.upload("e2e/seen-cut.log.gz", cut[: len(cut) // 2]),
        cloud.upload("e2e/seen-again.log", text(500, 7)),
    ):
        cloud.ended(name, 120)
    assert prometheus.get("targets")["activeTargets"][0]["health"] == "up"


def queries() -> dict[str, list[str]]:
    """Return what each panel of the dashboard asks."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels if "targets" in panel}
    for variable, value in VARIABLES.items():
        asked = {title: [query.replace(variable, value) for query in them] for title, them in asked.items()}
    return asked


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("panel", queries())
def test_every_panel_of_the_dashboard_has_data(panel: str, prometheus: Prometheus) -> None:
    for query in queries()[panel]:
        assert eventually(partial(prometheus.ask, query), 60, query)


def test_the_numbers_are_those_of_the_scan(cloud: Cloud, prometheus: Prometheus) -> None:
    # By a policy of its own, so that what was counted before and not yet scraped is in none of its numbers.
    policy = {"match": {"keys": [f"{COUNTED}**"]}, "priority": 1000, "rules": {"packs": ["generic"]}}
    document = {"apiVersion": "logscan.dev/v1alpha1", "kind": "LogScanPolicy", "metadata": {"name": "counted"}}
    cloud.kubectl.run("apply", "--filename=-", stdin=json.dumps({**document, "spec": policy}))
    cloud.kubectl.run("wait", "logscanpolicy/counted", "--for=condition=Ready", "--timeout=60s")
    asked = ("logscan_rule_lines_total", "logscan_matched_lines_total", "logscan_scanned_objects_total")

    def scraped() -> list[float]:
        return [sum(prometheus.ask(metric + '{policy="counted"}')) for metric in asked]

    cloud.ended(cloud.upload(f"{COUNTED}seen.log", text(700, 11)))
    (row,) = cloud.rows(f"{COUNTED}seen.log")
    result = ScanResult.from_item(cloud.state.resources.table, row)
    assert result is not None
    found = [sum(result.by_rule.values()), sum(result.by_severity.values()), 1]
    assert min(found) > 0
    eventually(lambda: scraped() == found, 30, lambda: f"Prometheus has {scraped()}, the scan found {found}")


@pytest.mark.usefixtures("busy")
def test_every_alert_is_evaluated_on_metrics_that_the_operator_tells(prometheus: Prometheus) -> None:
    def evaluated() -> list[dict[str, Any]]:
        (group,) = prometheus.get("rules")["groups"]
        rules: list[dict[str, Any]] = group["rules"]
        return rules if all(rule["health"] == "ok" for rule in rules) else []

    rules = eventually(evaluated, 60, "all alerts to be evaluated")
    asked = {name for rule in rules for name in re.findall(r"logscan_\w+", rule["query"])}
    assert len(asked) > 10
    assert [name for name in sorted(asked) if not prometheus.ask(f'{name}{{namespace="logscan"}}')] == []
    critical = [
        rule["name"] for rule in rules if rule["state"] == "firing" and rule["labels"]["severity"] == "critical"
    ]
    assert critical == []


@pytest.mark.usefixtures("busy")
def test_the_page_of_the_metrics_has_the_labels_of_every_series(prometheus: Prometheus) -> None:
    page = (CHART.parents[1] / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `(logscan_\w+)` \| (\w+) \| (.*?) \|", page, re.MULTILINE)
    shown = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    types = {name: facts[0]["type"] for name, facts in prometheus.get("metadata").items()}
    series = prometheus.get("series", **{"match[]": '{__name__=~"logscan_.+"}'})
    assert len(series) > 50
    for labels in series:
        full = labels.pop("__name__")
        name = full if full in shown else re.sub("_(bucket|sum|count)$", "", full)
        kind, wanted = shown[name]
        found = set(labels) - {"instance", "job", "namespace"}  # of the scrape
        assert found - ({"le"} if kind == "histogram" else set()) == wanted, full
        assert kind == types[name], full
