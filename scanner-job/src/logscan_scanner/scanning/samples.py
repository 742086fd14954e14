"""Sample lines of each rule: the first ones and a few spread over the rest, each with the lines around it."""

import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache

from logscan_api.results import MAX_SAMPLES_BYTES, Sample
from logscan_api.rules import Rule
from logscan_api.text import cut, cut_around
from logscan_engine import Line, redact
from logscan_scanner.scanning.events import of_event

KEY_BEGINS = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----\s*$")
KEY_ENDS = re.compile(rb"-----END ")
LOOK_BYTES = 4096


class Samples:
    """Keeps samples, within a budget of bytes for all.

    Attributes:
        first: How many first lines of each rule are kept.
        context: Lines kept before and after each in any case.
    """

    def __init__(self, rules: list[Rule], per_rule: int, max_bytes: int, context_lines: int = 0) -> None:
        """Start without samples.

        Args:
            rules: The rules by position.
            per_rule: Lines kept of each: the first ones, and one in three of them for lines from later on.
            max_bytes: Bytes kept of a line.
            context_lines: Lines kept before and after each.
        """
        self._rules = rules
        spread = per_rule // 3
        self.first = per_rule - spread
        self.context = context_lines
        self._max_bytes = max_bytes
        self._early: list[list[Sample]] = [[] for _ in rules]
        self._late: list[deque[Sample]] = [deque(maxlen=spread) for _ in rules]

    @property
    def samples(self) -> list[Sample]:
        """Return the samples in the order of the rules, as many as the budget allows, a round for each rule first."""
        return chosen([[*early, *late] for early, late in zip(self._early, self._late, strict=True)])

    def offer(self, line: Line) -> None:
        """Keep a line that a rule matched, with the lines around it, if it is one of those to keep."""
        early, late = self._early[line.rule], self._late[line.rule]
        if len(early) < self.first:
            early.append(self._sample(line))
        elif late.maxlen:
            late.append(self._sample(line))

    def _sample(self, line: Line) -> Sample:
        rule = self._rules[line.rule]
        before, after = line.before or [], of_event(line.text, [] if line.after is None else line.after, self.context)
        if rule.redact:
            after = without_keys([*before, line.text], after)
        return Sample(
            rule=rule.name,
            line=line.number,
            offset=line.offset,
            text=shown(line, rule.redact, self._max_bytes),
            key=line.key,
            before=[self._text(text, rule.redact) for text in before] or None,
            after=[self._text(text, rule.redact) for text in after] or None,
        )

    def _text(self, line: bytes, masked: bool) -> str:
        return readable(line, masked, self._max_bytes)


def chosen(queues: Sequence[Sequence[Sample]]) -> list[Sample]:
    """Return samples in the order of their rules, as many as the budget allows, a round for each rule first.

    Args:
        queues: The samples of each rule.
    """
    kept, budget = [], MAX_SAMPLES_BYTES
    for turn in range(max(map(len, queues), default=0)):
        for number, queue in enumerate(queues):
            if turn < len(queue):
                budget -= _size(queue[turn])
                if budget < 0:
                    break
                kept.append((number, turn, queue[turn]))
    return [sample for _, _, sample in sorted(kept, key=lambda entry: entry[:2])]


def _size(sample: Sample) -> int:
    """Return at least the bytes of a sample in the row: of all its texts and numbers, and the names of its fields."""
    texts = [sample.rule, sample.key or "", sample.text, *(sample.before or []), *(sample.after or [])]
    return sum(len(text.encode()) + 10 for text in texts) + 100


def without_keys(before: Sequence[bytes], after: Sequence[bytes]) -> list[bytes]:
    """Return lines without the bodies of private keys, whose last line looks like any other word.

    Args:
        before: What is in front of them, where a key may begin.
        after: The lines.
    """
    inside, kept = any(KEY_BEGINS.search(line) for line in before), []
    for line in after:
        inside = inside and not KEY_ENDS.search(line)
        kept.append(b"***" if inside else line)
        inside = inside or bool(KEY_BEGINS.search(line))
    return kept


def shown(line: Line, masked: bool, max_bytes: int) -> str:
    """Return a line as `readable` does, or the part around its match."""
    text = _text(line.text, masked)
    if not line.start and len(text.encode()) <= max_bytes:
        return text
    match = len(_text(line.text[: line.shown], masked))
    return cut_around(text, match, max_bytes, begun=line.start > 0)


def readable(line: bytes, masked: bool, max_bytes: int) -> str:
    """Return a line as valid text of at most `max_bytes` bytes of UTF-8, with its secrets masked if `masked`."""
    # Redact before the cut, since half a secret would not be recognized.
    return cut(_text(line, masked), max_bytes)


@lru_cache(maxsize=16)  # several rules match one line, and their samples follow one another
def _text(line: bytes, masked: bool) -> str:
    text = line.decode("utf-8", "replace")
    text = redact(text) if masked else text
    return text.replace("\x00", "\ufffd").rstrip("\r")
