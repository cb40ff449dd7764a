"""A finite space without rules as a grid: its values encoded once each, and points of it as configurations."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby, islice, product

import numpy as np

from app.featurise.frame import flat_columns
from app.search.grid import Dimension, Folded, Grid
from app.search.scan import Top
from app.search.scene import Scene
from app.space import Columns, SearchSpace
from app.space.columns import FloatArray, IntArray

MOST_VALUES = 2**16
"""Of one parameter: more are not encoded one by one."""


def is_product(space: object) -> bool:
    """Whether a space is every combination of listed values: no condition, no rule, no continuum."""
    return (
        isinstance(space, SearchSpace)
        and not space.rules
        and all(p.count is not None and p.count <= MOST_VALUES and not p.when for p in space.parameters)
    )


def as_grid(scene: Scene, space: SearchSpace) -> Grid | None:
    """The space as the featuriser reads it; None where two parameters make one feature together."""
    features = scene.learner.featuriser.features
    first = scene.encode({p.key: p.at(np.zeros(1, np.int64)) for p in space.parameters})[0]
    taken: set[int] = set()
    dimensions = []
    for parameter in space.parameters:
        column = {parameter.key: parameter.at(np.arange(parameter.count or 0))}
        paths = flat_columns(space.inputs(column)).keys()
        touched = [j for j, feature in enumerate(features) if feature.path in paths]
        if not taken.isdisjoint(touched):
            return None
        taken.update(touched)
        dimensions.append(Dimension(np.array(touched, np.int64), scene.encode(column)[:, touched]))
    return Grid(tuple(dimensions), first)


def configurations(space: SearchSpace, values: IntArray) -> Columns:
    """Points of the grid as columns. Shapes: values (n, parameters)."""
    return {p.key: p.at(values[:, d]) for d, p in enumerate(space.parameters)}


def in_values(folded: Folded, top: Top, k: int) -> tuple[IntArray, FloatArray]:
    """The best k points over values, of the best over classes; equal ones in enumeration order.

    Shapes: (k, dimensions), (k,).
    """
    members = [np.split(order, cuts) for order, cuts in map(_by_class, folded.classes)]
    found: list[tuple[int, ...]] = []
    scores: list[float] = []
    for score, group in groupby(range(len(top.scores)), key=lambda i: float(top.scores[i])):
        more = islice(heapq.merge(*(_points(members, top.x[i]) for i in group)), k - len(found))
        found += more
        scores += [score] * (len(found) - len(scores))
        if len(found) == k:
            break
    return np.array(found, np.int64).reshape(len(found), len(members)), np.array(scores)


def _by_class(classes: IntArray) -> tuple[IntArray, IntArray]:
    order = np.argsort(classes, kind="stable")
    return order, np.flatnonzero(np.diff(classes[order])) + 1


def _points(members: Sequence[Sequence[IntArray]], x: IntArray) -> Iterator[tuple[int, ...]]:
    """The points over values that a point over classes stands for, in enumeration order."""
    return product(*(of_dimension[c].tolist() for of_dimension, c in zip(members, x.tolist(), strict=True)))
