"""Which datasets are held out together, the same from refit to refit.

A dataset keeps its fold for life, so that member k of *any* version has never seen the datasets of fold k: champion and
challenger are compared on the same held-out datasets with the same runs.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

N_FOLDS = 5


def assign_folds(datasets: Sequence[str], previous: Mapping[str, int] | None = None) -> dict[str, int]:
    """Fold of every dataset: the one it had, else the smallest one, in an order that depends on names alone."""
    known = previous or {}
    folds = {name: known[name] for name in datasets if name in known}
    sizes = [0] * N_FOLDS
    for fold in folds.values():
        sizes[fold] += 1
    for name in sorted(set(datasets) - folds.keys(), key=lambda name: (zlib.crc32(name.encode()), name)):
        fold = sizes.index(min(sizes))
        folds[name] = fold
        sizes[fold] += 1
    return folds
