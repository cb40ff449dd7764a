"""Bodies for the documentation: every request succeeds as it stands on the demo project."""

from __future__ import annotations

from typing import Any

from fastapi.openapi.models import Example

PROJECT = "demo"
RECOMMENDATION_ID = "0199f1c2-7d34-7a10-9b6e-2f8d54c1a003"
REFIT_ID = "0199f1c2-5b20-7c44-8a01-93d2ab7e4411"
META_LEARNER_ID = "0199f1c2-6c11-7f0e-b2a7-1d4c88e05b92"
RUN_ID = "0199f1c3-0a55-7d21-8c3f-77ab10e9d604"


def answer(status: int, example: Any) -> dict[int | str, dict[str, Any]]:
    """Documents, on a route, an answer that went well."""
    return {status: {"content": {"application/json": {"example": example}}}}


# ---------------------------------------------------------------- recommend

_DATASET = {
    "name": "breast_cancer",
    "meta_features": {"n_rows": 569, "n_features": 30, "n_classes": 2, "class_entropy": 0.953},
}
_CONTEXT = {"environment": {"n_threads": 1}, "fidelity": {"n_folds": 5}}

RECOMMEND_REQUESTS: dict[str, Example] = {
    "space": {
        "summary": "A search space with conditions, for a new dataset",
        "value": {
            "project": PROJECT,
            "dataset": _DATASET,
            "objectives": [{"metric": "balanced_accuracy", "direction": "maximize"}],
            "search_space": {
                "parameters": {
                    "family": ["random_forest", "svm"],
                    "C": {"type": "float", "low": 0.001, "high": 1000.0, "log": True, "when": {"family": ["svm"]}},
                    "gamma": {"type": "float", "low": 0.0001, "high": 10.0, "log": True, "when": {"family": ["svm"]}},
                    "n_estimators": {
                        "type": "int",
                        "low": 10,
                        "high": 200,
                        "log": True,
                        "when": {"family": ["random_forest"]},
                    },
                    "max_features": {"type": "float", "low": 0.1, "high": 1.0, "when": {"family": ["random_forest"]}},
                }
            },
            "context": _CONTEXT,
            "top_k": 3,
        },
    },
    "candidates": {
        "summary": "An explicit list to rank",
        "value": {
            "project": PROJECT,
            "dataset": _DATASET,
            "objectives": [{"metric": "balanced_accuracy", "direction": "maximize"}],
            "search_space": {
                "candidates": [
                    {"family": "svm", "C": 1.0, "gamma": 0.01},
                    {"family": "knn", "n_neighbors": 5, "weights": "distance"},
                    {"family": "logistic_regression", "C": 0.1},
                ]
            },
            "context": _CONTEXT,
        },
    },
    "next": {
        "summary": "The next one to train, knowing two runs that are not stored",
        "value": {
            "project": PROJECT,
            "dataset": _DATASET,
            "objectives": [{"metric": "balanced_accuracy", "direction": "maximize"}],
            "search_space": {
                "parameters": {
                    "family": {"type": "constant", "value": "svm"},
                    "C": {"type": "float", "low": 0.001, "high": 1000.0, "log": True},
                    "gamma": {"type": "float", "low": 0.0001, "high": 10.0, "log": True},
                }
            },
            "context": _CONTEXT,
            "observations": [
                {"configuration": {"family": "svm", "C": 1.0, "gamma": 0.001}, "metrics": {"balanced_accuracy": 0.71}},
                {"configuration": {"family": "svm", "C": 10.0, "gamma": 0.01}, "metrics": {"balanced_accuracy": 0.83}},
            ],
            "top_k": 1,
            "strategy": "improve",
        },
    },
}

RECOMMENDATION: dict[str, Any] = {
    "recommendation_id": RECOMMENDATION_ID,
    "project": PROJECT,
    "dataset": "breast_cancer",
    "meta_learner": {
        "id": META_LEARNER_ID,
        "version": 1,
        "fitted_at": "2026-03-02T09:14:07Z",
        "n_runs": 640,
        "n_datasets": 10,
    },
    "basis": "zero_shot",
    "n_own_runs": 0,
    "search": {"enumeration": "bounded", "space_size": None, "candidates_ranked": 3712, "seed": 0, "gap": 0.0},
    "configurations": [
        {
            "rank": 1,
            "configuration": {"family": "svm", "C": 12.4, "gamma": 0.019},
            "score": 0.93,
            "predicted": {
                "balanced_accuracy": {"mean": 0.862, "std": 0.041, "lower": 0.788, "upper": 0.921},
                "duration_seconds": {"mean": 0.041, "std": 0.022, "lower": 0.019, "upper": 0.098},
            },
            "probability_of_failure": 0.01,
            "probability_feasible": 1.0,
            "novelty": 0.1,
        }
    ],
    "warnings": [],
}

RECOMMENDATION_RECORD: dict[str, Any] = {
    **RECOMMENDATION,
    "created_at": "2026-03-02T09:20:41Z",
    "runs": [
        {
            "id": RUN_ID,
            "run_id": "cluster7-job8231",
            "state": "completed",
            "rank": 1,
            "predicted": RECOMMENDATION["configurations"][0]["predicted"],
            "realised": {"balanced_accuracy": 0.871, "duration_seconds": 0.052},
        }
    ],
}

# ---------------------------------------------------------------- refits and meta-learners

REFIT_REQUEST = {"project": PROJECT}
_VERDICT = {"promoted": True, "reason": "the first meta-learner of this project", "figures": {}}

REFIT_QUEUED: dict[str, Any] = {
    "id": REFIT_ID,
    "project": PROJECT,
    "state": "queued",
    "trigger": "request",
    "attempts": 0,
    "queued_at": "2026-03-02T09:13:58Z",
    "started_at": None,
    "finished_at": None,
    "kind": None,
    "n_runs": None,
    "n_new_runs": None,
    "progress": None,
    "meta_learner_id": None,
    "verdict": None,
    "error": None,
}
REFIT: dict[str, Any] = {
    **REFIT_QUEUED,
    "kind": "full",
    "n_new_runs": 640,
    "state": "succeeded",
    "attempts": 1,
    "started_at": "2026-03-02T09:13:58Z",
    "finished_at": "2026-03-02T09:14:07Z",
    "n_runs": 640,
    "meta_learner_id": META_LEARNER_ID,
    "verdict": _VERDICT,
}

QUALITY: dict[str, Any] = {
    "balanced_accuracy": {
        "rank_correlation": 0.71,
        "coverage": 0.91,
        "regret": {
            "maximize": {
                "meta_learner": {"1": 0.09, "5": 0.03, "10": 0.01},
                "random": {"1": 0.41, "5": 0.17, "10": 0.1},
            }
        },
        "n_held_out_datasets": 10,
    }
}
META_LEARNER: dict[str, Any] = {
    "id": META_LEARNER_ID,
    "project": PROJECT,
    "version": 1,
    "champion": True,
    "n_runs": 640,
    "n_datasets": 10,
    "n_bytes": 1843200,
    "fitted_at": "2026-03-02T09:14:07Z",
    "verdict": _VERDICT,
    "quality": QUALITY,
}
META_LEARNER_DETAIL: dict[str, Any] = {
    **META_LEARNER,
    "report": {"n_runs": 640, "n_datasets": 10, "inputs": 71, "targets": {}},
}

# ---------------------------------------------------------------- projects

PROJECT_SETTINGS: dict[str, Any] = {
    "objectives": [{"metric": "balanced_accuracy", "direction": "maximize"}],
    "refit_policy": {"automatic": True, "min_new_runs": 50},
    "retention": {"keep_raw_days": 365, "keep_latest": 1000},
}
PROJECT_ANSWER: dict[str, Any] = {
    "name": PROJECT,
    **PROJECT_SETTINGS,
    "meta_learner_id": META_LEARNER_ID,
    "health": {
        "measured_at": "2026-03-04T11:20:05Z",
        "n_runs": 1214,
        "n_new_runs": 37,
        "last_run_at": "2026-03-04T11:19:58Z",
        "intervals": {"balanced_accuracy": {"n": 120, "inside": 0.9, "below": 9, "above": 3, "drifting": False}},
    },
    "created_at": "2026-03-02T09:13:51Z",
    "updated_at": "2026-03-02T09:14:07Z",
}

# ---------------------------------------------------------------- operations

HEALTH = {"status": "ok", "version": "0.1.0"}
READY = {"status": "ready", "checks": {"database": "ok", "schema": "ok"}, "warnings": []}
NOT_READY = {
    "status": "not_ready",
    "checks": {
        "database": "The database cannot be reached",
        "schema": "not known while the database cannot be reached",
    },
    "warnings": [],
}
METRICS = 'forerun_http_requests_total{method="POST",route="/v1/runs",status="201"} 11904.0\n'
