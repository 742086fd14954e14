"""`python -m logscan_tools.dashboard [--check]`: the Grafana dashboard of the chart, made of its panels (`panels`)."""

import sys
from collections.abc import Sequence

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DataSourceRef, VariableRefresh

from logscan_tools.panels import NOW, ROWS, Panel, Query
from logscan_tools.paths import REPOSITORY

FILE = REPOSITORY / "manifests" / "chart" / "files" / "dashboard.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WHOLE = 24  # columns of a row
HEIGHT, LOW = 8, 4


def rendered() -> str:
    """Return the dashboard as JSON."""
    board = (
        Dashboard("logscan")
        .uid("logscan")
        .description("What logscan finds, and how its operator works.")
        .tags(["logscan"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(
            QueryVariable("namespace")
            .label("Namespace")
            .datasource(SOURCE)
            .query("label_values(logscan_leader, namespace)")
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .include_all(True)
            .multi(True)
        )
    )
    for panel in NOW:
        board = board.with_panel(_number(panel))
    for title, panels in ROWS.items():
        board = board.with_row(Row(title))
        for panel in panels:
            board = board.with_panel(_graph(panel))
    text: str = JSONEncoder(sort_keys=True, indent=2).encode(board.build())
    return text + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the dashboard, or check that it is up to date; return the exit code."""
    text = rendered()
    if "--check" not in arguments:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        print(f"{FILE.relative_to(REPOSITORY)} is out of date: run make generate", file=sys.stderr)
        return 1
    return 0


def _number(panel: Panel) -> stat.Panel:
    made = (
        stat.Panel()
        .title(panel.title)
        .description(panel.what)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(WHOLE // len(NOW))
        .height(LOW)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return made.with_target(_target(0, panel.queries[0]).instant())


def _graph(panel: Panel) -> timeseries.Panel:
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.what)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(WHOLE // 2)
        .height(HEIGHT)
        .fill_opacity(10)
    )
    if panel.stacked:
        made = made.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    for number, query in enumerate(panel.queries):
        made = made.with_target(_target(number, query))
    return made


def _target(number: int, query: Query) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(query.promql).legend_format(query.legend).ref_id(chr(ord("A") + number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
