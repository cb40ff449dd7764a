# A copy of the service's own module, made by `make openapi`. Change it there.
"""Landmarkers: how well the simplest learners do on a sample tells what kind of data set it is.

Source: Pfahringer, Bensusan, Giraud-Carrier, "Meta-learning by landmarking various learning algorithms", ICML 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from forerun_client.meta_features.tables import TableColumn
from forerun_client.meta_features.arrays import FloatArray

N_FOLDS = 3
N_FREQUENT = 10
"""Levels of a categorical column that get an indicator each."""


def landmarkers(columns: Sequence[TableColumn], y: FloatArray, is_classification: bool, seed: int) -> dict[str, float]:
    """Cross-validated accuracy (classification) or R² (regression, not below -1) of three learners.

    Classes of a single row are left out; with less than two others, or less than four rows, nothing can be said.
    """
    X = design(columns)
    if is_classification:
        kept = _in_repeated_class(y)
        X, y = X[kept], y[kept]
    unit = standardised(y)
    if X.shape[1] == 0 or len(y) < 4 or unit is None:
        return {}
    y = y if is_classification else unit
    return {
        f"landmark_{name}": _cross_validated(learner, X, y, is_classification, seed)
        for name, learner in _learners(is_classification, seed).items()
    }


def design(columns: Sequence[TableColumn]) -> FloatArray:
    """Columns as standardised numbers: medians for what is missing, indicators for the frequent levels."""
    parts = [part for column in columns for part in _parts(column)]
    return np.column_stack(parts) if parts else np.empty((len(columns[0].values) if columns else 0, 0))


def _parts(column: TableColumn) -> list[FloatArray]:
    present = column.values[~np.isnan(column.values)]
    if column.kind == "other" or len(present) == 0 or present.min() == present.max():
        return []
    if column.kind == "categorical":
        levels, counts = np.unique(present, return_counts=True)
        frequent = levels[np.argsort(-counts, kind="stable")[:N_FREQUENT]]
        return [(column.values == level).astype(np.float64) for level in frequent]
    z = standardised(np.where(np.isnan(column.values), np.median(present), column.values))
    return [] if z is None else [z]


def standardised(x: FloatArray) -> FloatArray | None:
    """Mean 0 and variance 1; None of what does not vary."""
    if len(x) < 2 or x.min() == x.max():
        return None
    x = x / np.abs(x).max()  # squares of the largest numbers would overflow
    spread = x.std()
    return (x - x.mean()) / spread if spread > 0 else None


def _in_repeated_class(y: FloatArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    _, inverse, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse] > 1)


def _learners(is_classification: bool, seed: int) -> dict[str, Any]:
    if is_classification:
        return {
            "stump": DecisionTreeClassifier(max_depth=1, random_state=seed),
            "nearest_neighbour": KNeighborsClassifier(1),
            "naive_bayes": GaussianNB(),
        }
    return {
        "stump": DecisionTreeRegressor(max_depth=1, random_state=seed),
        "nearest_neighbour": KNeighborsRegressor(1),
        "linear": Ridge(),
    }


def _cross_validated(learner: Any, X: FloatArray, y: FloatArray, is_classification: bool, seed: int) -> float:
    """Accuracy of classes; of a standardised response the share of the variance explained."""
    smallest = int(np.unique(y, return_counts=True)[1].min()) if is_classification else len(y)
    splitter = StratifiedKFold if is_classification else KFold
    folds = splitter(min(N_FOLDS, smallest), shuffle=True, random_state=seed)
    predicted = np.empty(len(y))
    with np.errstate(all="ignore"):  # of rows that are all alike in a fold, naive Bayes has the logarithm of zero
        for train, test in folds.split(X, y):
            predicted[test] = learner.fit(X[train], y[train]).predict(X[test])
    if is_classification:
        return float((predicted == y).mean())
    return max(-1.0, 1.0 - float(((predicted - y) ** 2).mean()))
