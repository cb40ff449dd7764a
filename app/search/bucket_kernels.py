"""The loops of mini-bucket elimination, in machine code. Symbols as in `network`."""

from __future__ import annotations

import numpy as np

from app.learn.native import native
from app.search.network import FORBIDDEN
from app.space.columns import CodeArray, IntArray

LABEL_BITS = 32
"""Of a mark: room for a class's number."""


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
    seen: IntArray,
    trial: int,
) -> float:
    """The joint classes of two factors into `maps` and `shape`, and their size; left unfinished beyond the limit.

    Until a dimension is joined, the larger of its two counts stands for it: what cannot fit ends early. `seen` is
    scratch, which tells by the number of the trial (d of them are used up) what is of an earlier one.
    """
    size = 1.0
    for d in range(len(shape_a)):
        size *= float(max(shape_a[d], shape_b[d]))
    for d in range(len(shape_a)):
        if size > limit:
            return size
        lo, hi = starts[d], starts[d + 1]
        if shape_b[d] == 1 or shape_a[d] == hi - lo:
            maps[lo:hi] = maps_a[lo:hi]
            shape[d] = shape_a[d]
        elif shape_a[d] == 1 or shape_b[d] == hi - lo:
            maps[lo:hi] = maps_b[lo:hi]
            shape[d] = shape_b[d]
        else:
            size /= float(max(shape_a[d], shape_b[d]))
            nb = shape_b[d]
            mark = (trial + d) << LABEL_BITS
            count = 0
            for v in range(lo, hi):
                key = maps_a[v] * nb + maps_b[v]
                if seen[key] < mark:
                    seen[key] = mark + count
                    count += 1
                maps[v] = seen[key] - mark
            shape[d] = count
            size *= float(count)
    return size


@native
def partition(
    maps: CodeArray, shapes: IntArray, starts: IntArray, limit: float
) -> tuple[IntArray, CodeArray, IntArray]:
    """Each factor's mini-bucket (F,), and the classes of these: every factor goes where the table grows least."""
    n_factors, n = shapes.shape
    most_pairs, trial = 1, 1
    for d in range(n):
        most_pairs = max(most_pairs, (starts[d + 1] - starts[d]) * shapes[:, d].max())
    seen = np.zeros(most_pairs, np.int64)
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
            size = join(
                joint_maps[g], joint_shapes[g], maps[f], shapes[f], starts, most, trial_maps, trial_shape, seen, trial
            )
            trial += n
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
def eliminate(
    maps: CodeArray,
    shapes: IntArray,
    starts: IntArray,
    offsets: IntArray,
    data: IntArray,
    limit: int,
    most: int,
    least_limit: int,
) -> tuple[int, IntArray, CodeArray, IntArray, IntArray, IntArray]:
    """The root, and all regrets: level (m,) ascending, maps, shapes, offsets (m + 1,) and what these lead into.

    Tables take at most `most` entries together where limits down to `least_limit` allow it. Each mini-bucket's message
    takes the place of one of its tables, so that there are never more than there were factors.
    """
    n_factors, n = shapes.shape
    maps, shapes = maps.copy(), shapes.copy()
    tables = [data[offsets[f] : offsets[f + 1]] for f in range(n_factors)]
    level_of = np.array([_last_read(shapes[f]) for f in range(n_factors)], np.int64)
    made = np.arange(n_factors)  # when: of tables of one size, the older come first
    n_made = n_factors
    root = 0
    for f in range(n_factors):
        if level_of[f] < 0:
            root += int(tables[f][0])
    found_level, found, found_maps, found_shapes = [0], [data[:0]], [maps[0]], [shapes[0]]  # numba wants to see a first
    for level in range(n - 1, -1, -1):
        bucket = np.flatnonzero(level_of == level)
        if not len(bucket):
            continue
        bucket = bucket[np.argsort(made[bucket])]
        bucket = bucket[np.argsort(np.array([-len(tables[f]) for f in bucket]), kind="mergesort")]
        own_maps, own_shapes = maps[bucket], shapes[bucket]
        group, joint_maps, joint_shapes = _within(own_maps, own_shapes, starts, limit, most, least_limit)
        for g in range(len(joint_maps)):
            members = np.flatnonzero(group == g)
            joint = np.zeros(_size(joint_shapes[g]), np.int64)
            for i in members:
                add(joint, joint_maps[g], joint_shapes[g], tables[bucket[i]], own_maps[i], own_shapes[i], starts)
                level_of[bucket[i]] = -1
            most -= len(joint)
            best = subtract_best(joint, joint_shapes[g, level])
            found_level.append(level)
            found.append(joint)
            found_maps.append(joint_maps[g].copy())
            found_shapes.append(joint_shapes[g].copy())
            place = bucket[members[0]]
            maps[place] = joint_maps[g]
            maps[place, starts[level] : starts[level + 1]] = 0
            shapes[place] = joint_shapes[g]
            shapes[place, level] = 1
            tables[place] = best
            made[place] = n_made
            n_made += 1
            level_of[place] = _last_read(shapes[place])
            if level_of[place] < 0:
                root += int(best[0])
    return root, *_packed(found_level[1:], found[1:], found_maps[1:], found_shapes[1:], starts)


@native
def _last_read(shape: IntArray) -> int:
    """A table's last dimension; -1 for a number."""
    for d in range(len(shape) - 1, -1, -1):
        if shape[d] > 1:
            return d
    return -1


@native
def _size(shape: IntArray) -> int:
    size = 1
    for width in shape:
        size *= width
    return size


@native
def _within(
    maps: CodeArray, shapes: IntArray, starts: IntArray, limit: float, most: int, least_limit: int
) -> tuple[IntArray, CodeArray, IntArray]:
    """The partition, with as much smaller a limit as keeps all tables below `most` entries."""
    while True:
        group, joint_maps, joint_shapes = partition(maps, shapes, starts, limit)
        total = 0
        for g in range(len(joint_shapes)):
            total += _size(joint_shapes[g])
        if limit <= least_limit or total <= most:
            return group, joint_maps, joint_shapes
        limit //= 4


@native
def _packed(
    levels: list[int], tables: list[IntArray], maps: list[CodeArray], shapes: list[IntArray], starts: IntArray
) -> tuple[IntArray, CodeArray, IntArray, IntArray, IntArray]:
    """Lists of tables as arrays, the lowest level first and each level in the order in which it was made."""
    m, n = len(levels), len(starts) - 1
    order = np.argsort(np.array(levels), kind="mergesort")
    level = np.empty(m, np.int64)
    all_maps, all_shapes = np.empty((m, starts[n]), np.int32), np.empty((m, n), np.int64)
    offsets = np.zeros(m + 1, np.int64)
    for i in range(m):
        level[i], all_maps[i], all_shapes[i] = levels[order[i]], maps[order[i]], shapes[order[i]]
        offsets[i + 1] = offsets[i] + len(tables[order[i]])
    data = np.empty(offsets[m], np.int64)
    for i in range(m):
        data[offsets[i] : offsets[i + 1]] = tables[order[i]]
    return level, all_maps, all_shapes, offsets, data


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
