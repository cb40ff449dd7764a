from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.featurise.similarity import UNKNOWN, nearest

numbers = st.floats(-1e300, 1e300, allow_nan=False, allow_infinity=False)
described = st.dictionaries(st.sampled_from("abcd"), numbers, max_size=4)


def test_the_nearest_come_first() -> None:
    found = nearest([{"n": 1.0}, {"n": 5.0}, {"n": 1.5}, {"n": 2.5}], 0, 3)
    assert [neighbour.row for neighbour in found] == [2, 3, 1]
    assert [neighbour.row for neighbour in nearest([{"n": 1.0}, {"n": 5.0}, {"n": 1.5}], 0, 1)] == [2]


def test_sizes_are_compared_by_their_magnitude() -> None:
    """A hundred rows are as far from ten thousand as these are from a million."""
    rows = [{"n_rows": n} for n in (100.0, 10_000.0, 1_000_000.0)]
    first, second = nearest(rows, 1, 2)
    assert first.distance == pytest.approx(second.distance)


def test_what_one_lacks_counts_as_a_stranger() -> None:
    rows = [{"a": 0.0, "b": 0.0}, {"a": 0.0}, {"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 1.0}]
    found = {neighbour.row: neighbour for neighbour in nearest(rows, 0, 3)}
    assert found[2].distance == 0
    assert found[1].distance == pytest.approx((UNKNOWN / 2) ** 0.5)
    assert (found[1].n_shared, found[2].n_shared) == (1, 2)


def test_nothing_in_common_is_no_neighbour() -> None:
    assert nearest([{"a": 1.0}, {"b": 2.0}, {}], 0, 3) == []
    assert nearest([{}], 0, 3) == []


@given(st.lists(described, min_size=1, max_size=8), st.data())
def test_distances_are_finite_sorted_and_mutual(rows: list[dict[str, float]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    found = nearest(rows, row, len(rows))
    distances = [neighbour.distance for neighbour in found]
    assert distances == sorted(distances)
    assert all(0 <= distance < float("inf") for distance in distances)
    assert row not in {neighbour.row for neighbour in found}
    for neighbour in found:
        back = {other.row: other.distance for other in nearest(rows, neighbour.row, len(rows))}
        assert back[row] == pytest.approx(neighbour.distance)
