"""The sum of the results of several objects. The order in which they come does not change it."""

from bisect import insort
from collections import Counter
from typing import Any

from logscan_api.incomplete import Incomplete, IncompleteReason
from logscan_api.requests import ResolvedLimits
from logscan_api.results import Sample, ScanResult
from logscan_api.rules import Rule, Severity
from logscan_api.statuses import MOST_FAILURES, FailedObject, ObjectCounts
from logscan_api.text import cut, printable
from logscan_scanner.scanning.histogram import Merged
from logscan_scanner.scanning.samples import chosen
from logscan_scanner.scanning.scan import MOST_LEFT_OUT, NAME_BYTES, WHY_BYTES

SUMS = ("bytes", "decompressed_bytes", "lines", "matched_lines", "cut_records")

Place = tuple[int, int]  # which sample, or part, of which object; they are kept by it


class Sum:
    """Adds results, and counts objects that have none."""

    def __init__(self, rules: list[Rule], limits: ResolvedLimits) -> None:
        """Start with no object.

        Args:
            rules: The rules of all results.
            limits: Their limits, of which this uses the number of samples.
        """
        self._rules = rules
        self._done = self._skipped = self._failed = 0
        self._sums = Counter(dict.fromkeys(SUMS, 0))
        self._by_rule = Counter({rule.name: 0 for rule in rules})
        self._by_severity = Counter(dict.fromkeys(Severity, 0))
        self._formats: set[str] = set()
        self._histogram = Merged()
        self._most_samples = limits.max_samples_per_rule
        self._samples: dict[str, list[tuple[Place, Sample]]] = {rule.name: [] for rule in rules}
        self._failures: list[tuple[int, FailedObject]] = []
        self._parts = _Parts()

    @property
    def finished(self) -> int:
        """Return how many objects were added."""
        return self._done + self._skipped + self._failed

    def add(self, number: int, result: ScanResult, skipped: bool) -> None:
        """Add the result of an object.

        Args:
            number: The object's number.
            result: Its result.
            skipped: Whether another scan had found it before.
        """
        self._done += not skipped
        self._skipped += skipped
        self._sums.update({name: getattr(result, name) for name in SUMS})
        self._by_rule.update({name: lines for name, lines in result.by_rule.items() if name in self._samples})
        self._by_severity.update(result.by_severity)
        self._formats.update(result.formats)
        self._histogram.add(result)
        self._parts.add(number, result)
        turns: Counter[str] = Counter()
        for sample in result.samples:
            # The first sample of each object comes before the second of any.
            place = (turns[sample.rule], number)
            turns[sample.rule] += 1
            self._keep(place, sample, result.key)

    def fail(self, number: int, key: str, reason: str, message: str) -> None:
        """Add an object that could not be scanned."""
        self._failed += 1
        failure = FailedObject(key=key, reason=reason, message=cut(printable(message), WHY_BYTES))
        insort(self._failures, (number, failure), key=lambda entry: entry[0])
        del self._failures[MOST_FAILURES:]

    def facts(self) -> dict[str, Any]:
        """Return what the results add up to, as fields of a `ScanResult`."""
        total = self.finished
        counts = ObjectCounts(total=total, done=self._done, skipped=self._skipped, failed=self._failed)
        failures = [failure for _, failure in self._failures]
        incomplete = self._parts.named()
        if self._failed:
            message = f"{self._failed} of {total} objects could not be read; the row of each says why"
            incomplete = [Incomplete(reason=IncompleteReason.OBJECTS_FAILED, message=message), *incomplete]
        return {
            **self._sums,
            **self._histogram.facts(),
            "objects": self._done,
            "object_counts": counts.model_copy(update={"failures": failures or None}),
            "by_rule": dict(self._by_rule),
            "by_severity": dict(self._by_severity),
            "severities": {rule.name: rule.severity for rule in self._rules},
            "samples": chosen([[sample for _, sample in self._samples[rule.name]] for rule in self._rules]),
            "incomplete": incomplete,
            "formats": sorted(self._formats),
        }

    def _keep(self, place: Place, sample: Sample, key: str) -> None:
        kept = self._samples.get(sample.rule)
        if kept is None or (len(kept) >= self._most_samples and (not kept or kept[-1][0] < place)):
            return
        named = sample.model_copy(update={"key": f"{key}{sample.key or ''}"})
        insort(kept, (place, named), key=lambda entry: entry[0])
        del kept[self._most_samples :]


class _Parts:
    """What was not read or not counted: the first parts by name, of the others how many there are."""

    def __init__(self) -> None:
        self._first: list[tuple[Place, Incomplete]] = []
        self._all: Counter[str] = Counter()
        self._rules: dict[str, tuple[int, Incomplete]] = {}  # a rule is named once

    def add(self, number: int, result: ScanResult) -> None:
        for place, part in enumerate(result.incomplete):
            named = part.model_copy(update={"object": cut(f"{result.key}{part.object or ''}", NAME_BYTES)})
            if part.rule is not None:
                if part.rule not in self._rules or number < self._rules[part.rule][0]:
                    self._rules[part.rule] = number, named
                continue
            self._all[part.reason] += 1
            if len(self._first) < MOST_LEFT_OUT or (number, place) < self._first[-1][0]:
                insort(self._first, ((number, place), named), key=lambda entry: entry[0])
                del self._first[MOST_LEFT_OUT:]

    def named(self) -> list[Incomplete]:
        named = [part for _, part in self._first]
        more = self._all - Counter(part.reason for part in named)
        rules = [part for _, (_, part) in sorted(self._rules.items())]
        counts = [
            Incomplete(reason=reason, message=f"{number} more were not read, or not to their end")
            for reason, number in sorted(more.items())
        ]
        return [*named, *rules, *counts]
