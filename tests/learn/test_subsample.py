from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.learn import subsample
from app.learn.subsample import representative
from app.space.columns import NumericColumn, take
from app.types import RunTable


def made(sizes: list[int], repeated: int = 1, seed: int = 0) -> RunTable:
    """Datasets of these sizes, every configuration `repeated` times; a tenth of the runs failed."""
    rng = np.random.default_rng(seed)
    dataset = np.repeat(np.arange(len(sizes)), sizes)
    n = len(dataset)
    x = np.floor(np.arange(n) / repeated)
    failed = rng.uniform(size=n) < 0.1
    accuracy = np.where(failed, np.nan, np.sin(x) + rng.normal(0, 0.1, n))
    return RunTable(
        datasets=tuple(f"d{i}" for i in range(len(sizes))),
        meta_features=({},) * len(sizes),
        dataset=dataset,
        state=np.where(failed, "failed", "completed"),
        inputs={"hyperparameters.x": NumericColumn(x)},
        targets={"accuracy": accuracy, "seconds": np.where(failed, np.nan, rng.lognormal(size=n))},
        resources=frozenset({"seconds"}),
        finished_at=rng.permutation(n).astype(float),
        ids=np.zeros(n, "V16"),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=8), st.integers(1, 400), st.integers(1, 5))
def test_what_is_kept_of_any_history(sizes: list[int], cap: int, repeated: int) -> None:
    table = made(sizes, repeated)
    rows = representative(table, cap)
    assert (np.diff(rows) > 0).all()
    assert len(rows) <= max(cap, len(sizes)) + 4 * len(sizes)
    assert len(rows) >= min(cap, len(table)) - len(sizes)
    assert set(table.dataset[rows]) == set(table.dataset)
    if cap < len(table):
        for y in table.targets.values():
            for d in range(len(sizes)):
                of_dataset = np.flatnonzero((table.dataset == d) & np.isfinite(y))
                if len(of_dataset):
                    assert (
                        y[rows[table.dataset[rows] == d]][~np.isnan(y[rows[table.dataset[rows] == d]])].min()
                        == y[of_dataset].min()
                    )
                    assert np.nanmax(y[rows[table.dataset[rows] == d]]) == y[of_dataset].max()


def test_small_datasets_are_kept_whole_and_large_ones_share_the_rest() -> None:
    rows = representative(made([10, 1_000, 2_000, 30]), 240)
    sizes = np.bincount(made([10, 1_000, 2_000, 30]).dataset[rows])
    assert sizes[[0, 3]].tolist() == [10, 30]
    assert ((sizes[1:3] >= 100) & (sizes[1:3] <= 104)).all()


def test_quantiles_and_failures_stay_what_they_are() -> None:
    table = made([20_000])
    rows = representative(table, 500)
    y, kept = table.targets["accuracy"], table.targets["accuracy"][rows]
    levels = np.linspace(0.02, 0.98, 25)
    assert np.abs(np.nanquantile(kept, levels) - np.nanquantile(y, levels)).max() < 0.03
    assert np.mean(np.isnan(kept)) == pytest.approx(np.mean(np.isnan(y)), abs=0.005)


def test_repeated_configurations_give_way_to_others_and_older_runs_to_newer_ones() -> None:
    table = made([4_000], repeated=8)
    rows = representative(table, 400)
    distinct = len(np.unique(table.inputs["hyperparameters.x"].values[rows]))
    by_chance = len(
        np.unique(np.random.default_rng(0).permutation(500)[np.random.default_rng(1).integers(0, 500, 400)])
    )
    assert distinct > 1.15 * by_chance
    assert table.finished_at[rows].mean() > 1.5 * table.finished_at.mean()


def test_the_same_history_gives_the_same_runs_whatever_their_order() -> None:
    table = made([300, 500], repeated=3)
    shuffled = np.random.default_rng(1).permutation(len(table))
    fields = {name: getattr(table, name)[shuffled] for name in ("dataset", "state", "finished_at", "ids")}
    other = replace(
        table,
        **fields,
        inputs=take(table.inputs, shuffled),
        targets={name: y[shuffled] for name, y in table.targets.items()},
    )
    assert set(shuffled[representative(other, 200)]) == set(representative(table, 200))


def test_a_history_without_targets_and_one_that_fits_are_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    table = replace(made([50, 50]), targets={})
    assert len(representative(table, 20)) == 20
    assert representative(table, 100).tolist() == list(range(100))
    monkeypatch.setattr(subsample, "MAX_RUNS", 10)
    assert len(representative(table)) == 100
