"""Figures over held-out datasets with 95 % bootstraps, and tables of them. The seeds of a dataset stay together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

RESAMPLES = 2_000
Record = dict[str, Any]
"""What was measured on one held-out dataset, its name under "task"."""


def resampled(records: Sequence[Record], figure: Callable[[Sequence[Record]], float]) -> tuple[float, float, float]:
    """A figure of the records and its 95 % interval when datasets are drawn with replacement."""
    rng, names = np.random.default_rng(0), sorted({r["task"] for r in records})
    of = {name: [r for r in records if r["task"] == name] for name in names}
    draws = [
        figure([r for i in rng.integers(len(names), size=len(names)) for r in of[names[i]]]) for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return figure(records), float(low), float(high)


def mean(field: str) -> Callable[[Sequence[Record]], float]:
    return lambda records: float(np.mean([r[field] for r in records]))


def median(field: str) -> Callable[[Sequence[Record]], float]:
    return lambda records: float(np.median([r[field] for r in records]))


def quotient(above: Callable[..., float], below: Callable[..., float], near: float = 0.0) -> Callable[..., float]:
    return lambda records: (above(records) + near) / (below(records) + near)


def cell(records: Sequence[Record], figure: Callable[[Sequence[Record]], float], digits: int = 3) -> str:
    if not records:
        return "-"
    return "{:.{d}f} ({:.{d}f} to {:.{d}f})".format(*resampled(records, figure), d=digits)


def show(title: str, head: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    console, table = Console(width=180), Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    console.print(table)
