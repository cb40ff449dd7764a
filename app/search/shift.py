"""Cost shifting: the same sum written so that the maxima of its tables agree better, which tightens every bound.

What trees have in common, the effects of one, two or three dimensions, is scattered over hundreds of tables, and a
bound that maximises each table apart lets every one choose its own values. Here *hubs*, new tables over few dimensions
in full resolution, collect it: a factor and a hub in turn are given the same maximum at each class that the factor
knows of the hub's dimensions, half of what one has more going to the other. No step raises the sum of all maxima.

Source: max-sum diffusion, T. Werner, A linear programming approach to max-sum problem, IEEE PAMI 29 (2007); Ihler et
al., Join-graph based cost-shifting schemes, UAI 2012.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.search.network import FORBIDDEN, Network
from app.space.columns import IntArray

BRIEFLY, QUICKLY, PATIENTLY = 1e8, 2e8, 5e8
"""Entries looked at in all rounds: up to 0.1, 0.2 and 0.5 seconds."""
MOST_ROUNDS = 12
FEWEST_ROUNDS = {3: 6, 2: 1, 1: 0}
"""By the hubs' dimensions: three in one round are worth less than two in several."""


@dataclass(frozen=True, eq=False)
class Hubs:
    """A network with empty hubs among its factors. Shapes: shared (pairs, 2), a factor and a hub that it knows."""

    network: Network
    shared: IntArray
    rounds: int


def with_hubs(network: Network, most_work: float) -> Hubs:
    """The network with hubs, and how often to go round: `most_work` is the entries looked at in all rounds.

    Factors that forbid anything keep what they have: infinite amounts cannot be shifted.
    """
    n_factors, n = network.shapes.shape
    lowest = np.minimum.reduceat(network.data, network.offsets[:-1]) if n_factors else np.zeros(0)
    scopes = {
        f: tuple(np.flatnonzero(network.shapes[f] > 1).tolist())
        for f in range(n_factors)
        if lowest[f] > FORBIDDEN // 2 and (network.shapes[f] > 1).any()
    }
    order, work = _order(network, scopes, most_work)
    pairs = [(f, hub) for f, scope in scopes.items() for hub in _subsets(scope, order)]
    hubs = {hub: n_factors + i for i, hub in enumerate(dict.fromkeys(hub for _, hub in pairs))}
    maps = np.zeros((len(hubs), network.maps.shape[1]), dtype=np.int32)
    shapes = np.ones((len(hubs), n), dtype=np.int64)
    for i, hub in enumerate(hubs):
        for d in hub:
            maps[i, network.starts[d] : network.starts[d + 1]] = np.arange(network.V[d])
            shapes[i, d] = network.V[d]
    sizes = shapes.prod(axis=1)
    grown = replace(
        network,
        maps=np.concatenate([network.maps, maps]),
        shapes=np.concatenate([network.shapes, shapes]),
        offsets=np.concatenate([network.offsets, network.offsets[-1] + np.cumsum(sizes)]),
        data=np.concatenate([network.data, np.zeros(int(sizes.sum()), dtype=np.int64)]),
    )
    shared = np.array([(f, hubs[hub]) for f, hub in pairs], dtype=np.int64).reshape(-1, 2)
    return Hubs(grown, shared, int(np.clip(most_work / max(work, 1.0), 1, MOST_ROUNDS)))


def _order(network: Network, scopes: Mapping[int, tuple[int, ...]], most_work: float) -> tuple[int, float]:
    """How many dimensions hubs have, and the entries that a round looks at."""
    sizes, V = np.diff(network.offsets).tolist(), network.V.tolist()
    for order, rounds in FEWEST_ROUNDS.items():
        work = 2.0 * sum(_looked_at(sizes[f], [V[d] for d in scope], order) for f, scope in scopes.items())
        if work * rounds <= most_work:
            break
    return order, work


def _looked_at(size: int, V: Sequence[int], order: int) -> float:
    """The entries of a factor and of its hubs, for each of these: the products of `order` of V are summed by Viète."""
    k = min(order, len(V))
    sums = [1.0] + [0.0] * k
    for v in V:
        for j in range(k, 0, -1):
            sums[j] += sums[j - 1] * v
    return math.comb(len(V), k) * size + sums[k]


def _subsets(scope: tuple[int, ...], order: int) -> Iterator[tuple[int, ...]]:
    return itertools.combinations(scope, min(order, len(scope)))


def shifted(hubs: Hubs) -> Hubs:
    """The same sum after shifting between factors and hubs. May be called again on what it gives."""
    from app.search import shift_kernels

    network = hubs.network
    data = network.data.copy()
    layout = (network.offsets, network.maps, network.shapes, network.starts)
    shift_kernels.shift(data, *layout, hubs.shared, hubs.rounds)
    return replace(hubs, network=replace(network, data=data))
