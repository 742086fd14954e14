"""The smallest case of a difference: fewer rules, fewer and shorter lines, a shorter expression."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from oracle.adapter import RefusedError, count
from oracle.judge import errs, grep, lines_as_records

T = TypeVar("T")
TRIES = 1500


@dataclass(frozen=True)
class Case:
    """A text of which the engine and grep count differently.

    Attributes:
        pattern: The expression that is counted differently.
        others: Expressions that the engine has to match along for it.
        data: The text.
        counted: What the engine counts.
        expected: What grep counts.
    """

    pattern: str
    others: tuple[str, ...]
    data: bytes
    counted: int
    expected: int

    def __str__(self) -> str:
        """Return the case in lines that can be pasted."""
        beside = "".join(f"\n  beside:   {other}" for other in self.others)
        return (
            f"  rule:     {self.pattern}{beside}\n  text:     {self.data!r}\n"
            f"  engine:   {self.counted}\n  grep -P:  {self.expected}"
        )


def smallest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Return a part of items that still fails and of which no smaller piece can be left out."""
    size = max(1, len(items) // 2)
    while size:
        at = 0
        while at < len(items):
            fewer = [*items[:at], *items[at + size :]]
            if fails(fewer):
                items = fewer
            else:
                at += size
        size //= 2
    return items


class Shrinker:
    """Makes a case smaller, within a bounded number of tries."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._tries = 0

    def shrink(self) -> Case:
        """Return the smallest case that was found."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "log"
            self._others(file)
            self._lines(file)
            self._bytes(file)
            self._pattern(file)
            self._bytes(file)
        return self.case

    def _differs(self, file: Path, pattern: str, others: Sequence[str], data: bytes) -> bool:
        """Return whether a case fails, and keep it if it does."""
        self._tries += 1
        if self._tries > TRIES:
            return False
        try:
            counted = count([pattern, *others], data)[0]
        except RefusedError:
            return False
        file.write_bytes(lines_as_records(data))
        expected = grep(pattern, file)
        if expected is None or counted is None or expected == counted or errs(pattern, file, counted):
            return False
        self.case = Case(pattern, tuple(others), data, counted, expected)
        return True

    def _others(self, file: Path) -> None:
        case = self.case
        if case.others and not self._differs(file, case.pattern, (), case.data):
            smallest(case.others, lambda others: self._differs(file, case.pattern, others, case.data))

    def _lines(self, file: Path) -> None:
        case = self.case
        smallest(
            case.data.splitlines(keepends=True),
            lambda lines: self._differs(file, case.pattern, case.others, b"".join(lines)),
        )

    def _bytes(self, file: Path) -> None:
        case = self.case
        smallest(case.data, lambda data: self._differs(file, case.pattern, case.others, bytes(data)))

    def _pattern(self, file: Path) -> None:
        case = self.case
        smallest(
            case.pattern,
            lambda text: bool(text) and self._differs(file, "".join(text), case.others, case.data),
        )
