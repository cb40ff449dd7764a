"""Numbers on a grid: what `step` and `q` mean elsewhere, said in our language."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from app.importers.spaces.translation import Spec, Translation

MAX_LISTED: Final = 64
"""Values of a logarithmic grid that are listed one by one."""
_SLACK: Final = 1e-9
"""Of a step: 0.3 / 0.1 is 2.9999999999999996."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The numbers from `low` to `high`, both on the grid, `step` apart."""

    low: float
    high: float
    step: float

    @property
    def size(self) -> int:
        return round((self.high - self.low) / self.step) + 1

    @property
    def is_whole(self) -> bool:
        return float(self.low).is_integer() and float(self.step).is_integer()


def on_grid(low: float, high: float, step: float, origin: float) -> Grid | None:
    """The part of the grid through `origin` that lies within the bounds, None if there is none."""
    ends = (low - origin) / step, (high - origin) / step
    if not all(map(math.isfinite, ends)):
        return None
    first, last = math.ceil(ends[0] - _SLACK), math.floor(ends[1] + _SLACK)
    return None if first > last else Grid(_at(origin, first, step), _at(origin, last, step), step)


def _at(origin: float, i: int, step: float) -> float:
    value = origin + i * step
    return round(value, 12 - math.floor(math.log10(abs(value)))) if value else 0.0


def grid_or_log(made: Translation, name: str, grid: Grid, *, log: bool) -> Spec:
    """The grid as a spec. A logarithmic one, which our numbers do not have, is listed if it is short."""
    whole = grid.is_whole
    bounds = (int(grid.low), int(grid.high)) if whole else (grid.low, grid.high)
    spec: Spec = {"type": "int" if whole else "float", "low": bounds[0], "high": bounds[1]}
    if not log:
        return spec if whole and grid.step == 1 else spec | {"step": int(grid.step) if whole else grid.step}
    if whole and grid.step == 1 and grid.low > 0:
        return spec | {"log": True}
    if grid.size <= MAX_LISTED:
        values = [_at(grid.low, i, grid.step) for i in range(grid.size)]
        made.warn(name, "a logarithmic scale with steps became the list of its values, all alike")
        return {"type": "ordinal", "choices": [int(value) for value in values] if whole else values}
    if grid.low > 0:
        made.warn(name, f"a logarithmic scale has no steps: those of {grid.step:g} are lost")
        return spec | {"log": True}
    made.warn(name, "with 0 among its steps the scale is linear")
    return spec | {"step": int(grid.step) if whole else grid.step}
