"""Folded grids of this process, shared by questions that have the model, the space and all other inputs in common."""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from threading import Lock

import numpy as np

from app.learn.prior import Prior
from app.learn.score_trees import score_trees
from app.learn.trees import summed
from app.search.grid import Folded, Grid, fold

CAPACITY_BYTES = 128 * 2**20


class Tables:
    """The most recently used folded grids, up to a number of bytes. Safe to be used by several threads."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._lock = Lock()
        self._folded: OrderedDict[tuple[int, float, bytes], tuple[weakref.ref[Prior], Folded]] = OrderedDict()
        self._bytes = 0

    def fold(self, prior: Prior, sign: float, grid: Grid) -> Folded | None:
        """Sign · the prior's score over a grid; None where it cannot be folded."""
        key = (id(prior), sign, _digest(grid))
        with self._lock:
            owner, folded = self._folded.get(key, (None, None))
            if owner is not None and owner() is prior:  # an id may be used again
                self._folded.move_to_end(key)
                return folded
        trees = score_trees(prior)
        if trees is None:
            return None
        folded = fold(summed([(sign, trees)]), grid)
        self._keep(key, prior, folded)
        return folded

    def _keep(self, key: tuple[int, float, bytes], prior: Prior, folded: Folded) -> None:
        with self._lock:
            if (before := self._folded.pop(key, None)) is not None:
                self._bytes -= before[1].n_bytes
            self._folded[key] = weakref.ref(prior), folded
            self._bytes += folded.n_bytes
            while self._bytes > self._capacity_bytes and len(self._folded) > 1:
                _, (_, oldest) = self._folded.popitem(last=False)
                self._bytes -= oldest.n_bytes


def _digest(grid: Grid) -> bytes:
    """The same for two grids exactly if they hold the same: the space, the dataset and the context as X has them."""
    digest = hashlib.blake2b(grid.x.tobytes())
    for dimension in grid.dimensions:
        digest.update(np.array(dimension.X.shape).tobytes() + dimension.features.tobytes())
        digest.update(dimension.X.tobytes())
    return digest.digest()
