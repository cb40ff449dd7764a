"""Whether a challenger serves: champion and challenger on the same held-out datasets, with today's runs.

Both predict every dataset with members that have not seen it (`folds`); what is compared, dataset by dataset, is the
rank correlation between predicted and real outcomes, averaged over targets (which are not independent of one another).
A challenger serves unless a paired test finds it worse: newer history is worth a tie.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import t as student

from app.learn.continuation import Replay
from app.learn.meta_learner import MetaLearner, TargetLearner
from app.learn.scores import plausible, reference_runs
from app.learn.validation import rank_correlations
from app.space.columns import Float32Array, FloatArray, IntArray
from app.types import RunTable, Verdict

TOLERANCE = 0.01
"""Rank correlation that nobody will miss."""
LEVEL = 0.1
"""How unlikely the differences must be, were the challenger as good as the champion, for the champion to stay."""

Correlations = Mapping[tuple[str, str], float]
"""Rank correlation by target and dataset."""


def held_out_correlations(learner: MetaLearner, table: RunTable) -> Correlations:
    """How well an already fitted meta-learner ranks the runs of datasets that its members have not seen."""
    frame = learner.featuriser.transform(table.inputs, table.meta_features, table.dataset)
    return correlations_at(
        learner, Replay(frame.X, table.dataset, reference_runs(table), table.targets), table.datasets
    )


def correlations_at(learner: MetaLearner, runs: Replay, datasets: Sequence[str]) -> Correlations:
    """The same for runs that its featuriser has encoded."""
    fold = np.array([learner.folds.get(name, -1) for name in datasets], dtype=np.int64)[runs.dataset]
    out: dict[tuple[str, str], float] = {}
    for name, target in learner.targets.items():
        y = runs.targets.get(name)
        if y is None or target.resource or not (known := plausible(y, resource=False)).any():
            continue
        f = _held_out_scores(target, runs.X[known], fold[known])
        found = rank_correlations(y[known], f, runs.dataset[known], runs.reference[known])
        out |= {(name, datasets[dataset]): correlation for dataset, correlation in found.items()}
    return out


def _held_out_scores(target: TargetLearner, X: Float32Array, fold: IntArray) -> FloatArray:
    """Scores (n,) by members that have not seen a run's dataset; by all of them where none has (fold -1).

    The mean response takes no part: it has seen every dataset, and would flatter whoever leans on it.
    """
    prior = target.prior
    views = prior.views[:-1]
    weights = prior.blend[:-1] if prior.blend[:-1].any() else np.ones(len(views))
    new = fold < 0
    f = np.zeros(len(X))
    for view, weight in zip(views, weights, strict=True):
        scores = view.out_of_fold(X, fold)
        if new.any():
            scores[new] = view.predict(np.asfortranarray(X[new]))
        f += weight * scores
    return f


def decide(challenger: Correlations, champion: Correlations | None) -> Verdict:
    """The verdict on a challenger; `champion` is None where nothing serves yet."""
    if champion is None:
        return Verdict(True, "the first meta-learner of this project")
    shared = sorted(challenger.keys() & champion.keys())
    if not shared:
        return Verdict(True, "no held-out dataset in common with the champion to compare on; the newer history serves")
    difference = _by_dataset({key: challenger[key] - champion[key] for key in shared})
    mean, error, chance = paired_test(difference)
    figures = {
        "challenger_rank_correlation": float(np.mean([challenger[key] for key in shared])),
        "champion_rank_correlation": float(np.mean([champion[key] for key in shared])),
        "difference": mean,
        "standard_error": error,
        "p_value": chance,
        "n_compared": float(len(difference)),
    }
    worse = chance < LEVEL and mean < -TOLERANCE
    outcome = "worse, so the champion stays" if worse else "not worse, so it serves"
    reason = (
        f"rank correlation on {len(difference)} held-out datasets {figures['challenger_rank_correlation']:.3f} "
        f"against the champion's {figures['champion_rank_correlation']:.3f} "
        f"(difference {mean:+.3f} ± {error:.3f}, p = {chance:.2f}): {outcome}"
    )
    return Verdict(not worse, reason, figures)


def _by_dataset(difference: Correlations) -> FloatArray:
    """The mean over targets, dataset by dataset."""
    datasets = sorted({dataset for _, dataset in difference})
    return np.array([np.mean([d for (_, name), d in difference.items() if name == dataset]) for dataset in datasets])


def paired_test(difference: FloatArray) -> tuple[float, float, float]:
    """Mean, its standard error, and the chance of a mean so low or lower were the true one 0 (Student's t, one-sided).

    Differences that do not vary, or a single one, are taken as they are. Shapes: difference (n,).
    """
    n, mean = len(difference), float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    if error == 0.0:
        return mean, error, 0.0 if mean < 0 else 1.0
    return mean, error, float(student.cdf(mean / error, n - 1))
