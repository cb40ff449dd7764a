"""The runs that a meta-learner remembers one by one, to show them: a sample of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from app.learn.continuation import Replay
from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray
from app.types import FeatureFrame, Ids, RunTable

REMEMBERED, REMEMBERED_MORE = 2_000, 200
"""Runs that a full refit, and an increment, put in."""


@dataclass(frozen=True)
class Memory:
    """n runs of t datasets. Shapes: ids and dataset (n,), X (n, d), targets (n,) each, meta_features (t, d)."""

    datasets: tuple[str, ...]
    ids: np.ndarray[Any, np.dtype[np.str_]]
    dataset: IntArray  # rows of `datasets`
    X: Float32Array
    targets: Mapping[str, FloatArray]
    meta_features: Float32Array  # one row of X for each dataset, of which only its meta-features are meant


def remember(table: RunTable, frame: FeatureFrame, reference: BoolArray, seed: int) -> Memory:
    """A sample of the fully trained runs in which every dataset has its share."""
    rng = np.random.default_rng(seed)
    groups = [rows[reference[rows]] for rows in rows_by_dataset(table.dataset)]
    share = max(REMEMBERED // max(len(groups), 1), 1)
    rows = np.sort(np.concatenate([np.zeros(0, np.int64), *(rng.permutation(g)[:share] for g in groups)]))[:REMEMBERED]
    first = np.unique(table.dataset, return_index=True)[1]
    return Memory(
        datasets=table.datasets,
        ids=as_text(table.ids[rows]),
        dataset=table.dataset[rows],
        X=np.asfortranarray(frame.X[rows]),
        targets={name: y[rows] for name, y in table.targets.items()},
        meta_features=np.asfortranarray(frame.X[first]),
    )


def with_new(memory: Memory, runs: Replay, ids: Ids, datasets: tuple[str, ...]) -> Memory:
    """With a few runs of an increment, and its new datasets; `datasets` are all of them, the known ones first."""
    groups = [rows[runs.reference[rows]] for rows in rows_by_dataset(runs.dataset)]
    share = max(REMEMBERED_MORE // max(len(groups), 1), 1)
    rows = np.sort(np.concatenate([np.zeros(0, np.int64), *(g[-share:] for g in groups)]))[-REMEMBERED_MORE:]
    added, first = np.unique(runs.dataset, return_index=True)
    unknown = first[added >= len(memory.datasets)]
    nothing = np.full(len(rows), np.nan)
    return Memory(
        datasets=datasets,
        ids=np.concatenate([memory.ids, as_text(ids[rows])]),
        dataset=np.concatenate([memory.dataset, runs.dataset[rows]]),
        X=np.asfortranarray(np.vstack([memory.X, runs.X[rows]])),
        targets={
            name: np.concatenate([y, runs.targets[name][rows] if name in runs.targets else nothing])
            for name, y in memory.targets.items()
        },
        meta_features=np.asfortranarray(np.vstack([memory.meta_features, runs.X[unknown]])),
    )


def as_text(ids: Ids) -> np.ndarray[Any, np.dtype[np.str_]]:
    return np.array([str(UUID(bytes=bytes(id_))) for id_ in ids], dtype=np.str_)
