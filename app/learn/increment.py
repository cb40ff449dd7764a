"""The step between full refits, on one page: a meta-learner learns on from new runs alone, in about a second.

Every member grows some trees on what it says wrong of the new runs, beside a replay of old ones on which it shall go on
saying what it says: these have no error to learn from, and so hold the rest of the space in place. The mean response
moves towards new datasets by their share of all. All else stays as the last full refit left it: inputs, kernel, how
datasets differ, blend, scales, intervals; and so do a view that the blend hardly uses, and a member that may see none
of the new runs. Trees grow with every increment and a new input waits, so full refits must come again; `flows/refit.py`
says when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

import numpy as np
from catboost import CatBoostRegressor, Pool

from app.errors import NothingToLearn
from app.featurise.fidelity import with_ends
from app.learn import bundle
from app.learn.boosting import Members, continue_member
from app.learn.continuation import REPLAYED, Continuation, Replay, Sketch, evenly
from app.learn.folds import assign_folds
from app.learn.memory import with_new
from app.learn.meta_learner import MetaLearner, TargetLearner
from app.learn.promotion import correlations_at, decide
from app.learn.scores import ANCHOR_RUNS, reference_runs, rows_by_dataset, usable
from app.learn.subsample import representative
from app.learn.train import Progress, Trained, side_by_side
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray
from app.types import RunTable

LEAST_SHARE = 0.1
"""Of the blend, from which a view is worth growing."""
MAX_SHOWN = 2_000
"""New runs that trees are grown on, about: an increment costs the same however many came at once."""


@dataclass(frozen=True)
class _New:
    """New runs, encoded. Shapes: n runs; dataset (n,) rows of `datasets`, old ones first; fold and shown (n,)."""

    runs: Replay
    datasets: tuple[str, ...]
    fold: IntArray
    shown: BoolArray  # those that trees are grown on
    folds: Mapping[str, int]


def learn_on(
    previous: bytes, state: bytes, table: RunTable, *, seed: int = 0, threads: int = 1, progress: Progress | None = None
) -> Trained:
    """A challenger that is the champion and what the runs of a table, which it has not seen, add to it.

    Raises: CorruptBundle; NothingToLearn where the table is empty.
    """
    if not len(table):
        raise NothingToLearn("there is no new run to learn from")
    tell = progress or (lambda _stage, _share: None)
    champion, before = bundle.from_bytes(previous, compiled=False), Continuation.from_bytes(state)
    new = _encoded(champion, before, table)
    meta = [j for j, feature in enumerate(champion.featuriser.features) if feature.kind == "dataset"]
    targets = dict(champion.targets)
    with side_by_side(threads) as pool:
        for i, (name, target) in enumerate(champion.targets.items()):
            tell(name, i / len(champion.targets))
            targets[name] = _target(target, name, before, new, meta, pool, seed)
    tell("verdict", 1.0)
    after = _learned(champion.targets, before, new)
    memory = with_new(champion.memory, new.runs, table.ids, new.datasets)
    learner = replace(champion, targets=targets, folds=new.folds, n_runs=after.n_runs, memory=memory)
    judged = before.replay.joined(new.runs)
    challenger, rival = (correlations_at(who, judged, new.datasets) for who in (learner, champion))
    verdict = decide(challenger, rival)
    report = {
        "targets": {},
        "n_runs": after.n_runs,
        "n_new_runs": len(table),
        "n_datasets": len(new.datasets),
        "n_increments": after.n_increments,
    }
    return Trained(bundle.to_bytes(learner), report, verdict, after.n_runs, len(new.datasets), after.to_bytes())


def _encoded(champion: MetaLearner, before: Continuation, table: RunTable) -> _New:
    datasets = before.datasets + tuple(name for name in table.datasets if name not in set(before.datasets))
    index = {name: i for i, name in enumerate(datasets)}
    folds = assign_folds(datasets, champion.folds)
    dataset = np.array([index[name] for name in table.datasets], dtype=np.int64)[table.dataset]
    frame = champion.featuriser.transform(with_ends(table).inputs, table.meta_features, table.dataset)
    nothing = np.full(len(table), np.nan)
    targets = {name: _known(table, name) if name in table.targets else nothing for name in before.replay.targets}
    fold = np.array([folds[name] for name in datasets], dtype=np.int64)[dataset]
    shown = np.zeros(len(table), dtype=np.bool_)
    shown[representative(table, MAX_SHOWN)] = True
    return _New(Replay(frame.X, dataset, reference_runs(table), targets), datasets, fold, shown, folds)


def _known(table: RunTable, name: str) -> FloatArray:
    """A target (n,), NaN where there is nothing to learn from a run."""
    return np.where(usable(table, name), table.targets[name], np.nan)


def _target(
    target: TargetLearner,
    name: str,
    before: Continuation,
    new: _New,
    meta: Sequence[int],
    pool: Executor,
    seed: int,
) -> TargetLearner:
    known = np.flatnonzero(np.isfinite(new.runs.targets[name]))
    if not len(known):
        return target
    runs, fold = new.runs.take(known), new.fold[known]
    *views, _ = target.prior.views
    z = _scores(target, before.sketches.get(name), runs, runs.targets[name], views[-1].out_of_fold(runs.X, fold))
    shown = np.flatnonzero(new.shown[known])
    lesson = _Lesson(runs.X[shown], fold[shown], z[shown], before.replay.X, seed)
    unknown = np.flatnonzero(runs.dataset[shown] >= len(before.datasets))
    share = len(np.unique(runs.dataset[shown][unknown])) / len(new.datasets)
    jobs: list[list[Future[CatBoostRegressor]]] = [[] for _ in target.prior.views]
    for i in np.flatnonzero(target.prior.blend >= LEAST_SHARE * target.prior.blend.sum()):
        for k, model in enumerate(target.prior.views[i].models):
            if i < len(views):
                jobs[i].append(pool.submit(lesson.grown, model, k, meta if i == len(views) - 1 else ()))
            elif share:
                jobs[i].append(pool.submit(lesson.moved, model, unknown, share, meta))
    grown = (Members(tuple(fit.result() for fit in fits)) if fits else None for fits in jobs)
    kept = tuple(new or old for new, old in zip(grown, target.prior.views, strict=True))
    return replace(target, prior=replace(target.prior, views=kept))


@dataclass(frozen=True)
class _Lesson:
    """What models are shown of one target. Shapes: X (n, d), fold and z (n,) of new runs; replay (r, d) of old ones."""

    X: Float32Array
    fold: IntArray
    z: FloatArray
    replay: Float32Array
    seed: int

    def grown(self, model: CatBoostRegressor, k: int, ignored: Sequence[int]) -> CatBoostRegressor:
        """Member k, which may not see the datasets of its fold."""
        shown = self.fold != k
        if not shown.any():
            return model
        X = np.asfortranarray(np.vstack([self.replay, self.X[shown]]))
        z = np.concatenate([_says(model, self.replay), self.z[shown]])
        return continue_member(model, X, z, ignored=ignored, seed=self.seed + k)

    def moved(
        self, model: CatBoostRegressor, unknown: IntArray, share: float, ignored: Sequence[int]
    ) -> CatBoostRegressor:
        """The mean response, of which datasets that it does not know yet (rows `unknown`) are a share."""
        X = np.asfortranarray(self.X[unknown])
        says = _says(model, X)
        return continue_member(model, X, says + share * (self.z[unknown] - says), ignored=ignored, seed=self.seed)


def _says(model: CatBoostRegressor, X: Float32Array) -> FloatArray:
    return np.asarray(model.predict(Pool(X), thread_count=1))


def _scores(
    target: TargetLearner, sketch: Sketch | None, runs: Replay, y: FloatArray, expected: FloatArray
) -> FloatArray:
    """What the members are to say of new runs, on their datasets' scales (n,); see `rank_scores` and `anchored`.

    Of a resource new runs tell how they differ; how much all cost together is left to what the members expect.
    """
    v = target.scale.to_v(y)
    if sketch is None:
        z = np.asarray(v / np.exp(target.told.place.middle[1]))
        for rows in rows_by_dataset(runs.dataset):
            z[rows] += expected[rows].mean() - z[rows].mean()
        return z
    z = sketch.scores(v, runs.dataset, runs.reference)
    for rows in rows_by_dataset(runs.dataset):
        n = sketch.n_old(int(runs.dataset[rows[0]])) + int(runs.reference[rows].sum())
        z[rows] += ANCHOR_RUNS / (max(n, 1) + ANCHOR_RUNS) * expected[rows].mean()
    return z


def _learned(targets: Mapping[str, TargetLearner], before: Continuation, new: _New) -> Continuation:
    """What the next increment starts from."""
    sketches = {}
    for name, sketch in before.sketches.items():
        known = np.flatnonzero(np.isfinite(new.runs.targets[name]))
        runs = new.runs.take(known)
        v = targets[name].scale.to_v(runs.targets[name])
        sketches[name] = sketch.with_more(v, runs.dataset, runs.reference, len(new.datasets))
    replay = before.replay.joined(new.runs)
    n_runs = before.n_runs + len(new.fold)
    share = max(round(REPLAYED * len(new.fold) / n_runs), 1)  # new runs take their share of the places
    older = np.flatnonzero(evenly(len(before.replay.X), REPLAYED - share))
    newer = len(before.replay.X) + np.flatnonzero(evenly(len(new.fold), share))
    replay = replay.take(np.concatenate([older, newer]))
    return replace(
        before,
        datasets=new.datasets,
        sketches=sketches,
        replay=replay,
        n_runs=n_runs,
        n_increments=before.n_increments + 1,
    )
