"""Why this answer: inputs that moved it, what own runs added, the past runs nearest to it, datasets that are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from app.learn.effects import effects
from app.learn.gaussian_process import matern
from app.search.adaptation import AdaptedTarget
from app.search.scene import Scene
from app.space.columns import Float32Array, FloatArray

INPUTS, RUNS, DATASETS = 8, 3, 5
ENOUGH_OWN = 3
"""Own runs from which outcomes tell which datasets are alike; before, meta-features do."""


def explanations(scene: Scene, X: Float32Array) -> list[dict[str, Any]]:
    """The parts of each answered configuration that only `explain` asks for. Shapes: X (k, d) -> k entries."""
    moved = {target.name: _inputs(scene, target.name, X) for target in scene.objectives}
    shares = {target.name: _origin(scene, target.name, X) for target in scene.objectives}
    nearest = _nearest_runs(scene, X)
    return [
        {
            "explanation": {name: effect[i] for name, effect in moved.items()},
            "origin": {name: share[i] for name, share in shares.items()},
            "nearest_runs": nearest[i],
        }
        for i in range(len(X))
    ]


def _inputs(scene: Scene, name: str, X: Float32Array) -> list[list[dict[str, Any]]]:
    """The strongest inputs of each prediction, each with the change of the score (in normal quantiles) it caused."""
    paths, moved = effects(scene.target(name).learner.prior, X, scene.learner.featuriser.features)
    order = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :INPUTS]
    return [
        [{"input": paths[j], "effect": round(float(moved[i, j]), 4)} for j in order[i] if moved[i, j]]
        for i in range(len(X))
    ]


def _origin(scene: Scene, name: str, X: Float32Array) -> list[dict[str, float]]:
    """A score as what history says and what own runs changed, and how much of the kernel's doubt they took away."""
    target = scene.target(name)
    points, posterior = target.learner.prior.points(X), target.posterior
    _, _, score = posterior.latent(points)
    removed = np.zeros(len(X))
    if len(posterior.points):
        whitened, _ = posterior.whiten(target.learner.kernel.between(points, posterior.points))
        removed = np.einsum("ij,ij->j", whitened, whitened) / target.learner.kernel.variance(points)
    return [
        {
            "history": round(float(points.f[i]), 4),
            "own_runs": round(float(score[i] - points.f[i]), 4) if len(posterior.points) else 0.0,
            "doubt_removed": round(float(np.clip(removed[i], 0.0, 1.0)), 4),
        }
        for i in range(len(X))
    ]


def _nearest_runs(scene: Scene, X: Float32Array) -> list[list[dict[str, Any]]]:
    """For each configuration the past runs most like it, as the kernel sees them, with what they reached."""
    memory, lead = scene.learner.memory, scene.objectives[0].learner
    E = lead.prior.space
    likeness = matern(cdist(E(X), E(memory.X)) / lead.kernel.length)
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :RUNS]
    return [[_past_run(scene, int(j), float(likeness[i, j])) for j in order[i]] for i in range(len(X))]


def _past_run(scene: Scene, j: int, likeness: float) -> dict[str, Any]:
    memory = scene.learner.memory
    reached = {target.name: float(memory.targets[target.name][j]) for target in scene.objectives}
    return {
        "id": str(memory.ids[j]),
        "dataset": memory.datasets[int(memory.dataset[j])],
        "likeness": round(likeness, 4),
        "reached": {name: value for name, value in reached.items() if np.isfinite(value)},
    }


def similar_datasets(scene: Scene) -> list[dict[str, Any]]:
    """Past datasets most like this one: by how configurations fared here and there, else by meta-features."""
    lead = scene.objectives[0]
    if len(lead.posterior.points) >= ENOUGH_OWN:
        which, likeness, by = lead.learner.prior.responses.datasets, _agreement(lead), "own_runs"
    else:
        which, likeness, by = np.arange(len(scene.learner.memory.datasets)), _resemblance(scene), "meta_features"
    order = [int(i) for i in np.argsort(-likeness, kind="stable")[:DATASETS] if np.isfinite(likeness[i])]
    names = scene.learner.memory.datasets
    return [{"dataset": names[int(which[i])], "likeness": round(float(likeness[i]), 4), "by": by} for i in order]


def _agreement(target: AdaptedTarget) -> FloatArray:
    """Correlation of own outcomes with each past dataset's response at the same configurations (t,)."""
    own = target.posterior.points
    responses = own.f[:, None] + own.D @ target.learner.prior.responses.coordinates.T
    centred = responses - responses.mean(axis=0)
    away = target.outcomes - target.outcomes.mean()
    norms = np.linalg.norm(centred, axis=0) * np.linalg.norm(away)
    return np.asarray(np.where(norms > 0, away @ centred / np.maximum(norms, 1e-12), 0.0))


def _resemblance(scene: Scene) -> FloatArray:
    """exp(-d) of the mean squared difference d of standardised meta-features, those that both know (t,)."""
    features = scene.learner.featuriser.features
    meta = [j for j, feature in enumerate(features) if feature.kind == "dataset"]
    if not meta:
        return np.full(len(scene.learner.memory.datasets), np.nan)
    scale = np.array([features[j].scale for j in meta])
    away = (scene.learner.memory.meta_features[:, meta] - scene.dataset_row[meta]) / scale
    known = np.isfinite(away)
    squares = np.where(known, away, 0.0) ** 2
    distance = squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return np.where(known.any(axis=1), np.exp(-distance), np.nan)
