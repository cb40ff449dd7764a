"""Runs and datasets on the wire, besides the nouns of `types.py`, with examples that work as they stand."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.examples import PROJECT, RUN_ID
from app.api.schemas import Answer
from app.types import CurvePoint, DatasetReference, Inputs, MetaFeatures, Noun, Run, State, Targets

MAX_BATCH = 10_000


class RunBatch(Noun):
    """Many runs at once; one that is not valid does not reject the others."""

    runs: list[Run] = Field(max_length=MAX_BATCH)


class RunReceipt(Answer):
    """A run is stored: by this request, or by an earlier one with the same `run_id` and body."""

    id: UUID = Field(description="Names the run in paths.", examples=[RUN_ID])
    run_id: str = Field(description="The client's key, or the one made for it.", examples=["sonar-svm-1"])
    status: Literal["created", "duplicate"]


class RunFault(Answer):
    """One thing wrong with a run of a batch."""

    pointer: str = Field(
        description="Where: a JSON Pointer into the body, or into the line of a stream.",
        examples=["/runs/1/metrics/accuracy"],
    )
    message: str = Field(examples=["input should be a valid number"])


class RunError(Answer):
    """Why a run of a batch was not taken; the same members as in a problem."""

    code: str = Field(pattern="^[a-z][a-z0-9_]*$", examples=["invalid_request"])
    detail: str
    errors: list[RunFault]


class BatchResult(Answer):
    """What became of one run."""

    index: int = Field(ge=0, description="Its place in `runs`, or its line in the stream; both count from 0.")
    status: Literal["created", "duplicate", "conflict", "rejected"]
    id: UUID | None = Field(
        default=None, description="The stored run; with `conflict`, the other one that has this `run_id`. Else absent."
    )
    error: RunError | None = Field(default=None, description="With `conflict` and `rejected` only.")


class BatchReceipt(Answer):
    """What became of a batch."""

    created: int = Field(ge=0)
    duplicates: int = Field(ge=0)
    rejected: int = Field(ge=0, description="Runs that were not taken: invalid ones, and conflicts.")
    results: list[BatchResult] = Field(
        description="Each run of a JSON batch, in order; of a stream only the lines that were not taken. The faults of "
        "the first 100 rejected runs of a JSON batch are listed; of later ones it is told how many there are."
    )
    results_omitted: int = Field(
        default=0, ge=0, description="Of a stream: lines that were not taken and found no place in `results`."
    )


class RunRecord(Answer):
    """A run as it is stored."""

    id: UUID = Field(examples=[RUN_ID])
    project: str
    run_id: str
    dataset: DatasetReference = Field(description="With the meta-features that the dataset has by now.")
    state: State
    hyperparameters: Inputs
    architecture: Inputs
    environment: Inputs
    fidelity: Inputs
    metrics: Targets
    resources: Targets
    learning_curve: list[CurvePoint]
    recommendation_id: UUID | None
    started_at: datetime | None
    finished_at: datetime | None
    tags: dict[str, str]
    created_at: datetime = Field(description="When it was first posted.")
    updated_at: datetime = Field(description="When it was last changed.")


class RunList(Answer):
    """A page of runs, newest first."""

    runs: list[RunRecord]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")


class DatasetDescription(Noun):
    """All that is known about a dataset besides its runs."""

    meta_features: MetaFeatures = Field(
        default_factory=dict, description="Numbers that describe it. Those that are left out are forgotten."
    )


class DatasetRecord(Answer):
    """A dataset, and how many runs were trained on it."""

    project: str = Field(examples=[PROJECT])
    name: str = Field(examples=["sonar"])
    meta_features: MetaFeatures
    n_runs: int = Field(ge=0, description="Runs of any state.")
    created_at: datetime
    updated_at: datetime


class DatasetList(Answer):
    """A page of datasets, newest first."""

    datasets: list[DatasetRecord]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one.")


# ---------------------------------------------------------------- examples

META_FEATURES = {"n_rows": 208.0, "n_features": 60.0, "n_classes": 2.0, "class_entropy": 0.997}

RUN: dict[str, Any] = {
    "project": PROJECT,
    "run_id": "sonar-svm-1",
    "dataset": {"name": "sonar", "meta_features": META_FEATURES},
    "state": "completed",
    "hyperparameters": {"family": "svm", "C": 10.0, "gamma": 0.01},
    "environment": {"n_threads": 1},
    "fidelity": {"n_folds": 5},
    "metrics": {"balanced_accuracy": 0.871},
    "resources": {"duration_seconds": 0.052},
    "tags": {"team": "risk"},
}
NEURAL_RUN: dict[str, Any] = {
    "project": PROJECT,
    "run_id": "sonar-mlp-7",
    "dataset": "sonar",
    "state": "stopped",
    "hyperparameters": {"family": "mlp", "optimizer": {"name": "adam", "learning_rate": 0.003}},
    "architecture": {"layers": [{"type": "dense", "units": 128, "activation": "relu"}, {"type": "dense", "units": 2}]},
    "fidelity": {"epochs": 20},
    "metrics": {"balanced_accuracy": 0.79},
    "resources": {"duration_seconds": 3.4, "peak_memory_bytes": 268435456},
    "learning_curve": [
        {"step": 1, "metrics": {"balanced_accuracy": 0.55}},
        {"step": 20, "metrics": {"balanced_accuracy": 0.79}},
    ],
    "started_at": "2026-03-02T09:20:41Z",
    "finished_at": "2026-03-02T09:20:45Z",
}
RUNNING_RUN: dict[str, Any] = {
    "project": PROJECT,
    "dataset": "sonar",
    "state": "running",
    "hyperparameters": {"family": "random_forest", "n_estimators": 200},
}
RUN_REQUESTS: dict[str, Any] = {
    "completed": {"summary": "A finished run", "value": RUN},
    "neural": {"summary": "A network with layers and a learning curve, stopped early", "value": NEURAL_RUN},
    "running": {"summary": "A run that has only begun; PATCH finishes it", "value": RUNNING_RUN},
}
RECEIPT: dict[str, Any] = {"id": RUN_ID, "run_id": "sonar-svm-1", "status": "created"}
DUPLICATE: dict[str, Any] = {**RECEIPT, "status": "duplicate"}
BATCH: dict[str, Any] = {"runs": [{**RUN, "run_id": "sonar-svm-2"}, NEURAL_RUN]}
STREAM: str = "\n".join(json.dumps(run) for run in BATCH["runs"])
BATCH_RECEIPT: dict[str, Any] = {
    "created": 1,
    "duplicates": 0,
    "rejected": 1,
    "results": [
        {"index": 0, "status": "created", "id": RUN_ID},
        {
            "index": 1,
            "status": "rejected",
            "error": {
                "code": "invalid_request",
                "detail": "/runs/1/metrics: this field is required",
                "errors": [{"pointer": "/runs/1/metrics", "message": "this field is required"}],
            },
        },
    ],
    "results_omitted": 0,
}
PATCH: dict[str, Any] = {
    "state": "completed",
    "metrics": {"balanced_accuracy": 0.83},
    "resources": {"duration_seconds": 1.9},
    "learning_curve": [{"step": 200, "metrics": {"balanced_accuracy": 0.83}}],
    "finished_at": "2026-03-02T09:21:07Z",
}
RUN_RECORD: dict[str, Any] = {
    "id": RUN_ID,
    **RUN,
    "architecture": {},
    "learning_curve": [],
    "recommendation_id": None,
    "started_at": None,
    "finished_at": None,
    "created_at": "2026-03-02T09:20:41.112358Z",
    "updated_at": "2026-03-02T09:20:41.112358Z",
}
DATASET_DESCRIPTION: dict[str, Any] = {"meta_features": META_FEATURES}
DATASET_RECORD: dict[str, Any] = {
    "project": PROJECT,
    "name": "sonar",
    "meta_features": META_FEATURES,
    "n_runs": 80,
    "created_at": "2026-03-02T09:13:51.004711Z",
    "updated_at": "2026-03-02T09:20:41.112358Z",
}
