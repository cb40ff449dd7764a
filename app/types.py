"""The nouns: frozen, validated; what the rooms hand each other.

Two kinds. What travels over the wire is a pydantic model (`Run`, `Objective`, ...): strict types, unknown fields
refused, so that a value that exists is a value that is right. What the method computes with is a dataclass of arrays.

Symbols and shapes, everywhere in this code:
  n  runs, configurations or candidates      d  encoded inputs (columns of X)
  m  targets                                 k  answered configurations
  X  (n, d) float32, NaN where an input is absent
  y  (n,)   float64, one target in its own unit, NaN where a run did not report it
  z  (n,)   float64, a target on its dataset's own scale (normal quantiles of ranks)
  groups (n,) int64, which dataset a row belongs to
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import numpy as np
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    model_validator,
)

from app.space.columns import Columns, Float32Array, FloatArray, IntArray, take

# ---------------------------------------------------------------- on the wire


def composed(name: str) -> str:
    """In Unicode's composed form (NFC): keyboards, file systems and languages spell one accent in several ways."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


NAME_PATTERN = r"^[^\x00-\x1f\x7f]+$"
Name: TypeAlias = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=NAME_PATTERN), AfterValidator(composed)
]
"""A project, dataset, metric or run_id: 1 to 200 characters, none of them a control character; kept composed."""
Number: TypeAlias = Annotated[float, Field(allow_inf_nan=False, ge=-1e300, le=1e300)]


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
"""On an `int`: JSON has one kind of number, so 10.0 is an integer, as JSON Schema has it; 10.5 and "10" are not."""
Inputs: TypeAlias = dict[Name, JsonValue]
Targets: TypeAlias = dict[Name, Number]
MetaFeatures: TypeAlias = dict[Name, Number]


def _rfc3339(value: Any) -> Any:
    """Refuses what pydantic alone would read as well: seconds since 1970, bare dates."""
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    raise ValueError("a time is written as in RFC 3339, such as 2026-03-02T09:14:07Z")


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is out of range in UTC") from None


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
Time: TypeAlias = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_rfc3339), AfterValidator(_utc)]
State: TypeAlias = Literal["completed", "failed", "running", "stopped"]
Direction: TypeAlias = Literal["maximize", "minimize"]
Strategy: TypeAlias = Literal["best", "improve", "explore"]
Basis: TypeAlias = Literal["few_shot", "zero_shot", "cold_start"]
Enumeration: TypeAlias = Literal["exhaustive", "exact", "bounded", "sampled"]

INPUT_KINDS = ("hyperparameters", "architecture", "environment", "fidelity")
"""The four objects of a run that hold inputs; a parameter belongs to the first unless it has another as its prefix."""


class Noun(BaseModel):
    """The wire's rules: immutable, no coercion, no unknown field."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class DatasetReference(Noun):
    """What was trained on. Meta-features are merged into the dataset; the last writer of each one wins."""

    name: Name = Field(examples=["adult"])
    meta_features: MetaFeatures = Field(
        default_factory=dict, examples=[{"n_rows": 48842, "n_features": 14, "n_classes": 2}]
    )


def _named(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


Dataset: TypeAlias = Annotated[
    DatasetReference, BeforeValidator(_named, json_schema_input_type=DatasetReference | Name)
]


class CurvePoint(Noun):
    """What a run had reached after `step` units of training."""

    step: Number
    metrics: Targets


class Run(Noun):
    """One training of one configuration on one dataset, with its outcome."""

    project: Name = "default"
    run_id: Name | None = Field(
        default=None, description="The client's own key, unique in its project; makes a retry safe."
    )
    dataset: Dataset
    state: State
    hyperparameters: Inputs = Field(default_factory=dict)
    architecture: Inputs = Field(default_factory=dict)
    environment: Inputs = Field(default_factory=dict)
    fidelity: Inputs = Field(default_factory=dict)
    metrics: Targets = Field(default_factory=dict)
    resources: Targets = Field(default_factory=dict)
    learning_curve: list[CurvePoint] = Field(default_factory=list, max_length=100_000, fail_fast=True)
    recommendation_id: UUID | None = Field(
        default=None, strict=False, description="The recommendation this run followed."
    )
    started_at: Time | None = None
    finished_at: Time | None = None
    tags: dict[Name, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _coherent(self) -> Run:
        if self.state == "completed" and not self.metrics:
            raise ValueError("a completed run needs at least one metric")
        if both := self.metrics.keys() & self.resources.keys():
            raise ValueError(f"{min(both)!r} stands in both metrics and resources; a target has one place")
        if self.started_at and self.finished_at and self.finished_at < self.started_at:
            raise ValueError("finished_at is before started_at")
        return self


class RunPatch(Noun):
    """What may be added to a `running` run: targets are merged, curve points appended."""

    state: State | None = None
    metrics: Targets = Field(default_factory=dict)
    resources: Targets = Field(default_factory=dict)
    learning_curve: list[CurvePoint] = Field(default_factory=list, max_length=100_000, fail_fast=True)
    finished_at: Time | None = None


class Objective(Noun):
    """A target and which way is better."""

    metric: Name = Field(examples=["accuracy"])
    direction: Direction

    @property
    def sign(self) -> float:
        return 1.0 if self.direction == "maximize" else -1.0


class OutcomeConstraint(Noun):
    """A limit on a target that must hold with at least the given probability."""

    metric: Name = Field(examples=["duration_seconds"])
    op: Literal["<=", ">="]
    value: Number
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Observation(Noun):
    """A run that is told with the request instead of being stored."""

    configuration: Inputs
    metrics: Targets = Field(default_factory=dict)
    resources: Targets = Field(default_factory=dict)
    state: State = "completed"


class Context(Noun):
    """Inputs that hold for every candidate: where and how long it will be trained."""

    hyperparameters: Inputs = Field(default_factory=dict)
    architecture: Inputs = Field(default_factory=dict)
    environment: Inputs = Field(default_factory=dict)
    fidelity: Inputs = Field(default_factory=dict)


class RecommendRequest(Noun):
    """What to train next: a dataset, a search space, what is wanted and what is known."""

    project: Name = "default"
    dataset: Dataset
    objectives: list[Objective] = Field(default_factory=list, max_length=8, description="Absent: the project's own.")
    outcome_constraints: list[OutcomeConstraint] = Field(default_factory=list, max_length=16)
    search_space: dict[str, Any]  # read by `space.parse_search_space`, whose faults say more than a schema's
    context: Context = Context()
    observations: list[Observation] = Field(default_factory=list, max_length=10_000, fail_fast=True)
    pending: list[Inputs] = Field(default_factory=list, max_length=1_000, fail_fast=True)
    top_k: Annotated[int, Field(ge=1, le=10_000), WHOLE] = 10
    strategy: Strategy = "best"
    per: Name | None = Field(
        default=None,
        description="With `improve` and one objective: a resource by which improvement is divided, such as "
        "`duration_seconds`: what brings most for what it costs is proposed first.",
        examples=["duration_seconds"],
    )
    seed: Annotated[int, Field(ge=0, lt=2**53), WHOLE] = 0
    budget_ms: Annotated[int, Field(ge=1, le=60_000), WHOLE] = Field(
        default=2_000,
        description="Time that a search for the exact answer may take. What is found by then is the answer, and `gap` "
        "says how far a better score may lie above it. Searches by a fixed amount of work leave it alone, but below "
        "100 an infinite space is only sampled.",
    )
    explain: bool = False
    store: bool = Field(
        default=True, description="Whether the answer is kept and gets a `recommendation_id`; false: it was a what-if."
    )


# ---------------------------------------------------------------- between the rooms


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run as the store gives it back."""

    id: UUID
    run: Run
    created_at: datetime
    updated_at: datetime


class PastRun(NamedTuple):
    """What there is to learn from a run. Histories are long: a tuple is made in a tenth of a model's time."""

    id: bytes
    dataset: str
    state: State
    hyperparameters: dict[str, JsonValue]
    architecture: dict[str, JsonValue]
    environment: dict[str, JsonValue]
    fidelity: dict[str, JsonValue]
    metrics: dict[str, float]
    resources: dict[str, float]
    learning_curve: list[CurvePoint]
    """Of a stopped run: how far it came."""
    finished_at: float
    """POSIX seconds; of one that does not say, when it was stored."""


Ids: TypeAlias = np.ndarray[Any, np.dtype[np.void]]
"""Shape: (n,), the 16 octets of a UUID each (dtype V16)."""


@dataclass(frozen=True, slots=True)
class RunTable:
    """n runs as columns, with the datasets they were trained on. The input of *featurise*.

    Shapes: dataset (n,) rows of `datasets`; state (n,) of `State`; each column of `inputs` and array of `targets` (n,).
    """

    datasets: tuple[str, ...]
    meta_features: tuple[Mapping[str, float], ...]  # one per dataset
    dataset: IntArray
    state: np.ndarray[Any, np.dtype[np.str_]]
    inputs: Columns  # by path: "hyperparameters.optimizer.name"
    targets: Mapping[str, FloatArray]  # by name, NaN where not reported
    resources: frozenset[str]  # the targets that are resources
    finished_at: FloatArray  # (n,) POSIX seconds
    ids: Ids  # of the stored runs

    def __len__(self) -> int:
        return len(self.dataset)

    def take(self, rows: IntArray) -> RunTable:
        """The same datasets with only these of their runs, in this order."""
        return replace(
            self,
            dataset=self.dataset[rows],
            state=self.state[rows],
            inputs=take(self.inputs, rows),
            targets={name: y[rows] for name, y in self.targets.items()},
            finished_at=self.finished_at[rows],
            ids=self.ids[rows],
        )


InputKind: TypeAlias = Literal["dataset", "hyperparameters", "architecture", "environment", "fidelity"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One column of X: where it came from and how it reads."""

    name: str  # "hyperparameters.booster=gbtree", "dataset.n_rows"
    kind: InputKind
    path: str  # the input it was made from: "hyperparameters.booster"
    encoding: Literal["number", "log", "boolean", "one_hot", "code"]
    scale: float = (
        1.0  # spread of the finite values in the history (standard deviation, after the log); 1 for indicators
    )


@dataclass(frozen=True, slots=True)
class FeatureFrame:
    """Encoded inputs. Shapes: X (n, d) float32 in Fortran order, NaN where absent; groups (n,)."""

    X: Float32Array
    features: tuple[Feature, ...]
    groups: IntArray

    def __post_init__(self) -> None:
        if self.X.shape != (len(self.groups), len(self.features)):
            raise ValueError(
                f"X is {self.X.shape}, but there are {len(self.groups)} groups and {len(self.features)} features"
            )


@dataclass(frozen=True, slots=True)
class Prediction:
    """One target of n configurations, in its own unit: what a real run would give. lower..upper hold it with 90 %.

    Shapes: all (n,).
    """

    mean: FloatArray
    std: FloatArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, slots=True)
class OwnRun:
    """A run of the dataset that is asked about: stored, or told with the request."""

    inputs: Mapping[str, Any]  # by path, values as posted
    targets: Mapping[str, float]
    state: State = "completed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a challenger serves, and why."""

    promoted: bool
    reason: str
    figures: Mapping[str, float] = field(default_factory=dict)
