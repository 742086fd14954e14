"""The report's page in Chromium: its numbers are the row's, and a log of markup stays text that does nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import Browser
from cloud import request, rows, run

from logscan_api.requests import Report
from logscan_api.rules import Rule, Severity

pytestmark = pytest.mark.tools

MARKUP = [
    "<script>window.ran = true</script>",
    "</script></pre></style><img src=x onerror='window.ran = true'>",
    '<svg onload=window.ran=true><a href="javascript:window.ran=true">here</a>',
    "<iframe srcdoc='<script>parent.ran = true</script>'></iframe><base href=//example.com>",
    "<meta http-equiv=refresh content='0;url=https://example.com'>]]>--><!--",
    "${window.ran = true} {{ 7*7 }} \\u003cscript\\u003e &lt;script&gt; \x1b[2J\u202egnp.exe",
]
LINES = 25_000
RULES = [
    *(
        Rule(name=f"digit-{digit}", pattern=f"request {digit}\\b", severity=list(Severity)[digit % 3])
        for digit in range(19)
    ),
    Rule(name="fatal", pattern="FATAL", severity=Severity.CRITICAL),
    Rule(name="never", pattern="no such line"),
]
# Each number on the page, without the commas between its thousands.
NUMBERS = """(() => {
    const number = (text) => Number(text.replaceAll(",", ""));
    const count = (selector) => number(document.querySelector(selector).textContent);
    const lanes = [...document.querySelectorAll("svg.chart")].map((lane) => [lane.classList[1],
        [...lane.querySelectorAll("title")].map((title) => number(title.textContent.split(": ")[1]))]);
    return {
        lines: count("#lines"), matched: count("#matched"),
        severities: Object.fromEntries([...document.querySelectorAll("dd[data-severity]")]
            .map((tile) => [tile.dataset.severity, number(tile.textContent)])),
        rules: Object.fromEntries([...document.querySelectorAll("table.rules tbody tr")]
            .map((row) => [row.cells[0].textContent, number(row.cells[2].textContent)])),
        lanes: Object.fromEntries(lanes),
    };
})()"""
FILTERED = "document.getElementById('filtered').textContent"


def log() -> bytes:
    stamps = (f"2026-11-24T{6 + number // 9000:02}:{number // 150 % 60:02}:00Z" for number in range(LINES))
    text = [f"{stamp} request {number % 23} {MARKUP[number % len(MARKUP)]}" for number, stamp in enumerate(stamps)]
    text[20_000] += " FATAL \N{SNOWMAN}"
    return "\n".join(text).encode()


@pytest.fixture
def opened(cloud: Any, browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    """Yield the browser with the report of a log of markup, whose key is markup too."""
    key = "logs/<img src=x onerror=window.ran=true>.log"
    cloud.put_object(Bucket="app-logs", Key=key, Body=log())
    result = run(request(key=key, rules=RULES, more={"report": Report(bucket="app-logs")}))
    stored = cloud.get_object(Bucket="app-logs", Key=str(result.html_report_uri).removeprefix("s3://app-logs/"))
    assert stored["ContentType"] == "text/html; charset=utf-8"
    assert stored["ContentLength"] < 5_000_000
    (tmp_path / "report.html").write_bytes(stored["Body"].read())
    browser.open((tmp_path / "report.html").as_uri())
    settled(browser)
    yield browser
    # Whatever a test did, nothing in the page ran, failed or was asked for.
    assert browser.ask("typeof window.ran") == "undefined"
    assert browser.happened("Runtime.exceptionThrown") == []
    failed = browser.happened("Network.loadingFailed")
    stopped = {event["requestId"] for event in failed if event.get("blockedReason") == "csp"}
    asked = [event for event in browser.happened("Network.requestWillBeSent") if event["requestId"] not in stopped]
    assert {event["request"]["url"].split(":")[0] for event in asked} == {"file"}


def settled(browser: Browser) -> None:
    """Wait until the list of matches is unpacked."""
    browser.ask(
        "new Promise((ready) => { const list = document.getElementById('list'); if (!list.hidden) ready();"
        " new MutationObserver(() => list.hidden || ready()).observe(list, { attributes: true }); })"
    )


def set_filter(browser: Browser, **fields: str) -> str:
    """Set fields of the filter as a person does; return what it says then."""
    for name, value in fields.items():
        browser.ask(
            f"(() => {{ const field = document.forms.filter.elements[{name!r}]; field.value = {value!r};"
            " field.dispatchEvent(new Event('input', { bubbles: true })); })()"
        )
    return str(browser.ask(FILTERED))


def test_the_numbers_are_those_of_the_row(opened: Browser) -> None:
    (row,) = rows()
    shown = opened.ask(NUMBERS)
    assert (shown["lines"], shown["matched"]) == (row["lines"], row["matched_lines"])
    assert shown["severities"] == row["by_severity"]
    assert shown["rules"] == {rule: lines for rule, lines in row["by_rule"].items() if lines}
    by_lane: dict[str, list[int]] = {}
    for _, lines in sorted(row["histogram"].items()):
        for severity, count in lines.items():
            by_lane.setdefault(severity, []).append(int(count))
    assert shown["lanes"] == by_lane
    assert len(by_lane) == 4
    assert sum(map(sum, by_lane.values())) == sum(row["by_severity"].values())


def test_hostile_text_stays_text(opened: Browser) -> None:
    assert opened.ask("document.querySelectorAll('script').length") == 2
    assert (
        opened.ask("document.querySelectorAll('img, iframe, base, object, embed, link, [onload], [onerror]').length")
        == 0
    )
    assert opened.ask("document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
    assert opened.ask("document.querySelector('.object').textContent") == (
        "s3://app-logs/logs/<img src=x onerror=window.ran=true>.log"
    )
    for place in ("#samples", "#rows"):
        text = opened.ask(f"document.querySelector({place!r}).textContent")
        for markup in MARKUP[:5]:
            assert markup in text
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_the_policy_stops_what_a_mistake_would_let_in(opened: Browser) -> None:
    stopped = opened.ask(
        """new Promise((done) => {
            const stopped = [];
            document.addEventListener("securitypolicyviolation", (event) => {
                stopped.push(event.effectiveDirective);
                if (stopped.length === 4) done(stopped.sort());
            });
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            const image = document.createElement("img");
            image.src = "https://example.com/x";
            const style = document.createElement("style");
            style.textContent = "body { display: none }";
            document.body.append(script, image, style);
            fetch("https://example.com/").catch(() => 0);
        })"""
    )
    assert stopped == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]


def test_matches_are_filtered_by_text_rule_and_severity(opened: Browser) -> None:
    (row,) = rows()
    matches = sum(map(int, row["by_rule"].values()))
    assert opened.ask("document.querySelector('.left-out').textContent").startswith(f"19,001 of {matches:,} matches")
    samples = len(row["samples"])
    assert opened.ask(FILTERED) == f"{samples} of {samples} samples, 19,001 of 19,001 listed matches"
    assert set_filter(opened, text="☃").endswith("2 of 19,001 listed matches")
    assert set_filter(opened, rule="fatal").endswith("1 of 19,001 listed matches")
    assert opened.ask("document.querySelector('#rows mark').textContent") == "☃"
    assert opened.ask("document.querySelectorAll('#samples article:not([hidden])').length") >= 1
    assert set_filter(opened, text="no such text") == f"0 of {samples} samples, 0 of 19,001 listed matches"
    assert opened.ask("document.getElementById('no-sample').hidden") is False
    assert set_filter(opened, text="", rule="", severity="critical").endswith("1 of 19,001 listed matches")
    opened.ask("new Promise((done) => { document.forms.filter.reset(); setTimeout(done, 0); })")
    assert opened.ask(FILTERED).endswith("19,001 of 19,001 listed matches")


def test_all_matches_can_be_paged_through_with_the_keyboard(opened: Browser) -> None:
    reached = []
    for _ in range(60):
        opened.press("Tab")
        reached.append(opened.ask("document.activeElement.name || document.activeElement.className"))
        if opened.ask("document.activeElement.id") == "next":
            break
    assert reached[0] == "skip"
    fields = [name for name in reached if name in ("text", "rule", "severity")]
    assert fields == ["text", "rule", "severity"]
    opened.press("Enter", "\r")
    assert opened.ask("document.getElementById('page').textContent") == "101 to 200 of 19,001"


def test_assistive_technology_finds_headings_names_and_tables(opened: Browser) -> None:
    nodes = opened("Accessibility.getFullAXTree")["nodes"]
    named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node]
    headings = [name for role, name in named if role == "heading"]
    assert {"Overview", "Timeline", "Rules", "Samples", "Matches", "About this scan"} <= set(headings)
    for role in ("searchbox", "combobox", "button", "image", "link", "navigation", "search"):
        assert [name for found, name in named if found == role], role
        assert all(name for found, name in named if found == role), role


def test_it_can_be_printed(opened: Browser) -> None:
    opened("Emulation.setEmulatedMedia", media="print")
    try:
        assert opened.ask("getComputedStyle(document.getElementById('filter')).display") == "none"
        assert opened.ask("getComputedStyle(document.getElementById('samples')).display") == "block"
    finally:
        opened("Emulation.setEmulatedMedia", media="")
    assert opened.printed().startswith(b"%PDF-")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_cut_off_and_everything_can_be_read(opened: Browser, width: int, scheme: str) -> None:
    opened("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=False)
    opened("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    try:
        assert opened.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        faint = opened.ask(CONTRASTS)
        assert faint == []
    finally:
        opened("Emulation.clearDeviceMetricsOverride")
        opened("Emulation.setEmulatedMedia", features=[])


# Texts whose contrast with what is behind them is below 4.5, the least of WCAG 2.2 (1.4.3), disabled buttons aside.
CONTRASTS = """(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = (color) => channels(color).slice(0, 3).map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const color = getComputedStyle(one).backgroundColor;
            if ((channels(color)[3] ?? 1) === 1) return color;
        }
        return "rgb(255, 255, 255)";
    };
    const faint = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || element.closest("script, svg, option, :disabled, [hidden]")) continue;
        const [one, other] = [light(getComputedStyle(element).color), light(behind(element))].sort((a, b) => b - a);
        if ((one + 0.05) / (other + 0.05) < 4.5) faint.push([element.className, element.textContent.slice(0, 40)]);
    }
    return faint.slice(0, 5);
})()"""
