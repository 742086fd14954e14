"""Counts of the engine beside grep's, for the rules of one log, alone and in sets."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from oracle.adapter import prepare
from oracle.judge import Judge
from oracle.shrinking import Case

SMALL_SET, LARGE_SET = 12, 155  # what an installation has: a pack and some rules, or many of both


@dataclass
class Figures:
    """What was compared.

    Attributes:
        counts: Counts compared: one for each rule, text and company in which the rule was matched.
        matches: The sum of grep's counts.
        no_verdict: Rules that grep refuses or gives up.
        given_up: Rules that the engine gives up, and says so.
        grep_errs: Rules that grep counts like the engine once it does not search for where a match may start.
        differences: Cases that differ.
    """

    counts: int = 0
    matches: int = 0
    no_verdict: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    grep_errs: set[str] = field(default_factory=set)
    differences: list[Case] = field(default_factory=list)

    def add(self, other: "Figures") -> None:
        """Add another log's figures."""
        self.counts += other.counts
        self.matches += other.matches
        self.no_verdict |= other.no_verdict
        self.given_up |= other.given_up
        self.grep_errs |= other.grep_errs
        self.differences += other.differences


def compare(patterns: Sequence[str], texts: Sequence[bytes], judge: Judge, figures: Figures) -> None:
    """Match expressions as one set against texts that are the same to grep, and note what differs.

    Raises:
        RefusedError: The engine does not take one of them.
    """
    counter = prepare(patterns)
    for text in texts:
        for number, counted in enumerate(counter(text)):
            expected = judge.count(patterns[number])
            if expected is None:
                figures.no_verdict.add(patterns[number])
                continue
            if counted is None:
                figures.given_up.add(patterns[number])
                continue
            if counted != expected and judge.errs(patterns[number], counted):
                figures.grep_errs.add(patterns[number])
                continue
            figures.counts += 1
            figures.matches += expected
            if counted != expected:
                others = (*patterns[:number], *patterns[number + 1 :])
                figures.differences.append(Case(patterns[number], others, text, counted, expected))


def companies(own: Sequence[str], foreign: Sequence[str], seed: str) -> Iterator[list[str]]:
    """Yield the sets in which the rules of one log are matched: alone, in small sets, and in large ones.

    Args:
        own: The log's rules.
        foreign: Other rules, that fill the large sets.
        seed: Decides who is with whom.
    """
    chance = random.Random(seed)
    yield from ([pattern] for pattern in own)
    yield from _groups(chance.sample(own, len(own)), SMALL_SET)
    missing = min(-len(own) % LARGE_SET, len(foreign))
    yield from _groups([*chance.sample(own, len(own)), *chance.sample(foreign, missing)], LARGE_SET)


def _groups(patterns: list[str], size: int) -> Iterator[list[str]]:
    yield from (patterns[at : at + size] for at in range(0, len(patterns), size))
