"""The prior of a dataset never seen: CatBoost views and the mean response, blended as unseen datasets tell.

components C (n, c): members that may use meta-features, members without, the mean response. Where nothing tells
datasets apart the dataset-free components win by themselves, so the blend is also the floor: an average rank that
generalises.

The mean response serves as trees too, fitted to it over the history's configurations (R² 0.99 and more on held-out
candidates): a score is then one sum of trees, which a search can fold over a space and rank exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from app.learn.boosting import Members, fit_member, fit_members, varies
from app.learn.folds import N_FOLDS
from app.learn.gaussian_process import Example, KernelSpace, Points
from app.learn.relevance import groups, relevance
from app.learn.responses import FittedResponses, Responses, fit_responses
from app.learn.scores import anchored, dataset_weights, rows_by_dataset
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray
from app.types import Feature

SMALL_DATASET = 30
"""Reference runs below which a dataset's scores are anchored to what the learner expects of its configurations."""
N_EXAMPLES, EXAMPLE_RUNS = 30, 40
MAX_IMITATED, IMITATION_RATE = 20_000, 0.1
"""Runs, and the learning rate, with which trees are fitted to the mean response: there is no noise to be careful of."""


@dataclass(frozen=True)
class Prior:
    """Shapes: blend (c,) over the components, of which each view is one; the last is the mean response."""

    views: tuple[Members, ...]
    responses: Responses
    space: KernelSpace
    blend: FloatArray

    def points(self, X: Float32Array) -> Points:
        """Everything the posterior needs to know of configurations. Shapes: X (n, d) -> n points."""
        E = self.space(X)
        C = np.column_stack([view.predict(X) for view in self.views])
        return Points(E, self.responses(E), C, C @ self.blend)

    def restricted(self, x: Float32Array, fixed: BoolArray) -> Prior:
        """The same prior of configurations that share some columns of X, quicker: no tree reads these any more.

        Shapes: x and fixed (d,).
        """
        return replace(self, views=tuple(view.restricted(x, fixed) for view in self.views))

    def scores(self, X: Float32Array) -> FloatArray:
        """The same f (n,) without the rest: only views that the blend uses are computed. Shapes: X (n, d)."""
        f = np.zeros(len(X))
        for view, weight in zip(self.views, self.blend, strict=True):
            if weight:
                f += weight * view.predict(X)
        return f


@dataclass(frozen=True)
class FittedPrior:
    """A prior with what it predicted for each run of the history by parts that had not seen its dataset."""

    prior: Prior
    responses: FittedResponses
    E: FloatArray  # (n, q)
    C: FloatArray  # (n, c) out of fold
    f: FloatArray  # (n,) out of fold
    blind: FloatArray  # (n,) the same as if the run's dataset had no meta-features
    z: FloatArray  # (n,) the scores it was fitted to

    def examples(
        self, dataset: IntArray, reference: BoolArray, seed: int, n_runs: int = EXAMPLE_RUNS
    ) -> list[tuple[IntArray, Example]]:
        """History datasets to learn the kernel from, each with the rows (of the history) it consists of."""
        rng = np.random.default_rng(seed)
        groups = [rows[reference[rows]] for rows in rows_by_dataset(dataset)]
        groups = [rows for rows in groups if len(rows) >= 8]
        out = []
        for i in rng.permutation(len(groups))[:N_EXAMPLES]:
            rows = np.sort(rng.permutation(groups[i])[:n_runs])
            D = self.responses.differences_without(int(dataset[rows[0]]), rows)
            out.append((rows, Example(Points(self.E[rows], D, self.C[rows], self.f[rows]), self.z[rows])))
        return out


def fit_prior(
    X: Float32Array,
    features: Sequence[Feature],
    z: FloatArray,
    dataset: IntArray,
    reference: BoolArray,
    fold: IntArray,
    pool: Executor,
    *,
    seed: int,
) -> FittedPrior:
    """Shapes: X (n, d), all others (n,). The scores z are relative to their dataset, so small ones need an anchor."""
    meta = [j for j, feature in enumerate(features) if feature.kind == "dataset"]
    space = KernelSpace.fit(X, features)
    weights = dataset_weights(dataset, reference)
    without = fit_members(X, z, fold, N_FOLDS, pool, ignored=meta, seed=seed).pruned(X, z, fold, weights)
    if min(reference[rows].sum() for rows in rows_by_dataset(dataset)) < SMALL_DATASET:
        z = anchored(z, without.out_of_fold(X, fold), dataset, reference)
        without = fit_members(X, z, fold, N_FOLDS, pool, ignored=meta, seed=seed).pruned(X, z, fold, weights)
    views: tuple[Members, ...] = (without,)
    if meta:
        # where one dataset has most runs, what holds without meta-features would be what holds on that one
        many_sided = max(map(len, rows_by_dataset(dataset))) < len(z) / 2
        shown = _half_blind(X, z, fold, meta) if many_sided else (X, z, fold)
        views = (fit_members(*shown, N_FOLDS, pool, seed=seed).pruned(X, z, fold, weights), without)
    E = space(X)
    space = replace(space, relevance=relevance(E, groups(space, features), z, dataset, reference, seed))
    E = E * space.relevance
    responses = fit_responses(E, z, dataset, reference, seed)
    mean_response = np.zeros(len(z))
    for rows in rows_by_dataset(dataset):
        mean_response[rows] = responses.mean_without(int(dataset[rows[0]]), rows)
    C = np.column_stack([*(view.out_of_fold(X, fold) for view in views), mean_response])
    blend, _ = nnls(C * weights[:, None], z * weights)
    if not blend.any():  # nothing predicts unseen datasets yet: trust the dataset-free trees a little
        blend[len(views) - 1] = 0.1
    hidden = _blind(X, meta)
    blind = np.column_stack([*(view.out_of_fold(hidden, fold) for view in views), mean_response]) @ blend
    views += (_as_trees(responses, X, meta, seed),)
    return FittedPrior(Prior(views, responses.pooled(), space, blend), responses, E, C, C @ blend, blind, z)


def _half_blind(
    X: Float32Array, z: FloatArray, fold: IntArray, meta: Sequence[int]
) -> tuple[Float32Array, FloatArray, IntArray]:
    """Every run twice, the second time without its dataset's meta-features, so that a dataset may lack them.

    Trees that had always seen meta-features took their absence for some value of them: of the 3 % of candidates that
    they put first for datasets without any, the mean regret was 15 % larger.
    """
    return np.asfortranarray(np.vstack([X, _blind(X, meta)])), np.tile(z, 2), np.tile(fold, 2)


def _blind(X: Float32Array, meta: Sequence[int]) -> Float32Array:
    """X (n, d) without what is known of datasets."""
    blind = X.copy()
    blind[:, meta] = np.nan
    return blind


def _as_trees(responses: FittedResponses, X: Float32Array, meta: Sequence[int], seed: int) -> Members:
    """The mean response at the history's configurations as one model. Shapes: X (n, d)."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(X))[:MAX_IMITATED])
    X, everything = X[rows], np.ones(len(rows), dtype=np.bool_)
    if not varies(np.delete(X, meta, axis=1)):
        return Members(())
    response = responses.mean(rows)
    return Members((fit_member(X, response, everything, ignored=meta, seed=seed, rate=IMITATION_RATE),))
