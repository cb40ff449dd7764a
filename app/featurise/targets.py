"""Targets: what was measured, as one array per name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from app.space.columns import FloatArray
from app.types import PastRun, Run


def targets_of(runs: Sequence[Run]) -> tuple[dict[str, FloatArray], frozenset[str]]:
    """Every metric and resource by name, and which of the names are resources.

    A name is one target wherever it was reported; if runs disagree on the place, most of them decide (a tie: metric).

    Shapes: each array (n,), NaN where a run did not report the target.
    """
    reported = [{**reached(run), **run.metrics, **run.resources} for run in runs]
    names = sorted({name for targets in reported for name in targets})
    targets = {name: np.full(len(runs), np.nan) for name in names}
    for row, values in enumerate(reported):
        for name, value in values.items():
            targets[name][row] = value
    return targets, _resources(runs)


def reached(run: Run | PastRun) -> Mapping[str, float]:
    """The metrics that an unfinished run's learning curve ended with; none for a run that completed or failed.

    Metrics may be taken at different steps: for each, the highest step that has it counts.
    """
    if run.state not in ("running", "stopped"):
        return {}
    points = sorted(run.learning_curve, key=lambda point: point.step)  # stable: of equal steps the later one wins
    return {name: value for point in points for name, value in point.metrics.items()}


def _resources(runs: Sequence[Run]) -> frozenset[str]:
    as_metric = Counter(name for run in runs for name in {**reached(run), **run.metrics})
    as_resource = Counter(name for run in runs for name in run.resources)
    return frozenset(name for name, count in as_resource.items() if count > as_metric[name])
