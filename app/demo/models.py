"""One search space over eight model families, and the estimator that a configuration of it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from catboost import CatBoostClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from app.space.parse import parse_search_space

FORESTS = ["random_forest", "extra_trees"]
BOOSTERS = ["hist_gradient_boosting", "catboost"]

SEARCH_SPACE: dict[str, Any] = {
    "parameters": {
        "family": ["logistic_regression", "svm", "knn", *FORESTS, *BOOSTERS, "mlp"],
        "C": {
            "type": "float",
            "low": 0.001,
            "high": 1000.0,
            "log": True,
            "when": {"family": ["logistic_regression", "svm"]},
        },
        "gamma": {"type": "float", "low": 0.0001, "high": 10.0, "log": True, "when": {"family": ["svm"]}},
        "n_neighbors": {"type": "int", "low": 1, "high": 500, "log": True, "when": {"family": ["knn"]}},
        "weights": {"type": "categorical", "choices": ["uniform", "distance"], "when": {"family": ["knn"]}},
        "n_estimators": {"type": "int", "low": 10, "high": 200, "log": True, "when": {"family": FORESTS}},
        "max_features": {"type": "float", "low": 0.1, "high": 1.0, "when": {"family": FORESTS}},
        "min_samples_leaf": {"type": "int", "low": 1, "high": 50, "log": True, "when": {"family": FORESTS}},
        "learning_rate": {
            "type": "float",
            "low": 0.003,
            "high": 0.5,
            "log": True,
            "when": {"family": [*BOOSTERS, "mlp"]},
        },
        "iterations": {"type": "int", "low": 10, "high": 150, "log": True, "when": {"family": BOOSTERS}},
        "max_leaf_nodes": {
            "type": "int",
            "low": 3,
            "high": 63,
            "log": True,
            "when": {"family": ["hist_gradient_boosting"]},
        },
        "depth": {"type": "int", "low": 1, "high": 7, "when": {"family": ["catboost"]}},
        "l2_leaf_reg": {"type": "float", "low": 0.1, "high": 30.0, "log": True, "when": {"family": ["catboost"]}},
        "alpha": {"type": "float", "low": 0.00001, "high": 10.0, "log": True, "when": {"family": ["mlp"]}},
        "architecture.n_layers": {"type": "int", "low": 1, "high": 3, "when": {"family": ["mlp"]}},
        "architecture.width": {"type": "int", "low": 8, "high": 128, "log": True, "when": {"family": ["mlp"]}},
        "architecture.activation": {
            "type": "categorical",
            "choices": ["relu", "tanh"],
            "when": {"family": ["mlp"]},
        },
    }
}

Configuration = Mapping[str, Any]


def estimator(configuration: Configuration, seed: int) -> Any:
    """The scikit-learn or CatBoost classifier of a configuration; one thread, so that seconds compare."""
    given = dict(configuration)
    return FAMILIES[given.pop("family")](given, seed)


def _logistic_regression(given: dict[str, Any], seed: int) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(**given, max_iter=1000, random_state=seed))


def _svm(given: dict[str, Any], seed: int) -> Any:
    return make_pipeline(StandardScaler(), SVC(**given, random_state=seed))


def _knn(given: dict[str, Any], seed: int) -> Any:
    return make_pipeline(StandardScaler(), KNeighborsClassifier(**given))


def _random_forest(given: dict[str, Any], seed: int) -> Any:
    return RandomForestClassifier(**given, random_state=seed)


def _extra_trees(given: dict[str, Any], seed: int) -> Any:
    return ExtraTreesClassifier(**given, random_state=seed)


def _hist_gradient_boosting(given: dict[str, Any], seed: int) -> Any:
    rounds = given.pop("iterations")
    return HistGradientBoostingClassifier(**given, max_iter=rounds, early_stopping=False, random_state=seed)


def _catboost(given: dict[str, Any], seed: int) -> Any:
    return CatBoostClassifier(**given, random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False)


def _mlp(given: dict[str, Any], seed: int) -> Any:
    layers = (given.pop("architecture.width"),) * given.pop("architecture.n_layers")
    network = MLPClassifier(
        hidden_layer_sizes=layers,
        activation=given["architecture.activation"],
        learning_rate_init=given["learning_rate"],
        alpha=given["alpha"],
        max_iter=60,
        random_state=seed,
    )
    return make_pipeline(StandardScaler(), network)


FAMILIES: dict[str, Callable[[dict[str, Any], int], Any]] = {
    "logistic_regression": _logistic_regression,
    "svm": _svm,
    "knn": _knn,
    "random_forest": _random_forest,
    "extra_trees": _extra_trees,
    "hist_gradient_boosting": _hist_gradient_boosting,
    "catboost": _catboost,
    "mlp": _mlp,
}


def random_configurations(n: int, seed: int) -> list[dict[str, Any]]:
    """At most n distinct configurations, spread over the search space."""
    space = parse_search_space(SEARCH_SPACE)
    sample = space.sample(n, seed)
    return space.decode(sample, range(len(sample["family"])))
