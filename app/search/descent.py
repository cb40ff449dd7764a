"""The search itself: depth first, the best value first, in steps that can be stopped and resumed.

A node is a prefix of classes, one per level; its bound is the root's minus the regrets of the prefix, and the bound of
a whole assignment is its sum. `bar` is what a sum has to reach, and `bar_index` breaks ties: of equal sums the one
whose values come first in the order of enumeration wins.

Shapes: n levels; x (n,) classes; first (sum V,) the index of each class's first value; place (n,) level of each
dimension in the order of enumeration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.search.buckets import Bounds
from app.search.network import Network
from app.space.columns import IntArray

TRIED = -(2**60)
"""A value that was descended into: below every bound."""
DONE, PAUSED, FULL = 0, 1, 2


@dataclass(eq=False)
class Descent:
    """Where the search stands.

    Shapes: x (n,); bound (n + 1,) of the prefixes; values (n, max V) bounds of the children; found_x (buffer, n) and
    found (buffer,) leaves that reached the bar.
    """

    x: IntArray
    bound: IntArray
    values: IntArray
    level: IntArray  # (1,) where the search is; -1 when it is over
    found_x: IntArray
    found: IntArray


def start(network: Network, bounds: Bounds, buffer: int) -> Descent:
    """A search that has visited nothing."""
    n = len(network.V)
    bound = np.zeros(n + 1, dtype=np.int64)
    bound[0] = bounds.root
    return Descent(
        np.zeros(n, dtype=np.int64),
        bound,
        np.full((n, int(network.V.max())), TRIED, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros((buffer, n), dtype=np.int64),
        np.zeros(buffer, dtype=np.int64),
    )
