"""The report's page: hostile text stays text, only its own script runs, and it has bounds."""

import base64
import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import NONE, START, Seen, bins, saying, text_of

from logscan_api.results import MAX_SAMPLES_BYTES, Bin, Sample
from logscan_api.rules import Severity
from logscan_api.statuses import ObjectCounts
from logscan_local.testkit.results import RESULT
from logscan_scanner.reporting import packing, page, views
from logscan_scanner.reporting.packing import Excerpt, Packer
from logscan_scanner.reporting.templating import size, span
from logscan_scanner.reporting.timeline import HEIGHT, LEAST_HEIGHT, WIDTH, timeline

MARKUP = (
    "</pre></title></script></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'><a href='javascript:1'>"
)
MOST_RULES = 2000  # many times what a row of DynamoDB has room for


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_markup_in_every_place_is_text() -> None:
    plain, hostile = Seen(text_of(saying("plain"))), Seen(text_of(saying(MARKUP), namespace=MARKUP))
    assert hostile.tags == plain.tags
    assert hostile.bodies == plain.bodies
    assert "&lt;script&gt;alert(1)" in text_of(saying(MARKUP))


@given(st.text(st.characters(), min_size=1) | st.text("<>&\"'=/!-\x00\x1b\u202e\n script", min_size=1))
def test_no_text_adds_an_element_or_disguises_the_page(text: str) -> None:
    written = text_of(saying(text), namespace=text)
    assert Seen(written).tags == Seen(text_of(saying("plain"))).tags
    assert all(line.isprintable() for line in written.split("\n"))


def test_nothing_but_the_pages_own_style_and_script_is_allowed() -> None:
    seen = Seen(text_of(saying(MARKUP)))
    allowed = dict(directive.split(" ", 1) for directive in seen.policy.split("; "))
    (style,) = [text for tag, text in seen.bodies if tag == "style"]
    (script,) = [text for tag, text in seen.bodies if tag == "script"]
    assert allowed == {
        "default-src": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [tag for tag in seen.tags if {"style", "src"} & set(tag[1]) or any(a.startswith("on") for a in tag[1])]


def test_the_largest_page_is_below_5_mb() -> None:
    packer = Packer(lambda _: None)
    for number in range(20_000):
        text = base64.b85encode(os.urandom(700)).decode()
        packer.add(json.dumps({"rule": "r", "severity": "error", "line": number, "text": text}).encode() + b"\n")
    packer.close()
    assert len(packer.excerpt().data) > packing.KEPT_BYTES * 0.9
    names = [f"{number:063}" for number in range(MOST_RULES)]
    every = dict.fromkeys(Severity, 10**12)
    most = saying("'" * 1024).model_copy(
        update={
            "samples": [Sample(rule=names[0], line=1, offset=0, text="'" * MAX_SAMPLES_BYTES)],
            "by_rule": dict.fromkeys(names, 10**12),
            "severities": dict.fromkeys(names, Severity.CRITICAL),
            "by_severity": every,
            "histogram": [Bin(start=found.start, by_severity=every) for found in bins(dict.fromkeys(range(120), 1))],
        }
    )
    assert len(b"".join(page.written(most, "n", packer.excerpt()))) < 5_000_000


def test_an_incomplete_scan_is_never_called_clean() -> None:
    clean = RESULT.model_copy(update={"by_severity": {}, "by_rule": {"error": 0}})
    assert "no rule matched any of 4 lines" in text_of(clean)
    assert "clean" in text_of(clean)
    partial = text_of(clean.model_copy(update={"incomplete": saying("cut off").incomplete}))
    assert "clean" not in partial
    assert "not everything was read" in partial
    assert "cut off" in partial


def test_a_page_says_what_it_leaves_out() -> None:
    assert page.left_out(RESULT, Excerpt(b"", 3, 3)) == []
    some = RESULT.model_copy(update={"by_rule": {"error": 5000}})
    assert page.left_out(some, Excerpt(b"", 1000, 1000))[0].startswith("1,000 of 5,000 matches are listed")
    *_, cut = page.left_out(some, Excerpt(b"", 700, 1000))
    assert cut.startswith("The first 700 of the 1,000 listed matches are in this page")
    counts = ObjectCounts(total=2, done=1, skipped=1, failed=0)
    several = RESULT.model_copy(update={"object_counts": counts})
    assert "earlier scan" in page.left_out(several, Excerpt(b"", 3, 3))[0]
    assert "earlier scan" in text_of(several)


def test_rules_are_listed_by_severity_and_then_by_lines() -> None:
    result = RESULT.model_copy(
        update={
            "by_rule": {"a": 1, "b": 9, "c": 5, "d": 0},
            "severities": dict(zip("abcd", [Severity.CRITICAL, *[Severity.INFO] * 3], strict=True)),
        }
    )
    assert [(rule.name, rule.share) for rule in views.found_rules(result)] == [
        ("a", "11.1"),
        ("b", "100.0"),
        ("c", "55.6"),
    ]
    assert [rule.name for rule in views.found_rules(result, 2)] == ["b", "c"]
    assert views.silent_rules(result) == ["d"]


def test_a_timeline_has_a_lane_for_each_severity_that_was_found() -> None:
    histogram = [*bins({0: 2, 9: 1}), Bin(start=bins({4: 1})[0].start, by_severity={Severity.INFO: 1000})]
    histogram.sort(key=lambda found: found.start)
    chart = timeline(RESULT.model_copy(update={"histogram": histogram, "histogram_seconds": 60}))
    assert chart is not None
    assert [(lane.severity, lane.lines, lane.most) for lane in chart.lanes] == [
        ("critical", 3, 2),
        ("info", 1000, 1000),
    ]
    first, last = chart.lanes[0].bars
    assert (float(first.height), float(last.height)) == (HEIGHT, HEIGHT / 2)
    assert chart.ticks[0] == START
    assert (chart.ticks[-1] - START).total_seconds() == 600


@given(st.dictionaries(st.integers(0, 119), st.integers(1, 10**9), min_size=1))
def test_no_bar_leaves_its_lane_or_covers_another(lines: dict[int, int]) -> None:
    chart = timeline(
        RESULT.model_copy(update={"histogram": bins(dict(sorted(lines.items()))), "histogram_seconds": 60})
    )
    assert chart is not None
    (lane,) = chart.lanes
    assert [bar.lines for bar in lane.bars] == [count for _, count in sorted(lines.items())]
    end = 0.0
    for bar in lane.bars:
        assert float(bar.x) >= end - 0.1
        end = float(bar.x) + float(bar.width)
        assert LEAST_HEIGHT - 0.1 <= float(bar.height) <= HEIGHT
        assert float(bar.y) + float(bar.height) == pytest.approx(HEIGHT, abs=0.11)
    assert end <= WIDTH


def test_without_times_there_is_no_timeline() -> None:
    assert timeline(RESULT) is None
    assert "Timeline" not in text_of(RESULT, NONE)


def test_numbers_are_for_people() -> None:
    assert [size(count) for count in (0, 1023, 1024, 5 << 30)] == ["0 bytes", "1,023 bytes", "1.0 KiB", "5.0 GiB"]
    assert [span(seconds) for seconds in (0, 2.34, 60, 5400, 90061)] == [
        "0 s",
        "2.3 s",
        "1 min",
        "1 h 30 min",
        "1 d 1 h",
    ]


def test_a_scan_starts_without_the_templates() -> None:
    """Importing jinja2 takes half as long as everything that a scan starts with."""
    code = (
        "import sys, logscan_scanner.__main__, logscan_scanner.aws, logscan_scanner.batches, logscan_scanner.program\n"
        "import logscan_scanner.reporting.notifying, logscan_scanner.runner\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('jinja2', 'markupsafe')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
