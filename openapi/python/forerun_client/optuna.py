"""An Optuna sampler that asks forerun: keep your objective and your study, get the warm start of everyone's history.

    from forerun_client.optuna import ForerunSampler

    sampler = ForerunSampler("http://127.0.0.1:8000", "tabular", "adult", metrics=["accuracy"])
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=50, n_jobs=4)

Every finished trial becomes a run of the project: completed, failed or pruned, with its learning curve. Trials that run
at the same time are told as pending, so that answers spread. If the service is away, the study goes on with random
values, and what was not posted is posted with the next question.

Optuna learns a space by running it. What all trials so far have in common is asked for at once, before the trial; a
parameter that only some trials have is asked for where it is suggested, together with what came with it before, and
with what the trial has chosen already held fixed. Say `search_space` (with `when`), and the very first trial is as good
as the history makes it. Needs nothing but optuna and httpx.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import weakref
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import httpx
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

log = logging.getLogger(__name__)

Json: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, int]
"""A trial: its study's name and its number in it."""

STATES: Final = {TrialState.COMPLETE: "completed", TrialState.PRUNED: "stopped", TrialState.FAIL: "failed"}
POSTED: Final = "forerun:posted"
"""Trials with this attribute were posted by the process that ran them."""
MAX_BATCH: Final = 1_000
MAX_PENDING: Final = 1_000
LARGEST: Final = 1e300
LARGEST_EXACT: Final = 2**53


class ForerunSampler(BaseSampler):
    """Asks a forerun service for each trial's parameters and posts how it ended.

    `dataset` is a name, or `{"name": ..., "meta_features": {...}}`. `metrics` are what the history calls the
    objectives; without them, what `study.set_metric_names` said, or what an import calls them. `search_space` is a
    document of forerun's language; without it the space is learned from the trials. `context` (`environment`,
    `fidelity`) holds for every trial.
    """

    def __init__(
        self,
        url: str,
        project: str,
        dataset: str | Json,
        *,
        metrics: Sequence[str] = (),
        key: str | None = None,
        search_space: Json | None = None,
        context: Mapping[str, Json] | None = None,
        strategy: str = "improve",
        seed: int = 0,
        timeout_seconds: float = 30.0,
    ) -> None:
        self._url = url
        self._project = project
        self._dataset = dataset
        self._metrics = tuple(metrics)
        self._key = key
        self._search_space = search_space
        self._context = dict(context or {})
        self._strategy = strategy
        self._seed = seed
        self._timeout_seconds = timeout_seconds
        self._random = RandomSampler(seed)
        self._intersection = IntersectionSearchSpace()
        self._posted: set[Key] = set()
        self._plans: dict[Key, Json] = {}
        self._open()

    def _open(self) -> None:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(base_url=self._url, headers=headers, timeout=self._timeout_seconds)
        self._lock = threading.Lock()
        weakref.finalize(self, self._client.close)

    def __getstate__(self) -> Json:
        """Without its connections, so that a sampler can be kept with `pickle`, as Optuna's own can."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_client", "_lock")}

    def __setstate__(self, state: Json) -> None:
        self.__dict__.update(state)
        self._open()

    # ------------------------------------------------------------ what Optuna asks

    def reseed_rng(self) -> None:
        self._random.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """What all trials so far have in common."""
        with self._lock:
            common = self._intersection.calculate(study)
        return {name: distribution for name, distribution in common.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """One answer for the whole known space; of a conditional one the rest waits until it is suggested."""
        if self._search_space is not None:
            self._plan(study, trial, self._search_space)
        elif search_space:
            self._plan(study, trial, _space(search_space, trial.params))
        plan = self._plans.get(_key(study, trial), {})
        found = {name: _chosen(plan, name, distribution) for name, distribution in search_space.items()}
        return {name: value[0] for name, value in found.items() if value}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What was planned, else a new answer for this parameter and those that came with it before."""
        for _ in range(2):
            if found := _chosen(self._plans.get(_key(study, trial), {}), param_name, param_distribution):
                return found[0]
            branch = _branch(study, trial, param_name) | {param_name: param_distribution}
            if not self._plan(study, trial, _space(branch, trial.params)):
                break
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Post the trial; one that cannot be posted now goes with the next question."""
        self._plans.pop(_key(study, trial), None)
        if state not in STATES:
            return
        if self._post([self._run(study, trial, state, values, datetime.now().astimezone())]):
            self._posted.add(_key(study, trial))
            study._storage.set_trial_system_attr(trial._trial_id, POSTED, True)  # noqa: SLF001  # as Optuna's own do

    # ------------------------------------------------------------ what forerun is asked

    def _names(self, study: Study) -> Sequence[str]:
        """What the history calls the objectives; else what `forerun import optuna` does."""
        if self._metrics or study.metric_names:
            return self._metrics or study.metric_names or ()
        count = len(study.directions)
        return ["objective"] if count == 1 else [f"objective_{i}" for i in range(count)]

    def _plan(self, study: Study, trial: FrozenTrial, space: Json) -> bool:
        """Whether forerun answered; its configuration is then part of the trial's plan."""
        self._post_missing(study)
        question = {
            "project": self._project,
            "dataset": self._dataset,
            "objectives": [
                {"metric": metric, "direction": "maximize" if direction is StudyDirection.MAXIMIZE else "minimize"}
                for metric, direction in zip(self._names(study), study.directions, strict=True)
            ],
            "search_space": space,
            "context": self._context,
            "pending": self._pending(study, trial),
            "top_k": 1,
            "strategy": self._strategy,
            "seed": self._seed + trial.number,
        }
        answer = self._ask("/v1/recommend", question)
        if answer is None or not answer["configurations"]:
            return False
        configuration = answer["configurations"][0]["configuration"]
        with self._lock:
            self._plans[_key(study, trial)] = {**self._plans.get(_key(study, trial), {}), **configuration}
        return True

    def _pending(self, study: Study, trial: FrozenTrial) -> list[Json]:
        """What other trials are being trained with, as far as it is known."""
        others = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        with self._lock:
            plans = dict(self._plans)
        known = (
            {**plans.get(_key(study, other), {}), **_plain(other.params)}
            for other in others
            if other.number != trial.number
        )
        return [configuration for configuration in known if configuration][:MAX_PENDING]

    def _post_missing(self, study: Study) -> None:
        """Finished trials that nobody has posted: from before this sampler, or from while the service was away."""
        finished = study.get_trials(deepcopy=False, states=tuple(STATES))
        missing = [
            trial for trial in finished if _key(study, trial) not in self._posted and POSTED not in trial.system_attrs
        ][:MAX_BATCH]
        runs = [
            self._run(study, trial, trial.state, trial.values, _aware(trial.datetime_complete)) for trial in missing
        ]
        if runs and self._post(runs):
            self._posted.update(_key(study, trial) for trial in missing)

    def _post(self, runs: list[Json]) -> bool:
        """Whether the service has the runs. One that it will never take is told, and not sent again."""
        receipt = self._ask("/v1/runs/batch", {"runs": runs})
        for result in (receipt or {}).get("results", ()):
            if result["status"] == "rejected":
                log.warning(
                    "forerun did not take run %s: %s", runs[result["index"]]["run_id"], result["error"]["detail"]
                )
        return receipt is not None

    def _ask(self, path: str, body: Json) -> Json | None:
        """The answer; None, and a warning, if there is none. A study must not end because a service does."""
        try:
            response = self._client.post(path, json=body)
            if response.is_success:
                answer: Json = response.json()
                return answer
            trouble = f"{response.status_code} {response.text[:500]}"
        except httpx.HTTPError as error:
            trouble = str(error) or type(error).__name__
        log.warning("forerun cannot be asked (%s%s): %s", self._url, path, trouble)
        return None

    def _run(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
        finished: datetime | None,
    ) -> Json:
        names = self._names(study)
        metrics = {name: value for name, value in zip(names, values or (), strict=False) if abs(value) <= LARGEST}
        diverged = state is TrialState.COMPLETE and len(metrics) < len(names)
        curve = [
            {"step": step, "metrics": {names[0]: value}}
            for step, value in sorted(trial.intermediate_values.items())
            if math.isfinite(value)
        ]
        started = _aware(trial.datetime_start)
        run = {
            "project": self._project,
            "run_id": run_id(study.study_name, trial),
            "dataset": self._dataset,
            "state": "failed" if diverged else STATES[state],
            "hyperparameters": _plain(trial.params),
            "metrics": metrics,
            "learning_curve": curve,
            "tags": {name: str(value) for name, value in trial.user_attrs.items()} | {"optuna_study": study.study_name},
            **self._context,
        }
        if started is not None:
            run["started_at"] = started.isoformat()
        if started is not None and finished is not None:
            run["finished_at"] = finished.isoformat()
            run["resources"] = {"duration_seconds": (finished - started).total_seconds()}
        return run


# ---------------------------------------------------------------- between Optuna's words and ours


def run_id(study_name: str, trial: FrozenTrial) -> str:
    """The name that `forerun import optuna` gives the same trial; the time tells studies of one name apart."""
    started = _aware(trial.datetime_start)
    return f"{study_name}-{trial.number}" + (f"-{started.astimezone(UTC):%Y%m%dT%H%M%S}" if started else "")


def _key(study: Study, trial: FrozenTrial) -> Key:
    return study.study_name, trial.number


def _aware(time: datetime | None) -> datetime | None:
    """Optuna's times are local and do not say so."""
    return time.astimezone() if time is not None else None


def _branch(study: Study, trial: FrozenTrial, name: str) -> dict[str, BaseDistribution]:
    """The parameters that every trial with this one had as well, but for those that this trial has by now."""
    others = [other.distributions for other in study.get_trials(deepcopy=False) if name in other.distributions]
    if not others:
        return {}
    shared = set.intersection(*(set(distributions) for distributions in others)) - set(trial.params)
    return {found: others[-1][found] for found in sorted(shared)}


def _space(distributions: Mapping[str, BaseDistribution], fixed: Mapping[str, Any]) -> Json:
    """A search space of ours in which what is fixed has one value."""
    parameters: Json = {name: {"type": "constant", "value": value} for name, value in _plain(fixed).items()}
    parameters |= {name: _spec(distribution) for name, distribution in distributions.items() if name not in fixed}
    return {"parameters": parameters}


def _spec(distribution: BaseDistribution) -> Json:
    """Bounds are inclusive in both languages. Raises: ValueError."""
    if isinstance(distribution, CategoricalDistribution):
        return {
            "type": "categorical",
            "choices": list({json.dumps(_json(c)): _json(c) for c in distribution.choices}.values()),
        }
    if not isinstance(distribution, (FloatDistribution, IntDistribution)):
        raise ValueError(f"forerun knows no {type(distribution).__name__}")  # noqa: TRY004  # of Optuna's, not ours
    spec: Json = {
        "type": "int" if isinstance(distribution, IntDistribution) else "float",
        "low": distribution.low,
        "high": distribution.high,
    }
    if distribution.log:
        return spec | {"log": True}
    return spec | ({"step": distribution.step} if distribution.step is not None else {})


def _chosen(plan: Mapping[str, Any], name: str, distribution: BaseDistribution) -> list[Any]:
    """The planned value, if there is one and the distribution has it."""
    if name not in plan:
        return []
    value = plan[name]
    if isinstance(distribution, CategoricalDistribution):
        wanted = json.dumps(value)
        return [choice for choice in distribution.choices if json.dumps(_json(choice)) == wanted][:1]
    value = int(value) if isinstance(distribution, IntDistribution) else float(value)
    return [value] if distribution._contains(value) else []  # noqa: SLF001  # how Optuna itself asks it


def _plain(params: Mapping[str, Any]) -> Json:
    return {name: _json(value) for name, value in params.items()}


def _json(value: Any) -> Any:
    """A choice as JSON says it; what JSON cannot say is its text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_EXACT else str(value)
    if isinstance(value, float):
        return value if abs(value) <= LARGEST else str(value)
    if isinstance(value, (list, tuple)):
        return [_json(inner) for inner in value]
    return str(value)


__all__ = ["ForerunSampler"]
