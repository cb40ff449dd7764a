"""Whether realised results lie in the intervals that were predicted for them, and whether they miss too often."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import comb
from typing import Any, Final

NOMINAL: Final = 0.9
TOLERATED: Final = 0.86
"""Coverage that is still good: a project's own interval may be off by so much without a change of its world."""
LEVEL: Final = 0.01
"""How unlikely an observed coverage must be, were the true one `TOLERATED`, to be called drift."""


@dataclass(slots=True)
class Coverage:
    """Outcomes of one target, by where they came to lie."""

    n: int = 0
    below: int = 0
    above: int = 0

    @property
    def inside(self) -> float:
        """The share of outcomes within their intervals."""
        return (self.n - self.below - self.above) / self.n

    @property
    def drifting(self) -> bool:
        """Whether more outcomes miss than a coverage of `TOLERATED` explains: an exact one-sided binomial test."""
        n, hits = self.n, self.n - self.below - self.above
        chance = sum(comb(n, k) * TOLERATED**k * (1 - TOLERATED) ** (n - k) for k in range(hits + 1))
        return chance < LEVEL

    def add(self, value: float, lower: float, upper: float) -> None:
        self.n += 1
        self.below += value < lower
        self.above += value > upper


def coverage(outcomes: Iterable[Mapping[str, Any]]) -> dict[str, Coverage]:
    """By target, of outcomes with what was `predicted` (an interval a target) and what was `realised` (a number)."""
    by_target: dict[str, Coverage] = {}
    for outcome in outcomes:
        for name, predicted in (outcome["predicted"] or {}).items():
            value = outcome["realised"].get(name)
            if predicted is not None and None not in (value, predicted["lower"], predicted["upper"]):
                by_target.setdefault(name, Coverage()).add(value, predicted["lower"], predicted["upper"])
    return by_target
