"""`python -m oracle logs DIR`: every shipped rule, and rules cut out of the lines, on each log of a folder."""

import os
import random
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from logscan_api.packs import load_pack, pack_names
from oracle import adapter, fieldlogs, judge
from oracle.adapter import RefusedError
from oracle.comparing import Figures, companies, compare
from oracle.cutting import CutRule, cut_rules
from oracle.judge import Judge, lines_as_records
from oracle.shrinking import Case, Shrinker

SHOWN = 12  # differences that are printed


@dataclass(frozen=True)
class Log:
    """A log with the rules that were cut out of it.

    Attributes:
        name: Its file's name.
        data: Its first lines, up to a limit.
        rules: Rules that the engine accepts.
        refused: Those that it does not, and why.
    """

    name: str
    data: bytes
    rules: list[CutRule]
    refused: dict[str, str]

    @property
    def texts(self) -> list[bytes]:
        r"""Return the log as it is, and with the other end of each line: grep's counts are the same for both."""
        bare = lines_as_records(self.data)
        return [self.data, bare if bare != self.data else bare.replace(b"\n", b"\r\n")]


def shipped_patterns() -> list[str]:
    """Return the expressions of all shipped rules."""
    rules = [packed.rule for name in pack_names() for packed in load_pack(name).rules]
    patterns = [(rule, text) for rule in rules for text in (rule.pattern, rule.exclude) if text]
    return list(dict.fromkeys(f"(?i){text}" if rule.ignore_case else text for rule, text in patterns))


def read_log(path: Path, most_bytes: int, most_rules: int, seed: int) -> Log:
    """Return a log, cut at the end of a line, and rules of it."""
    with path.open("rb") as file:
        data = file.read(most_bytes)
        if file.read(1):
            data = data[: data.rfind(b"\n") + 1]
    kept, refused = [], {}
    for rule in cut_rules(data.split(b"\n"), most_rules, f"{seed} {path.name}"):
        try:
            adapter.prepare([rule.pattern])
            kept.append(rule)
        except RefusedError as error:
            refused[rule.pattern] = str(error)
    return Log(path.name, data, kept, refused)


def compare_log(log: Log, foreign: list[str], seed: int, threads: int) -> Figures:
    """Return what the engine and grep say of a log's own rules, the shipped ones and some of other logs."""
    figures = Figures()
    shipped, own = shipped_patterns(), [rule.pattern for rule in log.rules]
    sets = [shipped, *([p] for p in shipped), *companies(own, foreign, f"{seed} {log.name}")]
    with tempfile.TemporaryDirectory() as folder:
        judging = Judge(Path(folder) / "log", log.data)
        judging.ask((pattern for patterns in sets for pattern in patterns), threads)
        with ThreadPoolExecutor(threads) as pool:
            for part in pool.map(lambda patterns: _compared(patterns, log.texts, judging), sets):
                figures.add(part)
    return figures


def _compared(patterns: list[str], texts: list[bytes], judging: Judge) -> Figures:
    figures = Figures()
    compare(patterns, texts, judging, figures)
    return figures


def run(folder: Path, most_rules: int, most_bytes: int, seed: int) -> int:
    """Compare on all logs of a folder, print what came of it, and return the exit status."""
    began = time.monotonic()
    paths = sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size)
    if not paths:
        sys.exit(f"no logs in {folder}")
    print(f"{adapter.version()}\n{judge.version()}\nseed {seed}")
    logs = [read_log(path, most_bytes, most_rules, seed) for path in paths]
    chance, total, threads, wrong = random.Random(seed), Figures(), os.cpu_count() or 1, 0
    for log in logs:
        others = [rule.pattern for other in logs if other is not log for rule in other.rules]
        figures = compare_log(log, chance.sample(others, min(len(others), 155)), seed, threads)
        ends = "CRLF" if b"\r\n" in log.data else "LF"
        print(
            f"{log.name}: {len(log.data):,} bytes, {ends}; {len(log.rules)} rules cut, {len(log.refused)} refused; "
            f"{figures.counts:,} counts, {figures.matches:,} matches, {len(figures.no_verdict)} without a verdict of "
            f"grep, {len(figures.grep_errs)} that grep errs about, {len(figures.differences)} differences",
            flush=True,
        )
        total.add(figures)
        wrong += _compare_fields(log, most_rules, seed)
    forms = {rule.pattern: rule.form for log in logs for rule in log.rules}
    print(f"\n{total.counts:,} counts, {total.matches:,} matches, in {time.monotonic() - began:.0f} s")
    return max(report(total.differences, forms), min(wrong, 1))


def _compare_fields(log: Log, most_rules: int, seed: int) -> int:
    """Compare rules on fields of a log's JSON, print what came of it, and return how many counts differ."""
    found = fieldlogs.compare(log.data, most_rules, f"{seed} {log.name}")
    if found.counts:
        figures = f"{found.counts:,} rules on fields, {found.matches:,} matches, {len(found.differences)} differences"
        print(f"{log.name}: {figures}")
    for where, counted, judged in found.differences[:SHOWN]:
        print(f"  {counted} instead of {judged}: {where}")
    return len(found.differences)


def report(differences: list[Case], forms: dict[str, str]) -> int:
    """Print differences, the smallest case of the simplest one, and return the exit status."""
    if not differences:
        print("no difference")
        return 0
    wrong = {case.pattern: case for case in differences}
    missed = sum(max(0, case.expected - case.counted) for case in wrong.values())
    print(f"{len(differences)} DIFFERENCES, of {len(wrong)} rules, which lose {missed:,} matching lines. Some:")
    for case in sorted(wrong.values(), key=lambda case: len(case.pattern))[:SHOWN]:
        form = forms.get(case.pattern, "shipped or other")
        print(f"  {case.counted} instead of {case.expected}: {case.pattern}   [{form}]")
    simplest = min(differences, key=lambda case: (len(case.others), len(case.pattern)))
    print(f"The smallest case:\n{Shrinker(simplest).shrink()}")
    return 1
