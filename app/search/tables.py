"""What questions with the same model and inputs share in this process: scores as trees, folded grids, solved spaces."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import TypeVar

import numpy as np

from app.learn.prior import Prior
from app.learn.score_trees import score_trees
from app.learn.trees import Trees, summed
from app.search.grid import Folded, Grid, fold
from app.search.solve import Solution
from app.space.columns import BoolArray, Float32Array

CAPACITY_BYTES = 128 * 2**20

_Kept = TypeVar("_Kept", Trees, Folded, Solution)


class Tables:
    """The most recently used trees, grids and solutions, up to a number of bytes. Safe for several threads."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, tuple[weakref.ref[Prior], Trees | Folded | Solution]] = OrderedDict()
        self._bytes = 0

    def trees(self, prior: Prior, sign: float, shared: tuple[Float32Array, BoolArray]) -> Trees | None:
        """Sign · the prior's score of configurations that share some columns of X; None where it is no sum of trees."""
        x, fixed = shared
        about = (sign, x[fixed].tobytes(), fixed.tobytes())
        if (kept := self.recall(prior, about, Trees)) is not None:
            return kept
        signed = self._signed(prior, sign)
        if signed is None:
            return None
        trees = signed.restricted(x, fixed) if fixed.any() else signed
        self.keep(prior, about, trees)
        return trees

    def fold(self, prior: Prior, sign: float, grid: Grid) -> Folded | None:
        """Sign · the prior's score over a grid; None where it cannot be folded."""
        about = (sign, _digest(grid))
        if (folded := self.recall(prior, about, Folded)) is not None:
            return folded
        signed = self._signed(prior, sign)
        if signed is None:
            return None
        folded = fold(signed, grid)
        self.keep(prior, about, folded)
        return folded

    def _signed(self, prior: Prior, sign: float) -> Trees | None:
        """Sign · the prior's score of anything, added up once for all spaces and datasets."""
        if (kept := self.recall(prior, sign, Trees)) is not None:
            return kept
        trees = score_trees(prior)
        if trees is not None:
            trees = summed([(sign, trees)])
            self.keep(prior, sign, trees)
        return trees

    def recall(self, prior: Prior, about: Hashable, kind: type[_Kept]) -> _Kept | None:
        """What was kept of a prior under a name."""
        key = (id(prior), about)
        with self._lock:
            owner, kept = self._kept.get(key, (None, None))
            if owner is None or owner() is not prior or not isinstance(kept, kind):  # an id may be used again
                return None
            self._kept.move_to_end(key)
            return kept

    def keep(self, prior: Prior, about: Hashable, value: Trees | Folded | Solution) -> None:
        """Keep something that follows from a prior and the name alone."""
        key = (id(prior), about)
        with self._lock:
            if (before := self._kept.pop(key, None)) is not None:
                self._bytes -= before[1].n_bytes
            self._kept[key] = weakref.ref(prior), value
            self._bytes += value.n_bytes
            while self._bytes > self._capacity_bytes and len(self._kept) > 1:
                _, (_, oldest) = self._kept.popitem(last=False)
                self._bytes -= oldest.n_bytes


def _digest(grid: Grid) -> bytes:
    """The same for two grids exactly if they hold the same: the space, the dataset and the context as X has them."""
    digest = hashlib.blake2b(grid.x.tobytes())
    for dimension in grid.dimensions:
        digest.update(np.array(dimension.X.shape).tobytes() + dimension.features.tobytes())
        digest.update(dimension.X.tobytes())
    return digest.digest()
