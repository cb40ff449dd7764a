"""What the columns of a table probably are, by their names and values; shown before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.importers.recover import recovered, seconds_of

PREFIXES: Final[Mapping[str, str]] = {
    "params": "hyperparameters",
    "param": "hyperparameters",
    "hyperparameters": "hyperparameters",
    "hyperparameter": "hyperparameters",
    "hparams": "hyperparameters",
    "config": "hyperparameters",
    "metrics": "metrics",
    "metric": "metrics",
    "values": "metrics",
    "summary": "metrics",
    "resources": "resources",
    "environment": "environment",
    "env": "environment",
    "architecture": "architecture",
    "arch": "architecture",
    "fidelity": "fidelity",
    "dataset": "meta_features",
    "meta_features": "meta_features",
    "meta": "meta_features",
    "tags": "tags",
    "user_attrs": "tags",
    "system_attrs": "ignored",
}
"""The exports of MLflow, Optuna, W&B and scikit-learn begin their columns with these, and ours with the kinds."""

NAMES: Final[Mapping[str, tuple[str, ...]]] = {  # the likeliest first
    "run_id": ("run_id", "run", "id", "trial_id", "trial", "number", "uuid"),
    "dataset": ("dataset", "dataset_name", "data_set", "data", "task", "task_id", "data_id", "dataset_id"),
    "state": ("state", "status"),
    "started_at": (
        "started_at",
        "start_time",
        "datetime_start",
        "created_at",
        "start",
        "started",
        "created",
        "timestamp",
        "datetime",
        "date",
    ),
    "finished_at": (
        "finished_at",
        "end_time",
        "datetime_complete",
        "ended_at",
        "completed_at",
        "end",
        "finished",
        "ended",
        "completed",
    ),
}
RESOURCES: Final[Mapping[str, str]] = {
    "seconds": "duration_seconds",
    "elapsed": "duration_seconds",
    "peak_memory_bytes": "peak_memory_bytes",
    "cost": "cost",
    "energy_joules": "energy_joules",
}
"""Columns that are taken for resources, and what they are called in a run."""
_SECONDS: Final = re.compile(
    r"(mean_|total_)?((train|training|fit|run|wall|elapsed)_?)?(time|duration|runtime|seconds|secs)(_?(s|sec|secs|seconds))?"
)
"""Names of a duration that say no other unit."""

_LABELS: Final = frozenset(
    {"host", "hostname", "node", "user", "username", "author", "comment", "notes", "note", "description", "git_commit",
     "commit", "seed", "random_state", "random_seed", "fold", "url", "path", "log_path", "name", "run_name"}
)  # fmt: skip
_ENVIRONMENT: Final = frozenset(
    {"accelerator", "gpu", "gpu_type", "gpu_name", "n_gpus", "num_gpus", "n_accelerators", "device", "cpu_count",
     "n_cpus", "num_cpus", "framework", "framework_version", "library", "library_version", "python_version",
     "cuda_version"}
)  # fmt: skip

_METRIC: Final = re.compile(
    r"(?:^|[_\s./-])(acc|accuracy|auc|auroc|roc_auc|auprc|f1|f_?measure|precision|recall|score|loss|log_?loss|error|err|rmse|mse|"
    r"mae|mape|r2|kappa|mcc|bleu|rouge|perplexity|ppl|iou|dice|map|ndcg|value|objective|reward|brier|elbo)(?:$|[_\s./@-]|\d)",
    re.IGNORECASE,
)
_PHASE: Final = re.compile(r"^(val|valid|validation|test|eval|train|cv)[_\s./-]", re.IGNORECASE)
_NOISE: Final = re.compile(
    r"^(|index|unnamed: ?\d+|level_\d+|rank_test_.*|split\d+_test_.*|std_.*|artifact_uri|lifecycle_.*)$", re.IGNORECASE
)
_MANY_TEXTS: Final = 20


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column becomes, and its name in the run."""

    kind: str
    name: str


def guesses(columns: Sequence[str], sample: Sequence[Mapping[str, Any]]) -> dict[str, Guess]:
    """A guess for every column; of several that could be the run's id, dataset or state, one is it, others are tags."""
    found = {column: _guess(column, [row.get(column) for row in sample]) for column in columns}
    for kind, names in NAMES.items():
        likely = sorted(
            (names.index(_plain(c)), c) for c in columns if _plain(c) in names and found[c].kind != "ignored"
        )
        for place, (_, column) in enumerate(likely):
            is_it = place == 0 and _fits(kind, [row.get(column) for row in sample])
            found[column] = Guess(kind if is_it else "tags", column)
    return found


def _plain(column: str) -> str:
    return re.sub(r"[\s.-]+", "_", column.strip().lower())


def _guess(column: str, values: Sequence[Any]) -> Guess:
    if _NOISE.match(_plain(column)) or _NOISE.match(column.strip()):
        return Guess("ignored", column)
    for separator in ("/", ".", "_"):
        prefix, found, rest = column.partition(separator)
        if prefix == "user" and found == "_" and rest.startswith("attrs_"):
            return Guess("tags", rest.removeprefix("attrs_"))
        if found and rest and (kind := PREFIXES.get(prefix.lower())) and _takes(kind, separator, values):
            return Guess(kind, rest)
    if _plain(column) in _LABELS:
        return Guess("tags", column)
    if _plain(column) in _ENVIRONMENT:
        return Guess("environment", column)
    numbers = _are_numbers(values)
    resource = "duration_seconds" if _SECONDS.fullmatch(_plain(column)) else RESOURCES.get(_plain(column))
    if resource and (numbers or all(seconds_of(value) is not None for value in _present(values))):
        return Guess("resources", resource)
    if numbers and (_METRIC.search(column) or _PHASE.match(column)):
        return Guess("metrics", column)
    return Guess("tags" if _are_labels(values) else "hyperparameters", column)


def _takes(kind: str, separator: str, values: Sequence[Any]) -> bool:
    """An underscore is part of many names: only what the exports write so is taken for a prefix."""
    if kind in ("metrics", "resources", "meta_features"):
        return _are_numbers(values)
    return True


def _present(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value not in (None, "") and value == value]


def _are_numbers(values: Sequence[Any]) -> bool:
    """Numbers, but for what stands where a training diverged."""
    present = [value for value in _present(values) if str(value).lower() not in ("nan", "inf", "-inf")]
    return bool(present) and all(
        isinstance(recovered(value), (int, float)) and not isinstance(recovered(value), bool) for value in present
    )


def _are_labels(values: Sequence[Any]) -> bool:
    """Times, and texts of which no two are the same, name something; they do not configure it."""
    present = _present(values)
    if present and all(_is_time(value) for value in present):
        return True
    return len(present) > _MANY_TEXTS and len(set(map(str, present))) == len(present) and not _are_numbers(present)


def _is_time(value: Any) -> bool:
    if isinstance(value, datetime):
        return True
    try:
        return isinstance(recovered(value), str) and bool(datetime.fromisoformat(str(value).strip()))
    except ValueError:
        return False


def _fits(kind: str, values: Sequence[Any]) -> bool:
    present = _present(values)
    if kind in ("started_at", "finished_at"):
        return all(_is_time(value) for value in present) or _are_numbers(present)
    return kind != "run_id" or len(set(map(str, present))) == len(present) > 0
