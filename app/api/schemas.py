"""What only travels: request bodies that are not nouns of `types.py`, and the shape of every answer.

Answers are made by the flows and the store as JSON-ready values and sent as they are; the models here describe them in
the OpenAPI document, and the tests hold the one to the other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue, field_validator

from app.types import WHOLE, Basis, Enumeration, Name, Noun, Objective, State

RefitState = Literal["queued", "running", "succeeded", "failed"]
RefitTrigger = Literal["request", "new_runs", "periodic"]


class Answer(BaseModel):
    """A body that the service sends, or a part of one; a field without a default is always there."""


# ---------------------------------------------------------------- recommend


class MetaLearnerReference(Answer):
    """The meta-learner that an answer rests on."""

    id: UUID
    version: int = Field(ge=1, description="Counts the project's meta-learners.", examples=[7])
    fitted_at: datetime
    n_runs: int = Field(ge=0, description="Runs it learned from.", examples=[11904])
    n_datasets: int = Field(ge=0, description="Datasets they were trained on.", examples=[93])


class SearchSummary(Answer):
    """How much of the space was looked at; never claims more than was done."""

    enumeration: Enumeration = Field(
        description="`exhaustive`: every configuration was scored. `exact`: proven to be the top without scoring each. "
        "`bounded`: the proof was not finished; `gap` bounds what may be missed. `sampled`: a seeded sample was scored."
    )
    space_size: int | str | None = Field(
        description="Number of allowed configurations; a string of digits beyond 2^53; null where it is infinite.",
        examples=[1440],
    )
    candidates_ranked: int = Field(ge=0, description="Configurations that were scored.", examples=[65536])
    seed: int = Field(ge=0, description="The seed that was used.", examples=[0])
    gap: float | None = Field(default=None, description="With `bounded` only: most that a better score may lie above.")


class PredictedTarget(Answer):
    """What a real run would measure, in the target's own unit."""

    mean: float | None = Field(examples=[0.921])
    std: float | None = Field(examples=[0.008])
    lower: float | None = Field(
        description="Lower end of a 90 % interval for the outcome of a real run.", examples=[0.906]
    )
    upper: float | None = Field(description="Upper end of that interval.", examples=[0.934])


class Effect(Answer):
    """An input that moved a prediction."""

    input: str = Field(examples=["hyperparameters.learning_rate"])
    effect: float = Field(description="By how much, in normal quantiles; positive is towards more.", examples=[0.41])


class Origin(Answer):
    """Where a score comes from, in normal quantiles."""

    history: float = Field(description="What the history says of such configurations.", examples=[1.32])
    own_runs: float = Field(description="What the dataset's own runs changed.", examples=[-0.21])
    doubt_removed: float = Field(
        ge=0, le=1, description="Share of the doubt about this configuration that own runs took away.", examples=[0.4]
    )


class PastRun(Answer):
    """A run of the history that resembles an answered configuration."""

    id: UUID
    dataset: str = Field(examples=["adult"])
    likeness: float = Field(ge=0, le=1, description="1 is the same configuration.", examples=[0.93])
    reached: dict[str, float] = Field(description="Its outcome, by objective.", examples=[{"accuracy": 0.871}])


class SimilarDataset(Answer):
    """A past dataset that resembles the one asked about."""

    dataset: str = Field(examples=["adult"])
    likeness: float = Field(le=1, description="1 is alike in every respect that was compared.", examples=[0.8])
    by: Literal["own_runs", "meta_features"] = Field(
        description="`own_runs`: configurations fared alike here and there. `meta_features`: too few own runs to tell."
    )


class RankedConfiguration(Answer):
    """One answered configuration."""

    rank: int = Field(ge=1, examples=[1])
    configuration: dict[str, JsonValue] = Field(
        description="Parameter names and values; inactive parameters are absent.",
        examples=[{"booster": "gbtree", "learning_rate": 0.041, "max_depth": 9}],
    )
    score: float | None = Field(description="What the ranking was made by; higher is better.", examples=[0.93])
    predicted: dict[str, PredictedTarget] | None = Field(
        description="By target. Null at a cold start, where there is nothing to predict from."
    )
    probability_of_failure: float | None = Field(ge=0, le=1, examples=[0.02])
    probability_feasible: float | None = Field(
        ge=0, le=1, description="That the outcome constraints hold.", examples=[0.97]
    )
    novelty: float | None = Field(
        description="Distance to what the history knows: 0 is familiar ground, 1 is unknown.", examples=[0.1]
    )
    pareto_front: int | None = Field(
        default=None, ge=0, description="With several objectives only: 0 is the best front."
    )
    explanation: dict[str, list[Effect]] | None = Field(
        default=None, description="With `explain` only: by objective, the inputs that moved its prediction most."
    )
    origin: dict[str, Origin] | None = Field(
        default=None, description="With `explain` only: by objective, how much is history and how much own runs."
    )
    nearest_runs: list[PastRun] | None = Field(
        default=None, description="With `explain` only: the runs of the history that resemble it most."
    )


class Recommendation(Answer):
    """Ranked configurations, best first, and what they rest on."""

    recommendation_id: UUID | None = Field(
        description="To be named by the runs that follow it. Null when the request said `store: false`, and when there "
        "was no database to store the answer in, which `warnings` then says."
    )
    project: str = Field(examples=["tabular"])
    dataset: str = Field(examples=["covertype"])
    meta_learner: MetaLearnerReference | None = Field(description="Null at a cold start.")
    basis: Basis = Field(
        description="`few_shot`: own runs and history. `zero_shot`: history only. `cold_start`: no history."
    )
    n_own_runs: int = Field(ge=0, description="Runs of this very dataset that were used.", examples=[12])
    search: SearchSummary
    configurations: list[RankedConfiguration]
    warnings: list[str] = Field(description="What the reader should know before believing the answer.")
    similar_datasets: list[SimilarDataset] | None = Field(
        default=None, description="With `explain` only: the past datasets that resemble this one most."
    )


class Realised(Answer):
    """A run that followed a recommendation, and how the prediction did."""

    id: UUID
    run_id: str
    state: State
    rank: int | None = Field(description="Which answered configuration it trained; null when it trained another.")
    predicted: dict[str, PredictedTarget] | None = Field(description="What had been predicted for it.")
    realised: dict[str, float] = Field(description="What it measured.", examples=[{"accuracy": 0.918}])


class RecommendationRecord(Recommendation):
    """A stored answer, with the runs that named it."""

    recommendation_id: UUID = Field(description="As it was answered.")
    created_at: datetime
    runs: list[Realised] = Field(description="Predicted against realised, oldest first.")


# ---------------------------------------------------------------- refits


class RefitRequest(Noun):
    """Which project to refit."""

    project: Name = Field(default="default", examples=["demo"])


class Verdict(Answer):
    """Whether a challenger serves, and why."""

    promoted: bool
    reason: str = Field(examples=["the first meta-learner of this project"])
    figures: dict[str, float | None] = Field(
        description="What the decision rests on.",
        examples=[{"challenger_rank_correlation": 0.71, "champion_rank_correlation": 0.68, "n_compared": 10}],
    )


class Refit(Answer):
    """One fit of a project's meta-learner to its runs, from request to verdict."""

    id: UUID
    project: str = Field(examples=["demo"])
    state: RefitState
    trigger: RefitTrigger = Field(description="Who asked: a request, enough new runs, or the clock.")
    attempts: int = Field(ge=0, description="How often it was begun; more than one after a crash.")
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    kind: Literal["full", "incremental"] | None = Field(
        description="Whether it learned everything anew or on from the champion, once it has begun.", examples=["full"]
    )
    n_runs: int | None = Field(description="Finished runs it learned from, once it has read them.")
    n_new_runs: int | None = Field(description="Those of them that it read: of an incremental refit, the new ones.")
    progress: dict[str, JsonValue] | None = Field(description="While it runs: where it stands.")
    meta_learner_id: UUID | None = Field(description="What it made, once it succeeded.")
    verdict: Verdict | None = Field(description="Whether that serves, once it succeeded.")
    error: str | None = Field(description="Why it failed, if it did.")


class RefitList(Answer):
    """A page of the refits of a project, newest first."""

    refits: list[Refit]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


# ---------------------------------------------------------------- meta-learners


class Quality(Answer):
    """How predictions of one target do on datasets that the meta-learner has not seen, on average over these."""

    rank_correlation: float | None = Field(
        default=None, description="Spearman's, between predicted and real outcomes within a dataset.", examples=[0.71]
    )
    coverage: float | None = Field(
        default=None, description="Share of the outcomes inside their 90 % intervals.", examples=[0.91]
    )
    regret: dict[str, dict[str, dict[str, float]]] | None = Field(
        default=None,
        description="By direction, then by method (`meta_learner`, `random`, ...), then by k: the gap between the best "
        "of its first k picks and the best run of the dataset, over the range of its runs.",
        examples=[{"maximize": {"meta_learner": {"1": 0.09}, "random": {"1": 0.41}}}],
    )
    n_held_out_datasets: int | None = Field(default=None, description="Datasets that it is the mean of.", examples=[10])


class MetaLearner(Answer):
    """A fitted meta-learner of a project."""

    id: UUID
    project: str = Field(examples=["demo"])
    version: int = Field(ge=1)
    champion: bool = Field(description="Whether this one serves.")
    n_runs: int = Field(ge=0)
    n_datasets: int = Field(ge=0)
    n_bytes: int = Field(ge=0, description="Size of the stored bundle.")
    fitted_at: datetime
    verdict: Verdict
    quality: dict[str, Quality] = Field(description="By target; the report tells it dataset by dataset.")


class MetaLearnerDetail(MetaLearner):
    """A meta-learner with its validation report."""

    report: dict[str, Any] = Field(
        description="How it did on datasets it had not seen: regret, rank correlation, coverage; by target and dataset."
    )


class MetaLearnerList(Answer):
    """A page of the meta-learners of a project, newest first."""

    meta_learners: list[MetaLearner]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


# ---------------------------------------------------------------- projects


class RefitPolicy(Noun):
    """When the worker refits by itself. An absent field follows the service's own setting."""

    automatic: bool = Field(default=True, description="Whether the worker refits by itself at all.")
    min_new_runs: Annotated[int, Field(ge=1, le=10**9), WHOLE] | None = Field(
        default=None, description="Fewest new finished runs that start a refit.", examples=[50]
    )


class Retention(Noun):
    """How long raw runs are kept. What they taught stays; runs that followed a recommendation are kept themselves."""

    keep_raw_days: Annotated[int, Field(ge=1, le=36_500), WHOLE] | None = Field(
        default=None,
        description="Days after its last change from which a worker may delete a finished run, once it is folded into "
        "a segment, from which refits go on learning. Its `run_id` may then be used again. Null: runs are kept.",
        examples=[90],
    )
    keep_latest: Annotated[int, Field(ge=0, le=100_000), WHOLE] = Field(
        default=1_000,
        description="Latest runs of each dataset that are kept all the same: they sharpen its next answer.",
    )


class ProjectSettings(Noun):
    """What can be declared about a project."""

    objectives: list[Objective] = Field(
        default_factory=list, max_length=8, description="What a recommendation optimises when its request does not say."
    )
    refit_policy: RefitPolicy = RefitPolicy()
    retention: Retention = Retention()

    @field_validator("objectives")
    @classmethod
    def _each_metric_once(cls, objectives: list[Objective]) -> list[Objective]:
        if len({objective.metric for objective in objectives}) < len(objectives):
            raise ValueError("a metric has one direction; it is named twice")
        return objectives


class IntervalsHeld(Answer):
    """How many realised results of one target lay in the 90 % intervals that had been predicted for them."""

    n: int = Field(ge=1, description="Results: of the latest completed runs that followed a recommendation.")
    inside: float = Field(ge=0, le=1, description="The share of them inside their interval.")
    below: int = Field(ge=0, description="Results below it.")
    above: int = Field(ge=0, description="Results above it.")
    drifting: bool = Field(description="Whether more missed than chance explains: the world may have changed.")


class ProjectHealth(Answer):
    """How a project stands, as a worker measured it: soon after runs come in, and every few minutes."""

    measured_at: datetime
    n_runs: int = Field(ge=0, description="Finished runs.")
    n_new_runs: int = Field(ge=0, description="Those of them that the champion has not learned from.")
    last_run_at: datetime | None
    intervals: dict[str, IntervalsHeld] = Field(description="By target, whether predicted intervals hold.")


class Project(Answer):
    """A tenant's pool of runs that may teach each other."""

    name: str = Field(examples=["demo"])
    objectives: list[Objective]
    refit_policy: RefitPolicy
    retention: Retention
    meta_learner_id: UUID | None = Field(description="The champion: the meta-learner that serves.")
    health: ProjectHealth | None = Field(description="Null until a worker has looked at the project.")
    created_at: datetime
    updated_at: datetime


class ProjectDetail(Project):
    """A project, and what its owner should know."""

    warnings: list[str] = Field(description="What should be seen to: that the bundle of the champion is damaged.")


class ProjectList(Answer):
    """A page of projects, by name."""

    projects: list[Project]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


# ---------------------------------------------------------------- health


class Health(Answer):
    """The process lives."""

    status: Literal["ok"]
    version: str = Field(examples=["0.1.0"])


class Readiness(Answer):
    """The service can do its work."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, str] = Field(
        description="What was looked at: `ok`, or the reason why not.", examples=[{"database": "ok", "schema": "ok"}]
    )
    warnings: list[str] = Field(
        default_factory=list, description="What does not keep the service from working and should be seen to."
    )
