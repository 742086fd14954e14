"""The page about the metrics, from the registries that `/metrics` serves.

`python -m logscan_operator.metrics_table [--check] PAGE` writes docs/metrics.md.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from logscan_api.generated import settle
from logscan_operator.metrics import Metrics
from logscan_operator.rejections import Rejection

OURS = "logscan_"
HEADER = """# Metrics of the operator

Generated from `operator/src/logscan_operator/metrics.py` by `make generate`. Do not edit.

`/metrics` of the operator serves them. [Operations](operations.md#health-and-metrics) says how they are scraped, and
[Alerts](alerts.md) what to do when they are bad. A counter starts at 0 for each known value of its labels, so that
`increase` sees the first event. `watched_namespace` is the namespace of a LogScan: Prometheus sets `namespace` to that
of the operator's pod. A `reason` is one of the [reasons](reasons.md), but for
[incomplete scans](rules.md#incomplete-scans) and [rejected messages](#rejected-messages), which have their own.

## Of every replica
{every}
`process_*` and `python_gc_*` tell about the process: CPU time, memory, open files and garbage collection. They are
those of Prometheus' client for Python.

## Of the leader
They are about the cluster and the queues. Only the leader serves them, so `sum` over the replicas is correct.

{leader}
## Rejected messages
The `reason` of `logscan_messages_rejected_total`. [Operations](operations.md#messages) says when a rejected message is
received again, and when it becomes a dead letter.

{rejections}"""


class Family(NamedTuple):
    """A metric.

    Attributes:
        name: Its name, as queries have it; a histogram's without `_bucket`, `_sum` and `_count`.
        type: Its type.
        labels: The names of its labels.
        help: What it means.
    """

    name: str
    type: str
    labels: tuple[str, ...]
    help: str


def families(registry: CollectorRegistry) -> Iterator[Family]:
    """Yield the operator's own metrics in a registry, by name."""
    # The client library shows the labels of a metric only in its series, and not all have one from the start.
    collectors = registry._collector_to_names
    for collector in sorted(collectors, key=lambda collector: collectors[collector]):
        labels: tuple[str, ...] = getattr(collector, "_labelnames", ())
        for metric in collector.collect():
            if metric.name.startswith(OURS):
                yield _family(metric.name, metric.type, metric.documentation, labels)


def _family(name: str, kind: str, documentation: str, labels: tuple[str, ...]) -> Family:
    """Return a metric as text of Prometheus' format shows it, which knows no info metrics."""
    if kind == "info":
        return Family(f"{name}_info", "gauge", ("version",), documentation)
    return Family(f"{name}_total" if kind == "counter" else name, kind, labels, documentation)


def render() -> str:
    """Return the page."""
    metrics = Metrics(slots=1)
    return HEADER.format(every=_table(metrics.registry), leader=_table(metrics.cluster), rejections=_rejections())


def _table(registry: CollectorRegistry) -> str:
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |\n"
        for name, kind, labels, text in families(registry)
    ]
    return "".join(["| metric | type | labels | meaning |\n", "| --- | --- | --- | --- |\n", *rows])


def _rejections() -> str:
    rows = [f"| `{rejection}` | {rejection.meaning} |\n" for rejection in Rejection]
    return "".join(["| reason | meaning |\n", "| --- | --- |\n", *rows])


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` report that it is out of date (exit 1)."""
    (page,) = [Path(argument) for argument in arguments if argument != "--check"]
    return settle({page: render()}, "--check" in arguments)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
