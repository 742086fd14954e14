"""A picture of the dashboard's panels, from the answers of a real Prometheus to what Grafana would ask it."""

import json
import math
import re
from html import escape
from typing import Any

from logscan_local.pictures import charts
from logscan_local.pictures.charts import Chart, Series
from logscan_local.testkit.prometheus import NAMESPACE, Prometheus
from logscan_tools.manifests import CHART

DASHBOARD = CHART / "files" / "dashboard.json"
SHOWN = (
    "Matched lines by severity",
    "Rules that match most",
    "LogScans by phase",
    "Scans that ended",
    "Bytes scanned",
    "Wait for the first Job",
    "Jobs and slots",
    "Memory",
)
COLUMNS, SPACE, STATS = 2, 12, 66
STEP_SECONDS = 2
RATE = "30s"  # what Grafana would make of the scrape interval
UNITS = {"s": " s", "Bps": "B/s", "bytes": "B", "ops": "/s"}
STYLE = """
.back{fill:#f4f5f7}.card{fill:#fff;stroke:#d5d9df;rx:4px}.grid{stroke:#e8eaee}
.line{fill:none;stroke-width:1.6;stroke-linejoin:round}
text{font-family:system-ui,-apple-system,"Segoe UI",sans-serif;fill:#1f2933}
.title{font-size:12px;font-weight:600}.axis{font-size:10px;fill:#52606d}.stat{font-size:24px;font-weight:600}
"""


def picture(prometheus: Prometheus, start: float, end: float) -> str:
    """Return the picture of a time.

    Args:
        prometheus: What has scraped the operator.
        start: When it begins, a Unix time in seconds.
        end: When it ends.
    """
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if "targets" in panel]
    found = {panel["title"]: panel for panel in panels}
    lines = [chart(prometheus, found[title], start, end) for title in SHOWN]
    stats = [(panel["title"], _now(prometheus, panel, end)) for panel in panels if panel["type"] == "stat"]
    width = COLUMNS * (charts.WIDTH + SPACE) + SPACE
    height = SPACE + STATS + SPACE + math.ceil(len(lines) / COLUMNS) * (charts.HEIGHT + SPACE)
    drawn = [
        charts.draw(
            line,
            SPACE + (at % COLUMNS) * (charts.WIDTH + SPACE),
            SPACE + STATS + SPACE + at // COLUMNS * (charts.HEIGHT + SPACE),
            end - start,
        )
        for at, line in enumerate(lines)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}">'
    title = "<title>Panels of the dashboard</title>"
    back = f'<rect class="back" width="{width}" height="{height}"/>'
    return "\n".join([head, title, f"<style>{STYLE}</style>", back, *_stats(stats, width), *drawn, "</svg>\n"])


def chart(prometheus: Prometheus, panel: dict[str, Any], start: float, end: float) -> Chart:
    """Return what a panel shows of a time."""
    series = []
    for target in panel["targets"]:
        asked = {"query": _query(target["expr"]), "start": f"{start}", "end": f"{end}", "step": f"{STEP_SECONDS}"}
        for found in prometheus.get("query_range", **asked)["result"]:
            values = ((float(at) - start, float(value)) for at, value in found["values"])
            points = tuple((at, value) for at, value in values if not math.isnan(value))
            if any(value for _, value in points):
                series.append(Series(_named(target.get("legendFormat", ""), found["metric"]), points))
    unit = UNITS.get(panel["fieldConfig"]["defaults"].get("unit", ""), "")
    return Chart(panel["title"], unit, tuple(series))


def _query(expression: str) -> str:
    """Return a query of the dashboard with what Grafana puts in the place of its variables."""
    return expression.replace("$__rate_interval", RATE).replace("$namespace", NAMESPACE)


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda name: labels.get(name[1], ""), legend)


def _now(prometheus: Prometheus, panel: dict[str, Any], end: float) -> str:
    (target,) = panel["targets"]
    found = prometheus.get("query", query=_query(target["expr"]), time=f"{end}")["result"]
    return charts.shown(round(float(found[0]["value"][1]))) if found else "no data"


def _stats(stats: list[tuple[str, str]], width: float) -> list[str]:
    """Return the row of single numbers."""
    wide = (width - SPACE) / len(stats) - SPACE
    parts = []
    for at, (title, value) in enumerate(stats):
        parts.append(f'<g transform="translate({SPACE + at * (wide + SPACE):.5g},{SPACE})">')
        parts.append(f'<rect class="card" width="{wide:.5g}" height="{STATS}"/>')
        parts.append(f'<text class="title" x="10" y="19">{escape(title)}</text>')
        parts.append(f'<text class="stat" x="10" y="52">{escape(value)}</text></g>')
    return parts
