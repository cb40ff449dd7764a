"""The runs that a meta-learner remembers one by one, to show them: a sample of the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray
from app.types import FeatureFrame, RunTable

REMEMBERED = 2_000


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
        ids=np.array([str(UUID(bytes=bytes(id_))) for id_ in table.ids[rows]], dtype=np.str_),
        dataset=table.dataset[rows],
        X=np.asfortranarray(frame.X[rows]),
        targets={name: y[rows] for name, y in table.targets.items()},
        meta_features=np.asfortranarray(frame.X[first]),
    )
