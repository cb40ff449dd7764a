"""`python -m tests.quality.side_channel`: does the time of a refusal tell what another project has?

A key of one project asks for what another project has and for what nobody has, by turns and in random order, at every
route. In-process, so that no network hides a difference. A difference is the median of paired differences; its
interval, by resampling the pairs, is at 99.9 % since there are two dozen routes. What is told apart has an interval
without 0 in it; how much the clock of one request varies says how many requests it takes.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.store.embedded import embedded_postgres
from app.store.migrate import migrate
from tests.api.test_access import GUARDED, NOBODYS, REQUESTS, THEIRS, UNLIMITED, Operation, World, two_tenants

RESAMPLES, LEVEL = 2_000, 0.999


async def seconds(world: World, operation: Operation, project: str) -> float:
    path, given = REQUESTS[operation](project, world.ids[project])
    started = time.perf_counter()
    await world.call("of ours", operation[0], path, **given)
    return time.perf_counter() - started


async def pairs(world: World, operation: Operation, n: int, rng: random.Random) -> NDArray[np.float64]:
    """Seconds of `n` pairs (n, 2): for what another project has, and for what nobody has."""
    found = np.empty((n, 2))
    for i in range(n):
        for j in rng.sample((0, 1), 2):
            found[i, j] = await seconds(world, operation, (THEIRS, NOBODYS)[j])
    return found


def row(operation: Operation, found: NDArray[np.float64]) -> tuple[str, bool]:
    """A line of the table, and whether the two are told apart."""
    microseconds = 1e6 * (found[:, 0] - found[:, 1])
    drawn = np.random.default_rng(0).integers(len(found), size=(RESAMPLES, len(found)))
    low, high = np.quantile(np.median(microseconds[drawn], axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    spread = np.subtract(*np.quantile(microseconds, [0.75, 0.25]))
    cells = (" ".join(operation), f"{1e6 * np.median(found):,.0f}", f"{np.median(microseconds):+.0f}")
    return f"| {' | '.join(cells)} | {low:+.0f} to {high:+.0f} | {spread:,.0f} |", bool(low > 0 or high < 0)


async def measured(url: str, n: int) -> list[tuple[str, bool]]:
    rng = random.Random(0)
    async with two_tenants(url) as world:
        operations = [operation for operation in GUARDED if operation not in UNLIMITED]
        for operation in operations:  # what only the first requests do
            await pairs(world, operation, 10, rng)
        return [row(operation, await pairs(world, operation, n, rng)) for operation in operations]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=500)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="forerun-side-") as name:
        Path(name).chmod(0o711)  # the database's own user has to pass
        with embedded_postgres(Path(name)) as url:
            migrate(url)
            rows = asyncio.run(measured(url, asked.pairs))
    head = [
        "| refused | median, us | another's - nobody's, us | 99.9 % interval | spread of one pair, us |",
        "|---" * 5 + "|",
    ]
    told = sum(apart for _, apart in rows)
    last = f"{told} of {len(rows)} routes told apart by {asked.pairs} pairs of requests"
    sys.stdout.write("\n".join([*head, *(line for line, _ in rows), last]) + "\n")
    return told > 0


if __name__ == "__main__":
    sys.exit(main())
