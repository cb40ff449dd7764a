"""What poisoned runs cost: regret of the first pick on held-out datasets, beside that of the clean history.

`python -m tests.quality.poison` prints a table; `test_poison.py` holds a part of it to a bound. The history is made up,
so the truth is known: the regret is of the noise-free outcome, as a share of what the dataset's configurations span.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from uuid import UUID

import numpy as np

from app.learn import bundle
from app.learn.train import train
from app.search.question import Question
from app.search.rank import rank
from app.space import parse_search_space
from app.types import Objective, Run, StoredRun
from tests import histories

DATASETS, HELD_OUT, RUNS, CANDIDATES = range(10), range(1, 9, 2), 40, 200
FLOOD = 9
"""The dataset whose truth a flood of runs tells, or not: at one end, so that what holds on it is not what is asked."""
SHARES, SEEDS = (0.01, 0.05, 0.20), range(3)
OBJECTIVE = (Objective(metric="accuracy", direction="maximize"),)

Poison = Callable[[list[StoredRun], float, np.random.Generator], list[StoredRun]]


def regret(runs: Sequence[StoredRun], held_out: Sequence[int]) -> float:
    """Of the first pick, the mean over held-out datasets."""
    learner = bundle.from_bytes(train(histories.table(list(runs)), seed=0, threads=2).content)
    configurations = [histories.configuration(np.random.default_rng((7, i))) for i in range(CANDIDATES)]
    space = parse_search_space({"candidates": configurations})
    regrets = []
    for dataset in held_out:
        question = Question(space, OBJECTIVE, histories.meta_features(dataset), top_k=1)
        pick = rank(question, learner).configurations[0]["configuration"]
        truth = [histories.accuracy(configuration, dataset) for configuration in configurations]
        regrets.append((max(truth) - histories.accuracy(pick, dataset)) / (max(truth) - min(truth)))
    return float(np.mean(regrets))


# ---------------------------------------------------------------- the poisons


def changed(stored: StoredRun, **fields: object) -> StoredRun:
    body = stored.run.model_dump(mode="json") | fields
    return StoredRun(stored.id, Run.model_validate(body), stored.created_at, stored.updated_at)


def victims(runs: Sequence[StoredRun], share: float, rng: np.random.Generator) -> set[int]:
    return set(rng.choice(len(runs), max(1, round(share * len(runs))), replace=False).tolist())


def absurd(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """Numbers that nothing measures, up to the largest that are taken (1e300), in the metric and in the cost."""
    return _with_metric(runs, share, rng, lambda: float(rng.choice([1e300, -1e300, 1e200, 5e-324, 1e17])), cost=1e300)


def constant(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """A training that reports perfection whatever it did."""
    return _with_metric(runs, share, rng, lambda: 1.0)


def shuffled(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """Outcomes of other runs."""
    outcomes = [run.run.metrics["accuracy"] for run in runs]
    return _with_metric(runs, share, rng, lambda: float(rng.choice(outcomes)))


def duplicated(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """One run, again and again under new names."""
    one = runs[int(rng.integers(len(runs)))]
    count = round(share * len(runs) / (1 - share))
    return runs + [_renamed(changed(one, run_id=f"copy-{i}"), i) for i in range(count)]


def all_failed(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """Failed, with the metrics that they had until then."""
    chosen = victims(runs, share, rng)
    return [changed(run, state="failed") if i in chosen else run for i, run in enumerate(runs)]


def lopsided(runs: list[StoredRun], share: float, rng: np.random.Generator) -> list[StoredRun]:
    """One more dataset that holds 99 % of all runs, and `share` of whose outcomes are noise."""
    template, numbers = runs[0], range(99 * len(runs))
    return runs + [_renamed(changed(template, **_of_the_flood(i, share, rng)), i) for i in numbers]


def _of_the_flood(number: int, share: float, rng: np.random.Generator) -> dict[str, object]:
    chosen = histories.configuration(rng)
    value = float(rng.random()) if rng.random() < share else histories.accuracy(chosen, FLOOD)
    dataset = {"name": "flood", "meta_features": histories.meta_features(FLOOD)}
    outcome = {"hyperparameters": chosen, "metrics": {"accuracy": value}}
    return {"run_id": f"flood-{number}", "dataset": dataset, **outcome}


def _with_metric(
    runs: list[StoredRun], share: float, rng: np.random.Generator, value: Callable[[], float], cost: float | None = None
) -> list[StoredRun]:
    chosen = victims(runs, share, rng)
    resources = {} if cost is None else {"resources": {"duration_seconds": cost}}
    return [
        changed(run, metrics={"accuracy": value()}, **resources) if i in chosen else run for i, run in enumerate(runs)
    ]


def _renamed(stored: StoredRun, number: int) -> StoredRun:
    return StoredRun(UUID(int=10**9 + number), stored.run, stored.created_at, stored.updated_at)


POISONS: dict[str, Poison] = {
    poison.__name__: poison for poison in (absurd, constant, shuffled, duplicated, all_failed, lopsided)
}


def clean(seed: int = 0) -> list[StoredRun]:
    return histories.history([d for d in DATASETS if d not in HELD_OUT], RUNS, seed)


def main() -> None:
    def line(name: str, poison: Poison | None, shares: Sequence[float]) -> None:
        found = []
        for share in shares:
            poisoned = [poison(clean(s), share, np.random.default_rng(s)) if poison else clean(s) for s in SEEDS]
            found.append(f"{share:.0%} {np.mean([regret(runs, HELD_OUT) for runs in poisoned]):.3f}")
        sys.stdout.write(f"{name}: {', '.join(found)}\n")
        sys.stdout.flush()

    line("clean", None, (0.0,))
    for name, poison in POISONS.items():
        line(name, poison, (*SHARES, 1.0) if poison is lopsided else SHARES)


if __name__ == "__main__":
    main()
