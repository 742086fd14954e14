"""The engine alone, in one thread: how fast it is with some rules, and what finding out what a record is costs."""

import statistics
import time
from collections.abc import Callable

import log_corpus

import logscan_engine as engine
from logscan_scanner.scanning.rules import compile_for_scan
from logscan_scanner.scanning.scan import PUSH_BYTES

BYTES = 100_000_000
BARS = {"8": "1,800 MB/s", "30": "1,000 MB/s", "100": "550 MB/s"}
DEFAULTS = "levels and secrets"
DEFAULTS_BAR, DETECTION_BAR = ">= 0.5x", "<= 1.03x"
DETECTION_ROUNDS = 4  # for each round of the others: the difference is small


def measure(text: bytes, rounds: int) -> None:
    """Print lines of the table, for a log of plain text."""
    rules = {str(count): log_corpus.rules(count) for count in (8, 30, 100)}
    rules |= {"100 on fields": log_corpus.field_rules(100), DEFAULTS: log_corpus.default_rules()}
    compiled = {name: compile_for_scan(found) for name, found in rules.items()}
    seconds = _in_turns({name: _scan(ruleset, text, None) for name, ruleset in compiled.items()}, rounds)
    for name, took in seconds.items():
        speeds = [len(text) / one / 1e6 for one in took]
        figures = f"{statistics.median(speeds):.0f} MB/s of CPU time, at worst {min(speeds):.0f}"
        print(f"| engine alone with times, {name} rules, one thread | {figures} | {BARS.get(name, '')} | |", flush=True)
    _ratio(f"the same, speed with {DEFAULTS} by that with 30 rules", seconds["30"], seconds[DEFAULTS], DEFAULTS_BAR)
    # In the pieces in which the scanner passes them on: they are in the processor's cache, as in a pod.
    framings = {framing or "": _scan(compiled["30"], text, framing, PUSH_BYTES) for framing in (None, "Auto")}
    seconds = _in_turns(framings, rounds * DETECTION_ROUNDS)
    name = "plain text, 30 rules: CPU time with records found by content by that of lines"
    _ratio(name, seconds["Auto"], seconds[""], DETECTION_BAR)


def _scan(rules: engine.RuleSet, text: bytes, framing: str | None, size: int = BYTES) -> Callable[[], None]:
    def scan() -> None:
        running = engine.Scan(
            rules,
            threads=1,
            reference=int(time.time()),
            max_record_bytes=1 << 20,
            samples=0,
            findings=0,
            before=0,
            after=0,
            line_bytes=1,
            framing=framing,
        )
        running.begin(None)
        for start in range(0, len(text), size):
            running.push(text[start : start + size])
        running.finish()

    return scan


def _in_turns(scans: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of CPU time of each scan in each round."""
    seconds: dict[str, list[float]] = {name: [] for name in scans}
    for _ in range(rounds):
        for name, scan in scans.items():
            begin = time.process_time()
            scan()
            seconds[name].append(time.process_time() - begin)
    return seconds


def _ratio(what: str, one: list[float], other: list[float], bar: str) -> None:
    ratios = [a / b for a, b in zip(one, other, strict=True)]
    print(f"| {what} | {statistics.median(ratios):.3f}x, {min(ratios):.3f}-{max(ratios):.3f} | {bar} | |", flush=True)
