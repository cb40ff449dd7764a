"""What the demo is about: its search space over eight model families, what is wanted, what holds for all trainings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Configuration: TypeAlias = Mapping[str, Any]

HELD_OUT = "breast_cancer"
"""The data set that the service is asked about before it has seen a run of it."""
METRIC = "balanced_accuracy"
OBJECTIVE = {"metric": METRIC, "direction": "maximize"}
N_FOLDS = 5
CONTEXT: Json = {"environment": {"n_threads": 1}, "fidelity": {"n_folds": N_FOLDS}}
"""What holds for every training here, and so for every question about one."""

FORESTS = ["random_forest", "extra_trees"]
BOOSTERS = ["hist_gradient_boosting", "catboost"]

SEARCH_SPACE: Json = {
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
