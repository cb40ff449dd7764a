"""The bench of scale runs at a size that a test can wait for, and its slopes are slopes."""

from __future__ import annotations

import pytest

from tests.quality.scale_bench import Stage, main, slope, table


def test_a_slope_is_that_of_the_logarithms() -> None:
    stages = [Stage(n, {"flat": 7.0, "linear": n / 5, "square": float(n) ** 2, "absent": 0.0}) for n in (10, 100, 1000)]
    assert [slope(stages, name) for name in ("flat", "linear", "square")] == pytest.approx([0.0, 1.0, 2.0])
    assert slope(stages, "absent") is None
    assert "| linear | 2.0 | 20.0 | 200 | 1.00 | 100.00 |" in table(stages)


def test_a_small_one_measures_everything(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--runs", "200", "800", "--datasets", "20", "--refit-up-to", "200"])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    figures = {row[0].removeprefix("| "): row[1:3] for row in rows}
    assert figures["runs stored"] == ["200", "800"]
    for name in ("ingest, runs/s", "recommend, ms", "bytes a run: indexes", "overview, ms"):
        assert all(float(value.replace(",", "")) > 0 for value in figures[name])
    assert float(figures["refit, s"][0]) > 0
    assert figures["refit, s"][1] == ""
