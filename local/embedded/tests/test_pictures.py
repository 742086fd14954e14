"""The pictures of a running stack: how charts are drawn, and that pictures are whole and ask no other server."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from logscan_local.pictures import charts, panels
from logscan_local.pictures.charts import Chart, Series
from logscan_tools.paths import REPOSITORY

PICTURES = sorted((REPOSITORY / "docs" / "pictures").glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(*series: Series, unit: str = "") -> ElementTree.Element:
    return ElementTree.fromstring(
        f'<svg xmlns="http://www.w3.org/2000/svg">{charts.draw(Chart("A & B", unit, series), 0, 0, 120)}</svg>'
    )


def texts(picture: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_whole_and_loads_nothing_from_another_server(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert re.findall(r"url\(\s*['\"]?(?!['\"]?#)[^)]*\)|\bhref=['\"](?!#)[^'\"]*|@import|<script", text) == []


def test_the_panels_that_are_shown_are_in_the_dashboard() -> None:
    titles = {panel["title"] for panel in json.loads(panels.DASHBOARD.read_text())["panels"]}
    assert set(panels.SHOWN) <= titles


@pytest.mark.parametrize(
    ("highest", "end"), [(0, 1), (0.3, 0.4), (1, 1), (1.1, 2), (9, 10), (10, 10), (410, 800), (-1, 1)]
)
def test_an_axis_ends_at_a_short_number_that_is_not_too_high(highest: float, end: float) -> None:
    assert charts.top(highest) == pytest.approx(end)


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (0.25, "0.25"), (999, "999"), (1500, "1.5k"), (2.5e9, "2.5G")])
def test_a_number_has_few_letters(value: float, text: str) -> None:
    assert charts.shown(value) == text


def test_a_chart_has_its_axes_and_names_what_it_shows() -> None:
    found = texts(drawn(Series("<b>", ((0, 0), (2, 1500))), unit=" s"))
    assert found[0] == "A & B"
    assert {"0 s", "2k s", "0 min", "2 min", "<b>"} <= set(found)


def test_the_highest_value_is_inside_and_lines_end_where_values_are_missing() -> None:
    (line,) = [path for path in drawn(Series("a", ((0, 4), (2, 4), (60, 2)))).iter(f"{SVG}path") if path.get("stroke")]
    steps = re.findall(r"([ML])([\d.]+) ([\d.]+)", line.get("d", ""))
    assert [move for move, _, _ in steps] == ["M", "L", "M"]
    assert float(steps[0][2]) == charts.TOP
    assert float(steps[2][1]) == charts.LEFT + (charts.WIDTH - charts.LEFT - charts.RIGHT) / 2


def test_a_severity_has_the_same_colour_in_each_chart() -> None:
    (first, second), (third,) = (
        charts.colours([Series("x", ()), Series("error", ())]),
        charts.colours([Series("error", ())]),
    )
    assert second == third != first


def test_a_chart_without_data_is_empty() -> None:
    assert not [path for path in drawn().iter(f"{SVG}path") if path.get("stroke")]
