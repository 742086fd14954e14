"""The rounds of one comparison, and the row of a table that they become."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from processes import Run

# The peers are named as in `Rounds.peers`.
HEAD = [
    "what",
    "ours",
    "rg",
    "rg / ours, worst",
    "bar",
    "CPU ours, rg",
    "rg -z / ours, worst",
    "rg -c for each rule / ours",
    "before / ours, worst",
    "resident",
]


@dataclass
class Rounds:
    """What the runs took, in the rounds' order.

    Attributes:
        ours: The scanner's.
        peers: The peers', by name.
    """

    ours: list[Run] = field(default_factory=list)
    peers: dict[str, list[Run]] = field(default_factory=dict)

    def row(self, what: str, bar: str) -> str:
        """Return the row of the table."""
        rg = self.peers["rg"]
        cells = [what, f"{_seconds(self.ours):.2f} s", f"{_seconds(rg):.2f} s", self._ratio("rg"), bar]
        cells.append(f"{_cpu_seconds(self.ours):.2f} s, {_cpu_seconds(rg):.2f} s")
        cells += [self._ratio(peer) for peer in ("rg -z", "each", "before")]
        cells.append(f"{max(run.resident for run in self.ours):.0f} MiB")
        return f"| {' | '.join(cells)} |"

    def _ratio(self, peer: str) -> str:
        """Return the median of a peer's time by ours, and the worst; nothing where it did not run."""
        pairs = zip(self.peers.get(peer, []), self.ours, strict=False)
        ratios = [theirs.seconds / ours.seconds for theirs, ours in pairs]
        if not ratios:
            return ""
        return f"{statistics.median(ratios):.2f}x" + (f", {min(ratios):.2f}x" if len(ratios) > 1 else "")


def _seconds(runs: Iterable[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def _cpu_seconds(runs: Iterable[Run]) -> float:
    return statistics.median(run.cpu_seconds for run in runs)
