# A copy of the service's own module, made by `make openapi`. Change it there.
"""Meta-features of a data set, from its table.

scipy and scikit-learn rather than pymfe 0.4.4, which runs (numpy 2.4, Python 3.11) but knows no regression, reads
numbers with gaps as text, answers NaN and inf, takes 6 s for 20,000 x 50 and brings igraph and statsmodels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from scipy import stats

from forerun_client.errors import InvalidRequest
from forerun_client.meta_features.landmarkers import landmarkers, standardised
from forerun_client.meta_features.tables import TableColumn, read_table, table_columns
from forerun_client.meta_features.arrays import FloatArray, IntArray

__all__ = ["describe", "read_table"]

MAX_ROWS = 10_000
"""Rows sampled for shapes and relations; sizes, missing values and the target are counted in all rows."""
MAX_LANDMARK_ROWS = 2_000
MAX_COLUMNS = 200
"""Columns sampled for shapes, relations and landmarkers."""
MAX_CLASSES = 20
"""Whole numbers with more distinct values than this are measured, not classified."""
N_BINS = 10
LARGEST = 1e300
"""No meta-feature of a run may be larger."""


def describe(table: pa.Table, target: str, seed: int = 0) -> dict[str, float]:
    """The meta-features of a data set whose column `target` is to be predicted; all finite.

    A target of text, truth values or few whole numbers makes it classification, any other regression. Rows without a
    target are left out. What a data set does not have (the skewness of its numbers, where none is a number) is left
    out of the answer.

    Raises: InvalidRequest for an unknown target, no other column, or a target with less than two values.
    """
    columns = table_columns(table)
    y, features, is_classification = _supervised(columns, target)
    rng = np.random.default_rng(seed)
    rows = _sample(rng, len(y), MAX_ROWS)
    sampled = [features[j].take(rows) for j in _sample(rng, len(features), MAX_COLUMNS)]
    few = _sample(rng, len(rows), MAX_LANDMARK_ROWS)
    found = _sizes(features, len(y)) | _missing(features)
    found |= _classes(y) if is_classification else _response(y)
    found |= _shapes(sampled) | _correlations(sampled) | _information(sampled, y[rows], is_classification)
    found |= landmarkers([column.take(few) for column in sampled], y[rows][few], is_classification, seed)
    return {name: float(value) for name, value in found.items() if abs(value) <= LARGEST}


def _supervised(columns: Mapping[str, TableColumn], target: str) -> tuple[FloatArray, list[TableColumn], bool]:
    """The target (n,), the other columns on its n rows, and whether it is classification."""
    if target not in columns:
        raise InvalidRequest(f"the table has no column {target!r}; it has {', '.join(map(repr, list(columns)[:20]))}")
    response = columns[target]
    rows = np.flatnonzero(~np.isnan(response.values))
    y = response.values[rows]
    if response.kind == "other" or len(np.unique(y)) < 2:
        raise InvalidRequest(f"the target {target!r} has less than two values to tell apart")
    if len(columns) < 2:
        raise InvalidRequest(f"the table has no column but the target {target!r}")
    features = [column.take(rows) for name, column in columns.items() if name != target]
    return y, features, _is_classification(response, y)


def _is_classification(response: TableColumn, y: FloatArray) -> bool:
    if response.kind != "numeric":
        return response.kind in ("categorical", "boolean")
    n_distinct = len(np.unique(y))
    return bool((y == np.round(y)).all()) and (n_distinct == 2 or n_distinct <= min(MAX_CLASSES, len(y) / 2))


def _sample(rng: np.random.Generator, n: int, size: int) -> IntArray:
    return np.arange(n) if n <= size else np.sort(rng.choice(n, size, replace=False))


def _sizes(features: Sequence[TableColumn], n_rows: int) -> dict[str, float]:
    n = {kind: sum(column.kind == kind for column in features) for kind in ("numeric", "categorical", "boolean")}
    n["datetime"] = sum(column.kind == "datetime" for column in features)
    sizes = {"n_rows": n_rows, "n_features": len(features), "rows_per_feature": n_rows / len(features)}
    sizes |= {f"n_{kind}": count for kind, count in n.items()}
    sizes |= {f"fraction_{kind}": count / len(features) for kind, count in n.items()}
    levels = [len(np.unique(_present(column))) for column in features if column.kind == "categorical"]
    return sizes | ({"n_levels_mean": float(np.mean(levels)), "n_levels_max": max(levels)} if levels else {})


def _missing(features: Sequence[TableColumn]) -> dict[str, float]:
    per_column = np.array([np.isnan(column.values).mean() for column in features])
    n_constant = sum(len(np.unique(_present(column))) < 2 for column in features)
    return {
        "fraction_missing": float(per_column.mean()),
        "fraction_missing_columns": float((per_column > 0).mean()),
        "fraction_constant": n_constant / len(features),
    }


def _classes(y: FloatArray) -> dict[str, float]:
    """Entropy in bits; imbalance is the largest class over the smallest."""
    counts = np.unique(y, return_counts=True)[1]
    return {
        "is_classification": 1.0,
        "n_classes": len(counts),
        "class_entropy": float(stats.entropy(counts, base=2)),
        "majority_fraction": float(counts.max() / counts.sum()),
        "minority_fraction": float(counts.min() / counts.sum()),
        "imbalance": float(counts.max() / counts.min()),
    }


def _response(y: FloatArray) -> dict[str, float]:
    """A measured target; its mean and spread set the unit of errors such as RMSE."""
    found = {"is_classification": 0.0, "target_distinct_fraction": len(np.unique(y)) / len(y)}
    if (z := standardised(y)) is not None:
        found |= {"target_skewness": float(stats.skew(z)), "target_kurtosis": float(stats.kurtosis(z))}
    with np.errstate(over="ignore"):
        return found | {"target_mean": float(y.mean()), "target_std": float(y.std())}


def _shapes(columns: Sequence[TableColumn]) -> dict[str, float]:
    """Of the numeric columns: absolute skewness and excess kurtosis."""
    candidates = [standardised(_present(column)) for column in columns if column.kind == "numeric"]
    varying = [z for z in candidates if z is not None]
    skewness = [abs(float(stats.skew(z))) for z in varying]
    kurtosis = [float(stats.kurtosis(z)) for z in varying]
    return _summary("skewness_abs", skewness) | _summary("kurtosis", kurtosis)


def _correlations(columns: Sequence[TableColumn]) -> dict[str, float]:
    """Absolute correlations of all pairs of numeric columns, missing values at the mean."""
    candidates = [_imputed(column) for column in columns if column.kind == "numeric"]
    varying = [z for z in candidates if z is not None]
    if len(varying) < 2:
        return {}
    pairs = np.triu_indices(len(varying), k=1)
    return _summary("correlation_abs", np.abs(np.atleast_2d(np.corrcoef(varying))[pairs]).tolist())


def _information(columns: Sequence[TableColumn], y: FloatArray, is_classification: bool) -> dict[str, float]:
    """Mutual information of each column and the target over the entropy of the target; a missing value is a value.

    Bias-corrected: Miller, "Note on the bias of information estimates", 1955.
    """
    response = np.unique(y, return_inverse=True)[1] if is_classification else _bins(y)
    shares = [_explained(_codes(column), response) for column in columns]
    return _summary("information", shares)


def _codes(column: TableColumn) -> IntArray:
    """At most N_BINS frequent levels or quantile bins, and one code each for the rest and for missing."""
    codes = np.zeros(len(column.values), dtype=np.int64)
    present = ~np.isnan(column.values)
    if not present.any():
        return codes
    if column.kind in ("numeric", "datetime"):
        codes[present] = 2 + _bins(column.values[present])
        return codes
    levels, inverse, counts = np.unique(column.values[present], return_inverse=True, return_counts=True)
    rank = np.empty(len(levels), dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(levels))
    codes[present] = np.where(rank < N_BINS, 2 + rank, 1)[inverse]
    return codes


def _bins(x: FloatArray) -> IntArray:
    edges = np.unique(np.quantile(x, np.arange(1, N_BINS) / N_BINS))
    return np.searchsorted(edges, x, side="left")


def _explained(codes: IntArray, response: IntArray) -> float:
    joint = np.bincount(codes * (response.max() + 1) + response, minlength=(codes.max() + 1) * (response.max() + 1))
    table = joint.reshape(codes.max() + 1, -1)
    rows, columns, cells = ((counts > 0).sum() for counts in (table.sum(1), table.sum(0), table))
    entropy = stats.entropy(table.sum(0))
    information = stats.entropy(table.sum(1)) + entropy - stats.entropy(table.ravel())
    bias = (cells - rows - columns + 1) / (2 * len(codes))
    return float(np.clip((information - bias) / entropy, 0.0, 1.0)) if entropy > 0 else 0.0


def _present(column: TableColumn) -> FloatArray:
    return column.values[~np.isnan(column.values)]


def _imputed(column: TableColumn) -> FloatArray | None:
    z = standardised(_present(column))
    if z is None:
        return None
    filled = np.zeros(len(column.values))
    filled[~np.isnan(column.values)] = z
    return filled


def _summary(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {
        f"{name}_mean": float(np.mean(values)),
        f"{name}_sd": float(np.std(values)),
        f"{name}_max": float(np.max(values)),
    }
