"""The tables of `tests.quality.robustness`: figures by benchmark, with what they are to be compared with."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from rich.console import Console

from tests.quality.resampling import Record, cell, mean, median, quotient, show

MOMENTS = ("first", "after 5", "after 10")
OTHERS = ("reference first", "reference after 5", "average_rank first")
COUNTS = (0, 100, 500)
"""Own runs at which a question is measured where a dataset has many."""


def show_intervals(found: Mapping[str, list[Record]]) -> None:
    rows = (
        (
            f"{name} ({len(r)})",
            cell(r, mean("held")),
            cell(r, median("width")),
            cell(r, mean("reference held")),
            cell(r, median("reference width")),
            cell(r, mean("held after 10")),
            cell(r, median("width after 10")),
        )
        for name, r in found.items()
    )
    head = ("90 % intervals", "hold", "width", "reference's hold", "width", "hold after 10", "width after 10")
    show("Intervals of real runs on held-out datasets", head, rows)
    costs = {name: [x for x in r if "cost" in x] for name, r in found.items()}
    rows = (
        (
            name,
            cell(r, median("cost")),
            cell(r, median("usual")),
            cell(r, quotient(median("usual"), median("cost"))),
            cell(r, mean("cost held")),
        )
        for name, r in costs.items()
        if r
    )
    head = ("median relative error of the cost", "forerun", "configuration's median", "times better", "intervals hold")
    show("Costs, zero-shot", head, rows)


def show_harms(found: Mapping[str, Mapping[str, list[Record]]]) -> None:
    for harm, by_name in found.items():
        rows = (
            (
                name,
                *(cell(r, mean(at)) for at in MOMENTS),
                *(f"{mean(at)(r):.3f}" if _everywhere(at, r) else "-" for at in OTHERS),
                cell(r, mean("held"), 2),
            )
            for name, r in by_name.items()
        )
        head = ("regret", *MOMENTS, *OTHERS, "intervals hold")
        show(harm, head, rows)
    ratios = (
        (harm, *(f"{_over_reference(by_name, at):.2f}" for at in MOMENTS), f"{_average(by_name, 'held'):.2f}")
        for harm, by_name in found.items()
    )
    head = ("geometric mean of the ratio to reference under the same", *MOMENTS, "intervals hold")
    show("Poor histories", head, ratios)


def _everywhere(field: str, records: list[Record]) -> bool:
    """Whether it could be measured on every dataset."""
    return all(field in record for record in records)


def _over_reference(by_name: Mapping[str, list[Record]], at: str) -> float:
    """Geometric mean over benchmarks, 0.001 added to both regrets."""
    known = [r for r in by_name.values() if _everywhere(f"reference {at}", r)]
    ratios = [quotient(mean(at), mean(f"reference {at}"), near=1e-3)(r) for r in known]
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else float("nan")


def _average(by_name: Mapping[str, list[Record]], field: str) -> float:
    return float(np.mean([mean(field)(r) for r in by_name.values()]))


def show_batches(found: Mapping[str, list[Record]]) -> None:
    worse = quotient(mean("batches"), mean("one by one"), near=1e-3)
    rows = [
        (n, cell(r, mean("one by one"), 4), cell(r, mean("batches"), 4), cell(r, worse, 2)) for n, r in found.items()
    ]
    show("24 trials", ("regret", "one by one", "three batches of eight", "ratio"), iter(rows))
    ratio = np.exp(np.mean([np.log(worse(r)) for r in found.values()]))
    Console().print(f"geometric mean of the ratios: {ratio:.2f}")


def show_many(found: Mapping[str, list[Record]]) -> None:
    rows = (
        (name, str(n), cell(r, median(f"seconds, {n}")), cell(r, mean(f"next, {n}"), 4), cell(r, mean(f"held, {n}")))
        for name, r in found.items()
        if r
        for n in COUNTS
    )
    show(
        "Many own runs",
        ("benchmark", "own runs", "processor seconds a question", "regret of the next pick", "held"),
        rows,
    )


def show_pooled(found: Mapping[str, list[Record]]) -> None:
    for records in found.values():
        families = {str(f): [r for r in records if r["family"] == f] for f in sorted({r["family"] for r in records})}
        rows = (
            (name, *(cell(r, mean(f"{who} {at}")) for at in ("first", "after 5") for who in ("pooled", "own")))
            for name, r in {**families, "all": records}.items()
        )
        show("Families", ("regret", "first, pooled", "first, own", "after 5, pooled", "after 5, own"), rows)
