"""The points that samples are made of."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from app.space import sampling
from tests.space.test_space import parse

CONTINUUM = {"parameters": {name: {"type": "float", "low": 0.0, "high": 1.0} for name in "abcde"}}


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_every_sixteenth_of_every_parameter_has_as_many_points_whatever_the_seed(seed: int) -> None:
    drawn = next(sampling._draws(parse(CONTINUUM).ordered, 256, seed))
    for column in drawn.values():
        counts = np.bincount((column.values * 16).astype(int), minlength=16)
        assert counts.tolist() == [16] * 16


def test_seeds_draw_different_points() -> None:
    first, second = (parse(CONTINUUM).sample(64, seed) for seed in (0, 1))
    assert not np.isin(first["a"].values, second["a"].values).any()


@pytest.mark.parametrize("limit", [0, sampling.MAX_FAMILIAR])
def test_points_are_one_sequence_in_parts_whether_the_first_is_remembered_or_not(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "MAX_FAMILIAR", limit)
    parts = list(islice(sampling._nets(3, 256, 2**20), 3))
    assert [len(part) for part in parts] == [256, 256, 512]
    np.testing.assert_array_equal(np.concatenate(parts), sampling._first(3, 1024))
