"""CatBoost members: K models per view of the inputs, member k fitted without the datasets of fold k.

One set of fits gives three things: an ensemble bagged by dataset (it serves), predictions for every run by a member
that has not seen its dataset (they validate, calibrate and blend), and a champion that stays comparable with its
challenger.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from catboost import CatBoostClassifier, CatBoostError, CatBoostRegressor, Pool, sum_models

from app.learn.cbm import Unreadable, model_from_bytes
from app.learn.trees import Trees, read_trees, summed
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

TREES, RATE, DEPTH = 500, 0.06, 6
STAGE = 20
"""Trees after which it is asked whether unseen datasets are told better by more of them."""
MORE_TREES, MORE_RATE = 40, 0.3
"""What an increment adds to a member: at a rate of 0.1 it learned two thirds as much of new datasets."""
BORDERS = 64
"""Split points tried per input: a fit takes less than half the time it does with CatBoost's 254, at equal regret."""
FEATURE_SHARE = 0.5
"""Share of the inputs tried at a split where meta-features take part: there are many of them and few datasets."""
ALONE: Final[dict[str, Any]] = {"thread_count": 1, "verbose": False, "allow_writing_files": False}
"""How every model is fitted: side by side with others, and silently."""
CONSTANT = 1e-9
"""Scores that differ by less, in standard deviations, are one score."""

FOLDED_FROM = 1_024
"""Rows from which it pays to decide the splits of columns that are the same for all of them."""
PARALLEL_FROM = 4_096
"""Rows from which a prediction is worth more than one thread."""


@dataclass(frozen=True)
class Members:
    """K CatBoost regressors over all columns of X; they share X, but a view may ignore some of its columns.

    `trees`: their mean, compiled; None where they have not been read from a bundle, or cannot be compiled.
    """

    models: tuple[CatBoostRegressor, ...]
    trees: Trees | None = None

    @classmethod
    def read(cls, contents: Sequence[bytes], *, compiled: bool = True) -> Members:
        """Members from CatBoost's binary format, compiled ahead of the first question. Raises: CorruptBundle."""
        models = tuple(model_from_bytes(content) for content in contents)
        if not compiled:
            return cls(models)
        try:
            parts = [(1.0 / len(models), read_trees(*part)) for part in zip(models, contents, strict=True)]
        except Unreadable:
            return cls(models)
        return cls(models, summed(parts))

    @cached_property
    def ensemble(self) -> CatBoostRegressor:
        return sum_models(list(self.models), weights=[1.0 / len(self.models)] * len(self.models))

    def predict(self, X: Float32Array) -> FloatArray:
        """Mean over members; 0 where there was nothing to learn from. Shapes: X (n, d) -> (n,)."""
        if not self.models or not len(X):
            return np.zeros(len(X))
        if self.trees is None:
            threads = 1 if len(X) < PARALLEL_FROM else -1
            return np.asarray(self.ensemble.predict(Pool(X), thread_count=threads), dtype=np.float64)
        if len(X) < FOLDED_FROM:
            return self.trees.predict(X)
        read = self.trees.features_read
        part = X[:, read]
        same = np.zeros(X.shape[1], dtype=np.bool_)
        same[read] = ((part == part[0]) | (np.isnan(part) & np.isnan(part[0]))).all(axis=0)
        return (self.trees.restricted(X[0], same) if same.any() else self.trees).predict(X)

    def restricted(self, x: Float32Array, fixed: BoolArray) -> Members:
        """The same where some columns are known, as `Trees.restricted`: what is not compiled stays as it is."""
        return self if self.trees is None else replace(self, trees=self.trees.restricted(x, fixed))

    def out_of_fold(self, X: Float32Array, fold: IntArray) -> FloatArray:
        """Each run by the member that has not seen its dataset. Shapes: X (n, d), fold (n,) -> (n,)."""
        out = np.zeros(len(X))
        for k, model in enumerate(self.models):
            if (rows := fold == k).any():
                out[rows] = model.predict(Pool(np.asfortranarray(X[rows])), thread_count=1)
        return out

    def pruned(self, X: Float32Array, z: FloatArray, fold: IntArray, weights: FloatArray) -> Members:
        """The same with as many trees as tell unseen datasets best: of few they soon learn what is theirs alone.

        One number for all members, by the weighted squares of what each says wrong of datasets that it has not seen.
        Shapes: X (n, d), z, fold and weights (n,).
        """
        if any(model.tree_count_ < TREES for model in self.models):  # one has seen a constant, and says it
            return self
        stage = min(STAGE, TREES)
        loss = np.zeros(-(-TREES // stage))
        for k, model in enumerate(self.models):
            if (rows := (fold == k) & (weights > 0)).any():
                stages = model.staged_predict(Pool(np.asfortranarray(X[rows])), eval_period=stage, thread_count=1)
                loss += [np.square(weights[rows] * (z[rows] - said)).sum() for said in stages]
        best = min(stage * (int(np.argmin(loss)) + 1), TREES)
        return Members(tuple(_cut(model, best) for model in self.models))


def _cut(model: CatBoostRegressor, n_trees: int) -> CatBoostRegressor:
    """The first trees of a model."""
    first = model.copy()
    first.shrink(n_trees)
    return first


def fit_member(
    X: Float32Array,
    z: FloatArray,
    kept: BoolArray,
    *,
    ignored: Sequence[int],
    seed: int,
    rate: float = RATE,
) -> CatBoostRegressor:
    """One member on the kept rows, one thread: the answer does not depend on how many threads there are."""
    seen = np.setdiff1d(np.arange(X.shape[1]), ignored)
    rows = kept if varies(X[np.ix_(kept, seen)]) else np.ones_like(kept)
    share = 1.0 if ignored else FEATURE_SHARE
    model = CatBoostRegressor(
        iterations=TREES,
        learning_rate=rate,
        depth=DEPTH,
        border_count=BORDERS,
        rsm=share,
        ignored_features=list(ignored) or None,
        random_seed=seed,
        **ALONE,
    )
    if np.ptp(z[rows]) < CONSTANT:  # CatBoost refuses a constant target, and cannot sample from one: one tree says it
        model.set_params(iterations=1, allow_const_label=True, bootstrap_type="No")
    return model.fit(Pool(np.asfortranarray(X[rows]), z[rows]))


def continue_member(
    model: CatBoostRegressor, X: Float32Array, z: FloatArray, *, ignored: Sequence[int], seed: int
) -> CatBoostRegressor:
    """A member with more trees, grown on what it says wrong of z (n,). Shapes: X (n, d)."""
    more = CatBoostRegressor(
        iterations=MORE_TREES,
        learning_rate=MORE_RATE,
        depth=DEPTH,
        border_count=BORDERS,
        ignored_features=list(ignored) or None,
        random_seed=seed,
        **ALONE,
    )
    try:
        return more.fit(Pool(X, z), init_model=model)
    except CatBoostError:  # no input varies: there is nothing to tell the new runs apart by
        return model


def varies(X: Float32Array) -> bool:
    """Whether any column has two different values: CatBoost refuses inputs that are all constant."""
    return bool(len(X)) and any(not np.array_equal(c, np.full_like(c, c[0]), equal_nan=True) for c in X.T)


def fit_members(
    X: Float32Array,
    z: FloatArray,
    fold: IntArray,
    n_folds: int,
    pool: Executor,
    *,
    ignored: Sequence[int] = (),
    seed: int = 0,
) -> Members:
    """All members of one view. Shapes: X (n, d), z and fold (n,). `ignored`: columns this view does not see."""
    if not varies(np.delete(X, list(ignored), axis=1)):
        return Members(())
    jobs = [pool.submit(fit_member, X, z, fold != k, ignored=ignored, seed=seed + k) for k in range(n_folds)]
    return Members(tuple(job.result() for job in jobs))


def fit_classifier(X: Float32Array, happened: BoolArray, seed: int) -> CatBoostClassifier:
    """The probability of an event, such as failing. Shapes: X (n, d), happened (n,) with both values present."""
    model = CatBoostClassifier(
        iterations=200,
        learning_rate=0.05,
        depth=4,
        random_seed=seed,
        **ALONE,
    )
    return model.fit(Pool(np.asfortranarray(X), happened.astype(np.int64)))
