"""What a result says to people, in words: the same in a page and in a mail."""

from dataclasses import dataclass

from logscan_api.results import Sample, ScanResult, stamp
from logscan_api.rules import Severity

Facts = list[tuple[str, object]]


@dataclass(frozen=True)
class Verdict:
    """What a scan found, in a few words.

    Attributes:
        word: The worst severity, `clean`, or `no match` if something was not read.
        sentence: What that means in numbers.
    """

    word: str
    sentence: str

    @property
    def tone(self) -> str:
        """Return the name of its style."""
        return {"clean": "good", "no match": "open"}.get(self.word, self.word)


@dataclass(frozen=True)
class FoundRule:
    """A rule that found something.

    Attributes:
        name: Its name.
        severity: Its severity.
        lines: Lines that it matched.
        share: The same in hundredths of the lines of the rule with the most.
        samples: Its samples.
    """

    name: str
    severity: str
    lines: int
    share: str
    samples: list[Sample]


def verdict(result: ScanResult) -> Verdict:
    """Return the verdict of a scan. One that is incomplete is never called clean."""
    worst = result.worst_severity
    if worst is not None:
        return Verdict(str(worst), f"{result.matched_lines:,} of {result.lines:,} lines matched")
    if result.incomplete:
        return Verdict("no match", f"in {result.lines:,} lines, but not everything was read")
    return Verdict("clean", f"no rule matched any of {result.lines:,} lines")


def subject(result: ScanResult) -> str:
    """Return what was found and in what, as the title of a mail or a page."""
    worst = result.worst_severity
    found = f"{worst}: {result.matched_lines} of {result.lines} lines" if worst else None
    none = f"{verdict(result).word}: {result.lines} lines"
    return f"[logscan] {found or none} in {result.uri}{' (incomplete)' if result.incomplete else ''}"


def by_severity(result: ScanResult) -> list[tuple[Severity, int]]:
    """Return the lines of each severity, the worst first."""
    return [(severity, result.by_severity.get(severity, 0)) for severity in reversed(Severity)]


def found_rules(result: ScanResult, most: int | None = None) -> list[FoundRule]:
    """Return the rules that found something, those of the worst severity and with the most lines first.

    Args:
        result: The result.
        most: How many, of those with the most lines; absent means all.
    """
    top = result.top_rules(len(result.by_rule) if most is None else most)
    largest = max((rule.lines for rule in top), default=1)
    samples: dict[str, list[Sample]] = {}
    for sample in result.samples:
        samples.setdefault(sample.rule, []).append(sample)
    rules = [
        FoundRule(rule.rule, rule.severity, rule.lines, f"{100 * rule.lines / largest:.1f}", samples.get(rule.rule, []))
        for rule in top
    ]
    return sorted(rules, key=lambda rule: -Severity(rule.severity).rank)


def silent_rules(result: ScanResult) -> list[str]:
    """Return the rules that found nothing."""
    return sorted(rule for rule, lines in result.by_rule.items() if not lines)


def place(sample: Sample) -> str:
    """Return where a sample is."""
    return f"{sample.key}, line {sample.line}" if sample.key else f"line {sample.line}"


def objects(result: ScanResult) -> Facts:
    """Return what became of several objects."""
    counts = result.object_counts
    if counts is None:
        return []
    numbers = f"{counts.done} read, {counts.skipped} skipped, {counts.failed} failed"
    failures = [("Failed", f"{found.key}: {found.message or found.reason}") for found in counts.failures or []]
    return [("Objects", numbers), *failures]


def summary(scan: str, result: ScanResult) -> Facts:
    """Return what a mail says.

    Args:
        scan: Namespace and name of the LogScan that it is about.
        result: The result, which an earlier scan may have found.
    """
    first, last, counts = result.first_match_at, result.last_match_at, objects(result)
    facts: Facts = [
        ("LogScan", scan),
        ("Object", result.uri),
        *counts[:1],
        ("Lines", result.lines),
        ("Matched", result.matched_lines),
        ("First match", stamp(first) if first else "-"),
        ("Last match", stamp(last) if last else "-"),
        ("Finished", stamp(result.finished_at)),
        *counts[1:],
    ]
    facts += [("Incomplete", str(part)) for part in result.incomplete]
    reports = (("Report", result.html_report_uri), ("Findings", result.report_uri))
    return facts + [(name, uri) for name, uri in reports if uri]
