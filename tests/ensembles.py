"""Made-up tree ensembles and grids: leaves are small whole numbers, so that scores are exact and often equal."""

from __future__ import annotations

import os
from itertools import product
from math import prod

import numpy as np
from hypothesis import strategies as st

from app.learn.trees import Trees
from app.search.grid import Dimension, Grid


def made_trees(
    rng: np.random.Generator, n_trees: int, n_features: int, max_depth: int = 4, n_borders: int = 4
) -> Trees:
    """Trees of random depths over borders that recur, as a fit's do."""
    depth = rng.integers(0, max_depth + 1, n_trees)
    n_splits, n_leaves = int(depth.sum()), int((2**depth).sum())
    feature = rng.integers(0, n_features, n_splits)
    return Trees(
        bias=float(rng.integers(-3, 4)),
        first_split=np.concatenate([[0], np.cumsum(depth)]),
        feature=feature,
        border=rng.integers(0, n_borders, n_splits).astype(np.float32),
        nan_is_above=feature % 2 == 1,
        first_leaf=np.concatenate([[0], np.cumsum(2**depth)]),
        leaves=rng.integers(-4, 5, n_leaves).astype(np.float64),
    )


def made_values(rng: np.random.Generator, n: int, n_features: int, n_borders: int = 4) -> np.ndarray:
    """Rows whose numbers lie on, between and beyond the borders, or are absent. Shapes: (n, n_features) float32."""
    X = rng.integers(-2, 2 * n_borders + 1, (n, n_features)).astype(np.float32) / 2
    odd = rng.random(X.shape)
    X[odd < 0.15] = np.nan
    X[odd > 0.95] = np.inf
    return np.where(odd > 0.98, np.float32(-np.inf), X)


def made_grid(rng: np.random.Generator, sizes: tuple[int, ...], n_features: int) -> Grid:
    """Dimensions of given sizes, each over one or more features; what is left is the same everywhere."""
    owner = rng.integers(-1, len(sizes), n_features)
    dimensions = []
    for d, size in enumerate(sizes):
        features = np.flatnonzero(owner == d)
        dimensions.append(Dimension(features, made_values(rng, size, len(features))))
    return Grid(tuple(dimensions), made_values(rng, 1, n_features)[0])


def points(sizes: tuple[int, ...]) -> np.ndarray:
    """All points of a grid in enumeration order (n, dimensions)."""
    return np.array(list(product(*map(range, sizes))), dtype=np.int64).reshape(prod(sizes), len(sizes))


def rows(grid: Grid, x: np.ndarray) -> np.ndarray:
    """Points as the rows of X that they stand for. Shapes: x (n, dimensions) -> (n, d) float32."""
    X = np.tile(grid.x, (len(x), 1))
    for d, dimension in enumerate(grid.dimensions):
        X[:, dimension.features] = dimension.X[x[:, d]]
    return X


def examples(n: int) -> int:
    """How many examples a property is tried on; with EXAMPLES=20 in the environment, twenty times as many."""
    return n * int(os.environ.get("EXAMPLES", "1"))


seeds = st.integers(0, 2**32 - 1)
grid_sizes = st.lists(st.integers(1, 6), min_size=1, max_size=5).map(tuple)
