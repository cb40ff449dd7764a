"""The shape of the answers that sum up: how projects stand, how recommendations turned out, what is alike."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api import examples
from app.api.schemas import Answer, Quality, Realised, RefitState
from app.types import Basis, Objective


class RunsPerHour(Answer):
    """What came in during the last 24 hours, the current one included."""

    since: datetime = Field(description="Where the first hour begins.")
    counts: list[int] = Field(description="Runs posted in each hour, oldest first; at most 10,000 are counted.")


class Champion(Answer):
    """The meta-learner that serves."""

    id: UUID
    version: int = Field(ge=1)
    fitted_at: datetime
    n_runs: int = Field(ge=0, description="Runs it learned from.")
    n_datasets: int = Field(ge=0, description="Datasets they were trained on.")
    damaged: bool = Field(
        description="Whether the process that answers found its bundle damaged, so that an earlier one serves."
    )
    quality: dict[str, Quality] = Field(description="By target: how it does on datasets it has not seen.")


class LastRefit(Answer):
    """The newest refit of a project."""

    id: UUID
    state: RefitState
    queued_at: datetime
    finished_at: datetime | None
    error: str | None


class Overview(Answer):
    """A project at a glance."""

    project: str = Field(examples=["demo"])
    objectives: list[Objective]
    n_runs: int = Field(ge=0, description="Stored runs; beyond 100,000, the finished ones when they were last counted.")
    n_datasets: int = Field(ge=0)
    runs_per_hour: RunsPerHour
    last_run_at: datetime | None = Field(description="When the newest run was posted.")
    champion: Champion | None = Field(description="Null before the first refit.")
    refit: LastRefit | None = Field(description="Null where there has been none.")


class OverviewList(Answer):
    """A page of projects at a glance."""

    projects: list[Overview]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


class ListedRecommendation(Answer):
    """A recommendation in a list."""

    recommendation_id: UUID
    dataset: str = Field(description="The dataset that was asked about.", examples=["breast_cancer"])
    basis: Basis
    meta_learner_id: UUID | None
    n_configurations: int = Field(ge=0, description="Configurations that were answered.")
    created_at: datetime


class RecommendationList(Answer):
    """A page of recommendations, newest first."""

    recommendations: list[ListedRecommendation]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


class Outcome(Realised):
    """A run that followed a recommendation, with what that was about."""

    recommendation_id: UUID
    dataset: str = Field(description="The dataset that was asked about.", examples=["breast_cancer"])
    recommended_at: datetime
    basis: Basis


class OutcomeList(Answer):
    """A page of outcomes."""

    outcomes: list[Outcome]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


class Neighbour(Answer):
    """A dataset beside another."""

    dataset: str = Field(examples=["sonar"])
    distance: float = Field(
        ge=0, description="Root mean square over meta-features, in their standard deviations; 0 for equals."
    )
    n_shared_meta_features: int = Field(ge=1)


class NeighbourList(Answer):
    """The datasets most like one, nearest first."""

    similar: list[Neighbour]


# ---------------------------------------------------------------- examples

OVERVIEW: dict[str, Any] = {
    "project": examples.PROJECT,
    "objectives": examples.PROJECT_SETTINGS["objectives"],
    "n_runs": 640,
    "n_datasets": 11,
    "runs_per_hour": {"since": "2026-03-01T10:00:00Z", "counts": [0] * 23 + [640]},
    "last_run_at": "2026-03-02T09:13:57Z",
    "champion": {
        "id": examples.META_LEARNER_ID,
        "version": 1,
        "fitted_at": "2026-03-02T09:14:07Z",
        "n_runs": 640,
        "n_datasets": 10,
        "damaged": False,
        "quality": examples.QUALITY,
    },
    "refit": {
        "id": examples.REFIT_ID,
        "state": "succeeded",
        "queued_at": "2026-03-02T09:13:58Z",
        "finished_at": "2026-03-02T09:14:07Z",
        "error": None,
    },
}
RECOMMENDATION_LISTED: dict[str, Any] = {
    "recommendation_id": examples.RECOMMENDATION_ID,
    "dataset": "breast_cancer",
    "basis": "zero_shot",
    "meta_learner_id": examples.META_LEARNER_ID,
    "n_configurations": 1,
    "created_at": "2026-03-02T09:20:41Z",
}
OUTCOME: dict[str, Any] = {
    "recommendation_id": examples.RECOMMENDATION_ID,
    "dataset": "breast_cancer",
    "recommended_at": "2026-03-02T09:20:41Z",
    "basis": "zero_shot",
    **examples.RECOMMENDATION_RECORD["runs"][0],
}
SIMILAR: dict[str, Any] = {
    "similar": [{"dataset": "wine", "distance": 0.61, "n_shared_meta_features": 4}],
}
