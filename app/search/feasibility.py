"""Limits on outcomes, and the risk that a run fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.search.adaptation import AdaptedTarget
from app.space.columns import BoolArray, FloatArray
from app.types import OutcomeConstraint, Prediction

RISKY = 0.5
"""A configuration that more likely fails than not ranks behind those that do not."""
HISTORY = 2.0
"""Own runs of the very configuration that history's word on its failure is worth."""


def probabilities(
    constraints: Sequence[OutcomeConstraint],
    targets: Mapping[str, AdaptedTarget],
    predictions: Mapping[str, Prediction],
    n: int,
) -> list[FloatArray]:
    """For each constraint, the probability (n,) that a real run keeps it; 0 where its target cannot be predicted."""
    out = []
    for constraint in constraints:
        if constraint.metric not in targets:
            out.append(np.zeros(n))
            continue
        below = targets[constraint.metric].probability_below(predictions[constraint.metric], constraint.value)
        out.append(below if constraint.op == "<=" else 1.0 - below)
    return out


def after_own_runs(history: FloatArray, likeness: FloatArray, failed: BoolArray) -> FloatArray:
    """The probability of failure (n,), each own run counted by how like it is.

    Shapes: history (n,), likeness (n, n_own) from 0 to 1, failed (n_own,).
    """
    return np.asarray((HISTORY * history + likeness @ failed) / (HISTORY + likeness.sum(axis=1)))


def acceptable(constraints: Sequence[OutcomeConstraint], kept: Sequence[FloatArray], failure: FloatArray) -> BoolArray:
    """Where every limit holds with its confidence and failure is not the likelier outcome (n,)."""
    ok = failure <= RISKY
    for constraint, probability in zip(constraints, kept, strict=True):
        ok &= probability >= constraint.confidence
    return np.asarray(ok)
