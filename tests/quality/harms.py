"""What is done to a history, to see what answers stand: too little of it, too much noise in it, units that differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np


def _untouched(split: Any, _rng: np.random.Generator) -> Any:
    return split


def _five_runs(split: Any, rng: np.random.Generator) -> Any:
    shuffled = split.history.iloc[rng.permutation(len(split.history))]
    return replace(split, history=shuffled.groupby("task", sort=True).head(5).reset_index(drop=True))


def _ten_datasets(split: Any, rng: np.random.Generator) -> Any:
    kept = rng.permutation(sorted(split.history["task"].unique()))[:10]
    return replace(split, history=split.history[split.history["task"].isin(kept)].reset_index(drop=True))


def _noise(split: Any, rng: np.random.Generator) -> Any:
    """A tenth of the outcomes anywhere between the least and the largest of their dataset."""
    history = split.history.copy()
    lies = rng.random(len(history)) < 0.1
    by_task = history.groupby("task")["y"]
    anywhere = rng.uniform(by_task.transform("min"), by_task.transform("max"))
    return replace(split, history=history.assign(y=np.where(lies, anywhere, history["y"])))


def _rescaled(split: Any, rng: np.random.Generator) -> Any:
    """Every dataset's metric in another unit: up to ten times or a tenth, shifted where it need not be positive."""
    history = split.history.copy()
    names = sorted(history["task"].unique())
    unit = dict(zip(names, 10 ** rng.uniform(-1, 1, len(names)), strict=True))
    shift = dict(zip(names, rng.normal(0, 1, len(names)) * (not split.spec.log_regret), strict=True))
    return replace(
        split, history=history.assign(y=history["y"] * history["task"].map(unit) + history["task"].map(shift))
    )


def _nameless(split: Any, _rng: np.random.Generator) -> Any:
    if split.meta is None:
        return split
    held_out = split.meta.index.isin([task.name for task in split.tasks])
    return replace(split, meta=split.meta.mask(np.repeat(held_out[:, None], split.meta.shape[1], axis=1)))


HARMS: dict[str, tuple[str, Callable[[Any, np.random.Generator], Any]]] = {
    "as it is": ("whole", _untouched),
    "held-out datasets without meta-features": ("whole", _nameless),
    "5 runs a dataset": ("five", _five_runs),
    "10 datasets": ("ten", _ten_datasets),
    "10 % of outcomes replaced by noise": ("noise", _noise),
    "metrics rescaled dataset by dataset": ("rescaled", _rescaled),
}
