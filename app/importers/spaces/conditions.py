"""Conditions of any shape as what our language has: each variant of a parameter under one conjunction of value lists.

A *box* gives some parents the values they may have; a parameter is active in any of its boxes. They are kept disjoint,
since no two variants of a name may be active at once. A parent that is inactive lies in no box.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

Box: TypeAlias = Mapping[str, frozenset[int]]
"""A parent's name -> the numbers of the values that it may have."""
Boxes: TypeAlias = Sequence[Box]

ALWAYS: Final[Boxes] = ({},)
MAX_BOXES: Final = 256


class TooManyBoxes(Exception):
    """The condition would make more variants of one parameter than anyone reads."""


def both(left: Boxes, right: Boxes) -> Boxes:
    """Where both hold; disjoint if each of them is."""
    met = [_intersection(a, b) for a in left for b in right]
    return _checked([box for box in met if all(box.values())])


def either(alternatives: Iterable[Boxes], counts: Mapping[str, int], active: Mapping[str, Boxes]) -> Boxes:
    """Where at least one holds, made disjoint: each alternative without those before it."""
    found: list[Box] = []
    for boxes in alternatives:
        rest: Boxes = boxes
        for box in found:
            rest = both(rest, outside(box, counts, active))
        found.extend(rest)
    return _checked(_joined(found))


def outside(box: Box, counts: Mapping[str, int], active: Mapping[str, Boxes]) -> Boxes:
    """Where a box does not hold: the first parent to fail has another value, or is inactive itself."""
    found: list[Box] = []
    held: dict[str, frozenset[int]] = {}
    for parent, values in box.items():
        if others := frozenset(range(counts[parent])) - values:
            found.append({**held, parent: others})
        found.extend(both([held], nowhere(active[parent], counts, active)))
        held[parent] = values
    return found


def nowhere(boxes: Boxes, counts: Mapping[str, int], active: Mapping[str, Boxes]) -> Boxes:
    """Where none of the boxes holds."""
    rest: Boxes = ALWAYS
    for box in boxes:
        rest = both(rest, outside(box, counts, active))
    return rest


def with_ancestors(boxes: Boxes, active: Mapping[str, Boxes]) -> Boxes:
    """The same boxes, saying of every parent when it is active: so that two of them are seen to be disjoint."""
    found: list[Box] = []
    for box in boxes:
        whole: Boxes = [box]
        for parent in box:
            whole = both(whole, with_ancestors(active[parent], active))
        found.extend(whole)
    return _checked(found)


def _intersection(left: Box, right: Box) -> Box:
    shared = {name: left[name] & right[name] for name in left.keys() & right.keys()}
    return {**left, **right, **shared}


def _joined(boxes: Sequence[Box]) -> Sequence[Box]:
    """Boxes of one and the same parent are one box."""
    if len(boxes) > 1 and len({frozenset(box) for box in boxes}) == 1 and len(boxes[0]) == 1:
        (parent,) = boxes[0]
        return [{parent: frozenset().union(*(box[parent] for box in boxes))}]
    return boxes


def _checked(boxes: Sequence[Box]) -> Sequence[Box]:
    if len(boxes) > MAX_BOXES:
        raise TooManyBoxes
    return boxes
