"""What is asked of the search, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from app.space import CandidateList, JsonValue, SearchSpace
from app.types import Basis, Enumeration, Objective, OutcomeConstraint, OwnRun, Strategy

Space: TypeAlias = SearchSpace | CandidateList

HURRIED_MS = 100
"""A budget below this: taking an infinite space apart would exceed it."""


@dataclass(frozen=True)
class Question:
    """A dataset, what may be tried on it, what is wanted, and what is known of it already."""

    space: Space
    objectives: tuple[Objective, ...]
    meta_features: Mapping[str, float] = field(default_factory=dict)
    context: Mapping[str, JsonValue] = field(default_factory=dict)  # inputs of every candidate, by path
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    own: tuple[OwnRun, ...] = ()
    pending: tuple[Mapping[str, JsonValue], ...] = ()  # configurations that are being trained
    top_k: int = 10
    strategy: Strategy = "best"
    per: str | None = None  # the target that improvement is divided by
    seed: int = 0
    explain: bool = False
    budget_ms: int = 2_000

    @property
    def hurried(self) -> bool:
        """Whether so little time is given that only a sample can be meant: decided by what is asked, not by a clock."""
        return self.budget_ms < HURRIED_MS

    @property
    def samples(self) -> bool:
        """Whether a small sample of an infinite space is all that is looked at."""
        return self.hurried and isinstance(self.space, SearchSpace) and not self.space.finite

    @property
    def tried(self) -> list[Mapping[str, JsonValue]]:
        """Configurations that are no answers: they are being trained, or training them again would tell nothing."""
        asked = {path: value for path, value in self.context.items() if path.startswith("fidelity.")}
        told = [run.inputs for run in self.own if all(run.inputs.get(path, v) == v for path, v in asked.items())]
        return [*told, *self.pending]


@dataclass(frozen=True)
class Ranking:
    """The ordered answer: `configurations` as in the HTTP contract, best first."""

    basis: Basis
    n_own_runs: int
    enumeration: Enumeration
    space_size: int | None
    candidates_ranked: int
    configurations: list[dict[str, Any]]
    warnings: list[str]
    similar_datasets: list[dict[str, Any]] | None = None
    gap: float | None = None
