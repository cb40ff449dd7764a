"""The answer's rows as the HTTP contract writes them: only these k configurations ever become objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.search.adaptation import AdaptedTarget
from app.search.explanation import explanations
from app.search.feasibility import probabilities
from app.search.order import Ordered
from app.search.scene import Scene
from app.search.stages import stage
from app.space import Columns
from app.space.columns import Float32Array, IntArray
from app.types import Prediction


@stage("answer")
def configurations(scene: Scene, candidates: Columns, X: Float32Array, ordered: Ordered) -> list[dict[str, Any]]:
    """One entry per answered row. Shapes: candidates n rows, X (n, d)."""
    rows = ordered.rows
    X = np.asfortranarray(X[rows])
    targets = {name: scene.target(name) for name in scene.learner.targets}
    predictions = {name: target.predict(target.learner.prior.points(X)) for name, target in targets.items()}
    feasible = _feasible(scene, targets, predictions, len(rows))
    failure = scene.failure(X)
    lead = scene.objectives[0].learner.prior
    novelty = lead.responses.novelty(lead.space(X))
    reasons = explanations(scene, X) if scene.question.explain else [{} for _ in rows]
    answered = []
    for i, configuration in enumerate(scene.question.space.decode(candidates, rows.tolist())):
        entry = {
            "rank": i + 1,
            "configuration": configuration,
            "score": number(ordered.scores[i]),
            "predicted": {name: predicted_row(prediction, i) for name, prediction in predictions.items()},
            "probability_of_failure": number(failure[i]),
            "probability_feasible": number(feasible[i]),
            "novelty": number(np.clip(novelty[i], 0.0, 1.0)),
        }
        if ordered.fronts is not None:
            entry["pareto_front"] = int(ordered.fronts[i])
        answered.append(entry | reasons[i])
    return answered


def predicted_row(prediction: Prediction, i: int) -> dict[str, float | None]:
    """One configuration's prediction of one target."""
    return {field: number(getattr(prediction, field)[i]) for field in ("mean", "std", "lower", "upper")}


def number(value: float | np.floating[Any]) -> float | None:
    """A finite float as JSON has it; null for what is not finite."""
    return float(value) if np.isfinite(value) else None


def _feasible(
    scene: Scene, targets: Mapping[str, AdaptedTarget], predictions: Mapping[str, Prediction], k: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    kept = probabilities(scene.question.outcome_constraints, targets, predictions, k)
    return np.asarray(np.prod([np.ones(k), *kept], axis=0))


def head(promise: np.ndarray[Any, np.dtype[np.float64]], size: int) -> IntArray:
    """The most promising rows, in the candidates' order so that ties are broken as they were listed."""
    best = np.argsort(-promise, kind="stable")[:size]
    return np.sort(best)
