"""The loops of cost shifting, in machine code. Symbols as in `network` and `shift`."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.space.columns import CodeArray, IntArray

LOWEST = -(2**60)


@native
def shift(
    data: IntArray,
    offsets: IntArray,
    maps: CodeArray,
    shapes: IntArray,
    starts: IntArray,
    shared: IntArray,
    rounds: int,
) -> None:
    """Every pair (factor, hub) of `shared` in turn, some rounds."""
    n = shapes.shape[1]
    dims, sizes = np.empty(n, np.int64), np.empty(n, np.int64)
    strides, hub_dims = np.empty(n, np.int64), np.empty(n, np.int64)
    steps = np.empty((n, (starts[1:] - starts[:-1]).max()), np.int64)
    for _ in range(rounds):
        for row in range(len(shared)):
            f, hub = shared[row, 0], shared[row, 1]
            m, k = 0, 0
            for d in range(n):
                if shapes[f, d] > 1:
                    dims[m], sizes[m] = d, shapes[f, d]
                    m += 1
            joint = 1  # classes of the factor in the hub's dimensions
            for j in range(m - 1, -1, -1):
                d = dims[j]
                strides[j] = joint if shapes[hub, d] > 1 else 0
                if shapes[hub, d] > 1:
                    for v in range(starts[d], starts[d + 1]):
                        steps[d, v - starts[d]] = maps[f, v] * joint
                    joint *= sizes[j]
            for d in range(n):
                if shapes[hub, d] > 1:
                    hub_dims[k] = d
                    k += 1
            table, own = data[offsets[f] : offsets[f + 1]], data[offsets[hub] : offsets[hub + 1]]
            excess, least = np.full(joint, LOWEST), np.full(joint, LOWEST)
            _maxima(table, sizes[:m], strides[:m], excess)
            _exchange(own, hub_dims[:k], shapes[hub], steps, least, excess, False)
            for c in range(joint):
                excess[c] = (excess[c] - least[c]) // 2
            _subtract(table, sizes[:m], strides[:m], excess)
            _exchange(own, hub_dims[:k], shapes[hub], steps, least, excess, True)


@native
def _maxima(table: IntArray, sizes: IntArray, strides: IntArray, out: IntArray) -> None:
    """The maximum of a table at each class of some of its dimensions, those with a stride in `out`."""
    m = len(sizes)
    at = np.zeros(m, np.int64)
    width, stride = sizes[m - 1], strides[m - 1]
    o = 0
    for e in range(0, len(table), width):
        if stride == 0:
            most = out[o]
            for a in range(width):
                most = max(most, table[e + a])
            out[o] = most
        else:  # the last dimension of both
            for a in range(width):
                out[o + a] = max(out[o + a], table[e + a])
        for q in range(m - 2, -1, -1):
            at[q] += 1
            o += strides[q]
            if at[q] < sizes[q]:
                break
            o -= strides[q] * sizes[q]
            at[q] = 0


@native
def _subtract(table: IntArray, sizes: IntArray, strides: IntArray, amount: IntArray) -> None:
    """What `_maxima` found the classes of, taken from every entry."""
    m = len(sizes)
    at = np.zeros(m, np.int64)
    width, stride = sizes[m - 1], strides[m - 1]
    o = 0
    for e in range(0, len(table), width):
        if stride == 0:
            for a in range(width):
                table[e + a] -= amount[o]
        else:
            for a in range(width):
                table[e + a] -= amount[o + a]
        for q in range(m - 2, -1, -1):
            at[q] += 1
            o += strides[q]
            if at[q] < sizes[q]:
                break
            o -= strides[q] * sizes[q]
            at[q] = 0


@native
def _exchange(
    own: IntArray, dims: IntArray, shape: IntArray, steps: IntArray, most: IntArray, amount: IntArray, give: bool
) -> None:
    """A hub's maximum at each class of a factor into `most`; or, to `give`, each class's amount into the hub."""
    k = len(dims)
    at = np.zeros(k, np.int64)
    last = dims[k - 1]
    width = shape[last]
    base = 0
    for q in range(k - 1):
        base += steps[dims[q], 0]
    for e in range(0, len(own), width):
        if give:
            for a in range(width):
                own[e + a] += amount[base + steps[last, a]]
        else:
            for a in range(width):
                c = base + steps[last, a]
                most[c] = max(most[c], own[e + a])
        for q in range(k - 2, -1, -1):
            d = dims[q]
            base -= steps[d, at[q]]
            at[q] += 1
            if at[q] < shape[d]:
                base += steps[d, at[q]]
                break
            at[q] = 0
            base += steps[d, 0]
