"""The step on one page: a table of runs in, a validated bundle and a verdict out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from catboost import CatBoostError
from threadpoolctl import threadpool_limits

from app.errors import NothingToLearn
from app.featurise.featuriser import Featuriser
from app.featurise.fidelity import with_ends
from app.learn import bundle
from app.learn.boosting import fit_classifier
from app.learn.continuation import REPLAYED, Continuation, Replay, Sketch, evenly
from app.learn.eras import find_era, with_era
from app.learn.folds import assign_folds
from app.learn.memory import remember
from app.learn.meta_learner import FailureLearner, MetaLearner, TargetLearner
from app.learn.promotion import decide, held_out_correlations
from app.learn.scores import fold_rows, plausible, reference_runs, usable
from app.learn.subsample import representative
from app.learn.target import Rows, fit_target
from app.space.columns import BoolArray
from app.types import FeatureFrame, RunTable, Verdict

MIN_RUNS = 10
MIN_FAILURES = 5

Progress = Callable[[str, float], None]
"""Told what is being fitted, and the share that is done."""


@dataclass(frozen=True)
class Trained:
    """A challenger: its bundle, its report, and whether it serves."""

    content: bytes
    report: dict[str, Any]
    verdict: Verdict
    n_runs: int
    n_datasets: int
    continuation: bytes = b""  # what an increment starts from


@contextmanager
def side_by_side(threads: int) -> Iterator[Executor]:
    """Where members are fitted, each on one thread; BLAS threads would only get in their way."""
    with ThreadPoolExecutor(threads) as pool, threadpool_limits(limits=1):
        yield pool


PoolOf = Callable[[int], AbstractContextManager[Executor]]


def train(
    table: RunTable,
    *,
    seed: int = 0,
    threads: int = 1,
    previous: bytes | None = None,
    progress: Progress | None = None,
    pool_of: PoolOf = side_by_side,
) -> Trained:
    """Fit a challenger on a project's history and judge it against the champion, if there is one.

    Raises: NothingToLearn where no target has been reported by enough runs.
    """
    tell = progress or (lambda _stage, _share: None)
    n_runs, table = len(table), with_ends(table.take(representative(table)))
    champion = bundle.from_bytes(previous) if previous else None
    folds = assign_folds(table.datasets, champion.folds if champion else None)
    fold, reference = fold_rows(table.datasets, table.dataset, folds), reference_runs(table)
    learnable = [name for name in sorted(table.targets) if usable(table, name).sum() >= MIN_RUNS]
    if not learnable:
        raise NothingToLearn(f"{len(table)} runs, but no target is reported by {MIN_RUNS} of them")
    featuriser, frame = _featurised(table)
    if (era := find_era(table, frame.X, fold, learnable)) is not None:
        table = with_era(table, era)
        featuriser, frame = _featurised(table)
    targets: dict[str, TargetLearner] = {}
    reports: dict[str, Any] = {}
    with pool_of(threads) as pool:
        for i, name in enumerate(learnable):
            tell(name, i / len(learnable))
            known = usable(table, name)
            part = FeatureFrame(np.asfortranarray(frame.X[known]), frame.features, frame.groups[known])
            rows = Rows(part, table.targets[name][known], reference[known], fold[known])
            resource = name in table.resources
            targets[name], reports[name] = fit_target(rows, table.datasets, pool, resource=resource, seed=seed)
            reports[name]["n_implausible"] = _n_implausible(table, name)
    failure, memory = _fit_failure(table, frame, seed), remember(table, frame, reference, seed)
    learner = MetaLearner(featuriser, targets, failure, folds, n_runs, memory)
    tell("verdict", 1.0)
    verdict = decide(
        held_out_correlations(learner, table), held_out_correlations(champion, table) if champion else None
    )
    report = {
        "targets": reports,
        "n_runs": n_runs,
        "n_fitted": len(table),
        "n_datasets": len(table.datasets),
        "inputs": len(frame.features),
        "era": era and asdict(era),
    }
    state = _continuation(learner, table, frame, reference, n_runs).to_bytes()
    return Trained(bundle.to_bytes(learner), report, verdict, n_runs, len(table.datasets), state)


def _featurised(table: RunTable) -> tuple[Featuriser, FeatureFrame]:
    featuriser = Featuriser.fit(table)
    return featuriser, featuriser.transform(table.inputs, table.meta_features, table.dataset)


def _n_implausible(table: RunTable, name: str) -> int:
    y = table.targets[name]
    return int((np.isfinite(y) & ~plausible(y, resource=name in table.resources)).sum())


def _continuation(
    learner: MetaLearner, table: RunTable, frame: FeatureFrame, reference: BoolArray, n_runs: int
) -> Continuation:
    """What an increment needs of the history."""
    known = {name: np.where(usable(table, name), table.targets[name], np.nan) for name in learner.targets}
    sketches = {}
    for name, target in learner.targets.items():
        if not target.resource:
            rows = np.flatnonzero(np.isfinite(known[name]))
            v = target.scale.to_v(known[name][rows])
            sketches[name] = Sketch.of(v, table.dataset[rows], reference[rows], len(table.datasets))
    everything = Replay(frame.X, table.dataset, reference, known)
    rows = representative(table, REPLAYED)
    replay = everything.take(rows[evenly(len(rows), REPLAYED)])
    return Continuation(table.datasets, sketches, replay, n_runs, n_runs)


def _fit_failure(table: RunTable, frame: FeatureFrame, seed: int) -> FailureLearner:
    """The probability of failure, from finished and failed runs."""
    ended = np.asarray(table.state != "running")
    failed = np.asarray(table.state == "failed")[ended]
    rate = float((failed.sum() + 0.5) / (len(failed) + 1.0))
    if min(failed.sum(), (~failed).sum()) < MIN_FAILURES:
        return FailureLearner(rate, None)
    try:
        return FailureLearner(rate, fit_classifier(np.asfortranarray(frame.X[ended]), failed, seed))
    except CatBoostError:  # no input varies: the rate is all there is to know
        return FailureLearner(rate, None)
