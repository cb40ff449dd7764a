"""The scikit-learn or CatBoost estimator that a configuration of the demo's search space means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from catboost import CatBoostClassifier
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from app.demo.space import SEARCH_SPACE, Configuration
from app.space.parse import parse_search_space


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
