"""The loops of mini-bucket elimination, in machine code. Symbols as in `network`."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.search.network import FORBIDDEN
from app.space.columns import CodeArray, IntArray


@native
def pairs(a: CodeArray, b: CodeArray, nb: int, out: CodeArray, keys: IntArray, labels: CodeArray) -> int:
    """How many different pairs (a, b) there are; `out` becomes each place's pair, numbered by appearance.

    `keys` and `labels` are scratch: an open hash table of a power of two, at least twice as long as `a`.
    """
    mask = len(keys) - 1
    keys[:] = -1
    count = 0
    for v in range(len(a)):
        key = np.int64(a[v]) * nb + b[v]
        slot = (key * -7046029254386353131 >> 20) & mask  # Fibonacci hashing: 2^64 over the golden ratio
        while keys[slot] != -1 and keys[slot] != key:
            slot = (slot + 1) & mask
        if keys[slot] == -1:
            keys[slot] = key
            labels[slot] = count
            count += 1
        out[v] = labels[slot]
    return count


@native
def join(
    maps_a: CodeArray,
    shape_a: IntArray,
    maps_b: CodeArray,
    shape_b: IntArray,
    starts: IntArray,
    limit: float,
    maps: CodeArray,
    shape: IntArray,
    keys: IntArray,
    labels: CodeArray,
) -> float:
    """The joint classes of two factors into `maps` and `shape`, and their size; left unfinished beyond the limit."""
    size = 1.0
    for d in range(len(shape_a)):
        lo, hi = starts[d], starts[d + 1]
        if shape_b[d] == 1:
            maps[lo:hi] = maps_a[lo:hi]
            shape[d] = shape_a[d]
        elif shape_a[d] == 1:
            maps[lo:hi] = maps_b[lo:hi]
            shape[d] = shape_b[d]
        else:
            length = 2
            while length < 2 * (hi - lo):
                length *= 2
            shape[d] = pairs(maps_a[lo:hi], maps_b[lo:hi], shape_b[d], maps[lo:hi], keys[:length], labels[:length])
        size *= float(shape[d])
        if size > limit:
            return size
    return size


@native
def _at_least(shape_a: IntArray, shape_b: IntArray) -> float:
    """A bound on the size of a joint table: finding that out costs next to nothing, joining classes a lot."""
    size = 1.0
    for d in range(len(shape_a)):
        size *= float(max(shape_a[d], shape_b[d]))
    return size


@native
def partition(
    maps: CodeArray, shapes: IntArray, starts: IntArray, limit: float
) -> tuple[IntArray, CodeArray, IntArray]:
    """Each factor's mini-bucket (F,), and the classes of these: every factor goes where the table grows least."""
    n_factors, n = shapes.shape
    width = 2
    for d in range(n):
        while width < 2 * (starts[d + 1] - starts[d]):
            width *= 2
    keys, labels = np.empty(width, np.int64), np.empty(width, np.int32)
    group = np.zeros(n_factors, np.int64)
    joint_maps, joint_shapes = np.empty_like(maps), np.empty_like(shapes)
    sizes = np.empty(n_factors)
    trial_maps, trial_shape = np.empty_like(maps[0]), np.empty_like(shapes[0])
    best_maps, best_shape = np.empty_like(maps[0]), np.empty_like(shapes[0])
    n_groups = 0
    for f in range(n_factors):
        chosen, growth = -1, np.inf
        for g in range(n_groups):
            most = min(limit, growth * sizes[g])
            if _at_least(joint_shapes[g], shapes[f]) > most:
                continue
            size = join(
                joint_maps[g], joint_shapes[g], maps[f], shapes[f], starts, most, trial_maps, trial_shape, keys, labels
            )
            if size <= limit and size / sizes[g] < growth:
                chosen, growth = g, size / sizes[g]
                best_maps[:] = trial_maps
                best_shape[:] = trial_shape
                if growth == 1.0:
                    break
        if chosen < 0:
            chosen = n_groups
            n_groups += 1
            best_maps[:] = maps[f]
            best_shape[:] = shapes[f]
        group[f] = chosen
        joint_maps[chosen] = best_maps
        joint_shapes[chosen] = best_shape
        sizes[chosen] = 1.0
        for d in range(n):
            sizes[chosen] *= best_shape[d]
    return group, joint_maps[:n_groups].copy(), joint_shapes[:n_groups].copy()


@native
def add(
    out: IntArray,
    out_maps: CodeArray,
    out_shape: IntArray,
    data: IntArray,
    maps: CodeArray,
    shape: IntArray,
    starts: IntArray,
) -> None:
    """A factor added to a table whose classes are at least as fine."""
    steps = _lookups(out_maps, out_shape, maps, shape, starts)
    read = np.flatnonzero(out_shape > 1)
    m = len(read)
    inner = read[m - 1]
    at = np.zeros(m, np.int64)
    width = out_shape[inner]
    last = steps[inner]
    flat = shape[inner] == 1
    base = 0
    for q in range(m - 1):
        base += steps[read[q], 0]
    for o in range(0, len(out), width):
        if flat:
            value = data[base]
            for a in range(width):
                out[o + a] += value
        else:
            for a in range(width):
                out[o + a] += data[base + last[a]]
        for q in range(m - 2, -1, -1):
            d = read[q]
            base -= steps[d, at[q]]
            at[q] += 1
            if at[q] < out_shape[d]:
                base += steps[d, at[q]]
                break
            at[q] = 0
            base += steps[d, 0]


@native
def _lookups(out_maps: CodeArray, out_shape: IntArray, maps: CodeArray, shape: IntArray, starts: IntArray) -> IntArray:
    """Where each class of a table leads in a factor's flat data: one row for each dimension."""
    steps = np.zeros((len(shape), out_shape.max()), np.int64)
    stride = 1
    for d in range(len(shape) - 1, -1, -1):
        if shape[d] > 1:
            for v in range(starts[d], starts[d + 1]):
                steps[d, out_maps[v]] = maps[v] * stride
            stride *= shape[d]
    return steps


@native
def subtract_best(data: IntArray, width: int) -> IntArray:
    """The maximum of each run of `width` entries, which then become what they fall short of it."""
    best = np.empty(len(data) // width, np.int64)
    for i in range(len(best)):
        row = data[i * width : (i + 1) * width]
        most = max(row.max(), FORBIDDEN)
        best[i] = most
        if most < FORBIDDEN // 2:
            best[i] = FORBIDDEN
            row[:] = FORBIDDEN
        else:
            for a in range(width):
                row[a] = max(row[a] - most, FORBIDDEN)
    return best


@native
def lay_out(maps: CodeArray, shapes: IntArray, starts: IntArray, steps: IntArray) -> None:
    """Where each class leads in every table (m,), dimension after dimension of those that it reads, into `steps`."""
    o = 0
    n = shapes.shape[1]
    for m in range(len(shapes)):
        stride = 1
        for d in range(n):
            stride *= shapes[m, d]
        for d in range(n):
            if shapes[m, d] > 1:
                stride //= shapes[m, d]
                for v in range(starts[d], starts[d + 1]):
                    steps[o] = maps[m, v] * stride
                    o += 1
