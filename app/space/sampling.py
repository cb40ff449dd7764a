"""Random configurations: a space-filling sample, and neighbours of given ones. Seeded, columnar.

Source: Sobol points, scrambled once (A. B. Owen, J. Complexity 14, 1998, as in scipy.stats.qmc), then shifted digit by
digit for every seed (R. Cranley and T. N. L. Patterson, SIAM J. Numer. Anal. 13, 1976, in base 2): as evenly spread,
and a fiftieth of the work of scrambling anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from app.errors import Fault, NoFeasibleConfiguration
from app.space.columns import (
    BoolArray,
    CodedColumn,
    Column,
    Columns,
    FloatArray,
    IntArray,
    NumericColumn,
    codes,
    concatenate,
    n_rows,
    numbers,
    present,
    take,
)
from app.space.encoding import activate, first_of_each, identity
from app.space.enumeration import Rule
from app.space.parameters import Parameter

if TYPE_CHECKING:
    from scipy.stats import qmc

MAX_DRAWS = 2**20
"""Points drawn before giving up on more: about half a second for ten parameters."""
MAX_FRUITLESS = 2**17
"""Points drawn in vain (none was allowed and new) before giving up."""
MAX_COORDINATES = 2**26
"""Numbers drawn before giving up on more, where parameters are many."""
MAX_BATCH = 2**17
"""Points in memory at once, unless more are asked for."""
MAX_FAMILIAR = 2**18
"""Coordinates of points that are remembered for the next question about as many parameters: 2 MB."""
BITS = 53
"""Of a Sobol coordinate: as many as a float64 holds, so that an int range of 2^53 is reached throughout."""


def sample(
    ordered: Sequence[Parameter], rules: Sequence[Rule], keys: Sequence[str], n: int, seed: int
) -> dict[str, Column]:
    """At most n distinct allowed configurations, space-filling; fewer, even none, where rules reject nearly all."""
    found: dict[str, Column] = {}
    fruitless = 0
    for drawn in _draws(ordered, n, seed):
        before = n_rows(found)
        kept = take(drawn, allowed(rules, drawn))
        found = concatenate([found, kept]) if found else kept
        found = take(found, first_of_each(identity(found, keys)))
        fruitless = 0 if n_rows(found) > before else fruitless + n_rows(drawn)
        if n_rows(found) >= n or fruitless >= MAX_FRUITLESS:
            break
    return take(found, np.arange(min(n, n_rows(found))))


def _draws(ordered: Sequence[Parameter], n: int, seed: int) -> Iterator[dict[str, Column]]:
    """Batches of points as configurations, conditions applied.

    Each batch is as large as all before it, so that the points drawn so far are always a power of two (as Sobol points
    have to be to fill space evenly), up to a limit on memory.
    """
    size = 1 << max(n - 1, 255).bit_length()
    most = min(MAX_DRAWS, MAX_COORDINATES // len(ordered))
    shift = np.random.default_rng(seed).integers(2**BITS, size=len(ordered))
    for points in _nets(len(ordered), size, most):
        unit = ((points ^ shift) * 0.5**BITS).T
        yield activate(ordered, {p.key: p.from_unit(u) for p, u in zip(ordered, unit, strict=True)})


def _nets(d: int, size: int, most: int) -> Iterator[IntArray]:
    """Parts of one scrambled Sobol sequence (size, d), as BITS binary digits; the first, then more up to `most`."""
    yield _familiar(d, size) if size * d <= MAX_FAMILIAR else _first(d, size)
    engine, drawn = _engine(d), size
    engine.random(drawn)  # its fast_forward takes 32 bits only
    while drawn + (size := max(size, min(drawn, MAX_BATCH))) <= most:
        yield _digits(engine.random(size))
        drawn += size


def _first(d: int, size: int) -> IntArray:
    return _digits(_engine(d).random(size))


_familiar = lru_cache(8)(_first)


def _engine(d: int) -> qmc.Sobol:
    from scipy.stats import qmc  # a third of the service's start-up if it stood above

    return qmc.Sobol(d, scramble=True, rng=np.random.default_rng(0), bits=BITS)


def _digits(unit: FloatArray) -> IntArray:
    return np.asarray(unit * 2.0**BITS, dtype=np.int64)


def allowed(rules: Sequence[Rule], columns: Columns) -> BoolArray:
    """(n,) where every rule holds."""
    result = np.ones(n_rows(columns), dtype=np.bool_)
    for rule in rules:
        result &= rule.holds(columns)
    return result


def neighbours(
    ordered: Sequence[Parameter], rules: Sequence[Rule], origins: Columns, n_each: int, seed: int, scale: float
) -> dict[str, Column]:
    """The distinct allowed configurations among n_each random moves from every origin.

    A move changes two of the active parameters on average, one at least. A parameter that becomes active by it gets
    any value. Origins that are absent everywhere have no neighbours.
    """
    rng = np.random.default_rng(seed)
    keys = [p.key for p in ordered]
    known = np.logical_or.reduce([present(origins[key]) for key in keys])
    before = take(origins, np.repeat(np.flatnonzero(known), n_each))
    moved = _moved(ordered, before, rng)
    after: dict[str, Column] = {}
    for p, move in zip(ordered, moved, strict=True):
        drawn, there = rng.random(n_rows(before)), present(before[p.key])
        filled = before[p.key] if there.all() else _choose(there, before[p.key], p.from_unit(drawn))
        after[p.key] = _choose(move, p.perturb(filled, scale, rng), filled)
    after = activate(ordered, after)
    keep = allowed(rules, after) & (identity(after, keys) != identity(before, keys))
    after = take(after, keep)
    return take(after, first_of_each(identity(after, keys)))


def _moved(ordered: Sequence[Parameter], before: Columns, rng: np.random.Generator) -> BoolArray:
    """(d, n) which parameters to change."""
    movable = np.stack([present(before[p.key]) & (p.count != 1) for p in ordered])
    n_movable = np.maximum(movable.sum(axis=0), 1)
    drawn = np.where(movable, rng.random(movable.shape), 2.0)
    moved: BoolArray = drawn < 2.0 / n_movable
    moved |= drawn == drawn.min(axis=0)
    return moved & movable


def _choose(mask: BoolArray, yes: Column, no: Column) -> Column:
    """Rows of `yes` where the mask holds, of `no` elsewhere."""
    if isinstance(yes, NumericColumn):
        return NumericColumn(np.where(mask, yes.values, numbers(no)))
    return CodedColumn(np.where(mask, yes.codes, codes(no)), yes.levels)


def infeasible(ordered: Sequence[Parameter], rules: Sequence[Rule], seed: int) -> NoFeasibleConfiguration:
    """The error that says which rule rejects most of the space."""
    drawn = next(_draws(ordered, 4096, seed))
    shares = [(1.0 - float(np.mean(rule.holds(drawn))), rule) for rule in rules]
    if not shares:
        return NoFeasibleConfiguration("no configuration of the search space is allowed")
    share, worst = max(shares, key=lambda pair: pair[0])
    rejects = "every one" if share == 1.0 else f"{share:.1%}"
    message = f"no allowed configuration was found; {worst.text} rejects {rejects} of {n_rows(drawn)} points drawn"
    if len(rules) > 1 and share < 1.0:
        message += ", and together the rules leave none"
    return NoFeasibleConfiguration(message, [Fault(worst.pointer, message)])
