"""The answer without history: own runs alone, or a design that covers the space.

With three own runs or more the same Gaussian process as ever works on a prior that knows nothing (f = 0); before that
the candidate farthest from everything tried or chosen comes next, starting from the middle of the space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from app.featurise.featuriser import Featuriser
from app.featurise.frame import columns_of
from app.learn.calibration import Z90
from app.learn.gaussian_process import DatasetPrior, Kernel, KernelSpace, Points, Posterior, condition
from app.learn.scores import winsorised
from app.search.acquisition import expected_improvement
from app.search.answer import number, predicted_row
from app.search.candidates import Candidates
from app.search.question import Question, Ranking
from app.search.stages import stage
from app.space.columns import Columns, FloatArray, IntArray, n_rows, take
from app.types import Prediction, RunTable

ENOUGH = 3
DESIGN_FROM = 4_096
"""Candidates that a design is chosen from: more would cost time and change nothing that can be seen."""
RESOLUTION = 1e-12
"""Relative spread of outcomes below which they are equal."""


@dataclass(frozen=True)
class OwnRunsAlone:
    """A posterior in units of the largest own outcome, from own runs and nothing else: no square leaves the range."""

    unit: float
    posterior: Posterior
    points: Points  # the candidates, n of them
    sign: float
    incumbent: float

    @classmethod
    def fit(cls, candidates: Columns, own: Columns, y: FloatArray, sign: float) -> OwnRunsAlone:
        """Shapes: candidates n rows and own n_own rows, by input path; y (n_own,)."""
        E, E_own = coordinates(candidates, own)
        unit = float(np.abs(y).max()) or 1.0
        v = sign * winsorised(sign * y / unit)
        spread = float(v.std())
        typical = float(np.median(cdist(E_own, E[:DESIGN_FROM]))) or 1.0
        kernel = Kernel(amplitude=0.8, length=typical, noise=0.05, across=0.0, components=0.0)
        scale = spread if spread > RESOLUTION else 1.0
        prior = DatasetPrior(float(v.mean()), scale, offset=1.0, log_scale_spread=0.3)
        return cls(unit, condition(kernel, prior, _flat(E_own), v), _flat(E), sign, unit * float((sign * v).max()))

    def answer(self, question: Question, candidates: Columns) -> list[dict[str, Any]]:
        """The top k by expected improvement (by expected value for `best`)."""
        mean, std = (self.unit * part for part in self.posterior.predict(self.points))
        if question.strategy == "best":
            score = self.sign * mean
        else:
            score = expected_improvement(self.sign * mean, std, self.incumbent)
        rows = np.argsort(-score, kind="stable")[: question.top_k]
        half = Z90 * std
        prediction = Prediction(mean, std, mean - half, mean + half)
        return [
            _entry(
                i, configuration, number(score[row]), {question.objectives[0].metric: predicted_row(prediction, row)}
            )
            for i, (row, configuration) in enumerate(
                zip(rows, question.space.decode(candidates, rows.tolist()), strict=True)
            )
        ]


def coordinates(candidates: Columns, own: Columns) -> tuple[FloatArray, FloatArray]:
    """Candidates and own runs as points of one kernel space, laid out by the candidates."""
    featuriser = Featuriser.fit(_as_history(candidates))
    X, X_own = (featuriser.transform(part, [{}], np.zeros(n_rows(part), np.int64)).X for part in (candidates, own))
    space = KernelSpace.fit(X, featuriser.features)
    return space(X), space(X_own)


def design(candidates: Columns, taken: Columns, k: int, seed: int) -> IntArray:
    """K rows that cover the space: each is the farthest from those taken and chosen before (Johnson et al. 1990)."""
    n = n_rows(candidates)
    rows = np.sort(np.random.default_rng(seed).permutation(n)[: max(DESIGN_FROM, k)])
    E, E_taken = coordinates(take(candidates, rows), taken)
    centre = E.mean(axis=0, keepdims=True)
    nearest = cdist(E, E_taken).min(axis=1) if len(E_taken) else -cdist(E, centre)[:, 0]
    chosen: list[int] = []
    for _ in range(min(k, len(rows))):
        j = int(np.argmax(nearest))
        if not chosen and not len(E_taken):
            nearest = np.full(len(rows), np.inf)
        chosen.append(j)
        nearest = np.minimum(nearest, cdist(E, E[j : j + 1])[:, 0])
        nearest[chosen] = -np.inf
    return np.asarray(rows[chosen], dtype=np.int64)


def _as_history(inputs: Columns) -> RunTable:
    n = n_rows(inputs)
    nothing = np.zeros(n, dtype=np.int64)
    return RunTable(
        ("",), ({},), nothing, np.full(n, "completed"), inputs, {}, frozenset(), np.zeros(n), np.zeros(n, "V16")
    )


def _flat(E: FloatArray) -> Points:
    """Points of a prior that knows nothing."""
    none = np.zeros((len(E), 0))
    return Points(E, none, none, np.zeros(len(E)))


@stage("cold_start")
def rank_cold(question: Question, found: Candidates) -> Ranking:
    """The candidates in order, with predictions of the first objective once there are enough own runs."""
    objective = question.objectives[0]
    inputs = dict(question.space.inputs(found.columns))
    y = np.array([run.targets.get(objective.metric, np.nan) for run in question.own], dtype=np.float64)
    known = np.flatnonzero(np.isfinite(y))
    warnings = ["nothing has been learned yet: a refit starts by itself once the project has enough finished runs"]
    configurations: list[dict[str, Any]] = []
    if not len(found):
        warnings = ["every configuration of the search space has been run or is being run"]
    elif len(known) >= ENOUGH:
        own = columns_of([question.own[i].inputs for i in known])
        alone = OwnRunsAlone.fit(inputs, own, y[known], objective.sign)
        configurations = alone.answer(question, found.columns)
        warnings.append(f"predictions rest on {len(known)} runs of this dataset alone")
    else:
        tried = columns_of([*(run.inputs for run in question.own), *question.pending])
        rows = design(inputs, tried, question.top_k, question.seed)
        configurations = [
            _entry(i, c, None, None) for i, c in enumerate(question.space.decode(found.columns, rows.tolist()))
        ]
    return Ranking(
        "cold_start", len(question.own), found.enumeration, found.space_size, len(found), configurations, warnings
    )


def _entry(
    i: int, configuration: dict[str, Any], score: float | None, predicted: dict[str, Any] | None
) -> dict[str, Any]:
    """One answered configuration, of which no more is known than this."""
    return {
        "rank": i + 1,
        "configuration": configuration,
        "score": score,
        "predicted": predicted,
        "probability_of_failure": None,
        "probability_feasible": None,
        "novelty": None,
    }
