from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arff
import httpx
import optuna
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.importers.guess import Guess, guesses
from app.importers.rules import Plan, Rules, read_mapping
from app.importers.source import CannotImport, Source
from app.importers.table import open_table

PLAN = Plan("mine")
Import = Callable[..., Any]

ROWS: list[dict[str, Any]] = [
    {
        "task": "adult" if i % 2 else "covertype",
        "booster": "gbtree" if i % 3 else "gblinear",
        "learning_rate": 0.1 / (i + 1),
        "max_depth": i % 5 + 1 if i % 3 else None,
        "max_features": ["sqrt", 0.5, None][i % 3],
        "layers": "[64, 32]",
        "val_accuracy": 0.9 - 0.01 * i,
        "train_time": 12.5 + i,
        "gpu": "A100",
        "host": f"node{i}",
        "status": "failed" if i == 4 else "finished",
    }
    for i in range(12)
]


def write_csv(path: Path, rows: list[dict[str, Any]] = ROWS) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: "None" if v is None and k == "max_features" else v for k, v in r.items()} for r in rows)
    return path


def write_parquet(path: Path) -> Path:
    rows = [{k: str(v) if k == "max_features" else v for k, v in row.items()} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def write_arff(path: Path) -> Path:
    kinds = {float: "REAL", int: "INTEGER", str: "STRING"}
    names = [(name, kinds[type(next(r[name] for r in ROWS if r[name] is not None))]) for name in ROWS[0]]
    names = [(name, "STRING" if name == "max_features" else kind) for name, kind in names]
    data = [[str(v) if k == "max_features" else v for k, v in row.items()] for row in ROWS]
    with path.open("w") as file:
        arff.dump({"relation": "runs", "attributes": names, "data": data}, file)
    return path


WRITERS = {"csv": write_csv, "parquet": write_parquet, "arff": write_arff}


@pytest.fixture(params=WRITERS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return WRITERS[request.param](tmp_path / f"runs.{request.param}")


def bodies(source: Source) -> list[dict[str, Any]]:
    return [body for chunk in source.read(None) for body in chunk.bodies]


def test_a_table_becomes_runs_without_a_word(path: Path, imported: Import) -> None:
    source = open_table(path, PLAN)
    tally, runs = imported(source)
    assert (tally.created, tally.rejected, tally.left_out) == (12, 0, {})
    by_host = {run["tags"]["host"]: run for run in runs.values()}
    run = by_host["node1"]
    assert run["dataset"]["name"] == "adult"
    assert run["hyperparameters"] == {
        "booster": "gbtree", "learning_rate": 0.05, "max_depth": 2, "max_features": 0.5, "layers": [64, 32],
    }  # fmt: skip
    assert run["metrics"] == {"val_accuracy": 0.89}
    assert run["resources"] == {"duration_seconds": 13.5}
    assert run["environment"] == {"gpu": "A100"}
    assert "max_depth" not in by_host["node0"]["hyperparameters"]
    assert by_host["node2"]["hyperparameters"]["max_features"] is None
    assert by_host["node4"]["state"] == "failed"


def test_rows_are_the_same_runs_in_any_order_and_under_any_name(tmp_path: Path, imported: Import) -> None:
    first, _ = imported(open_table(write_csv(tmp_path / "runs.csv", ROWS[:8]), PLAN))
    moved = open_table(write_csv(tmp_path / "moved.csv", [*ROWS[::-1], ROWS[0]]), PLAN)
    again, runs = imported(moved)
    assert (first.created, again.created, again.duplicates) == (8, 5, 8)
    assert len(runs) == 13, "of equal rows each is a run"


def test_it_goes_on_where_it_stopped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.importers.table.CHUNK", 5)
    chunks = list(open_table(path, PLAN).read(None))
    assert [chunk.cursor for chunk in chunks] == [5, 10, 12]
    assert [c.bodies for c in open_table(path, PLAN).read(5)] == [c.bodies for c in chunks[1:]]


def test_a_mapping_says_what_the_columns_are(path: Path) -> None:
    mapping = """
        dataset: booster
        run_id: host
        state: []
        hyperparameters: [learning_rate]
        fidelity: max_d*
        resources: [train_time]
        metrics: [val_*]
        ignored: [gpu, task, "m*", layers, status]
    """
    body = bodies(open_table(path, Plan("mine", Rules(read_mapping(mapping)))))[1]
    assert body == {
        "project": "mine",
        "run_id": "node1",
        "dataset": {"name": "gbtree", "meta_features": {}},
        "state": "completed",
        "hyperparameters": {"learning_rate": 0.05},
        "fidelity": {"max_depth": 2},
        "metrics": {"val_accuracy": 0.89},
        "resources": {"duration_seconds": 13.5},
    }


def test_a_guess_gives_way(tmp_path: Path) -> None:
    rows = [{"id": i, "trial": f"t{i}", "task": "a", "data": "b", "acc": 0.5} for i in range(5)]
    rules = Rules({"run_id": ["trial"], "dataset": ["data"]})
    body = bodies(open_table(write_csv(tmp_path / "runs.csv", rows), Plan("mine", rules)))[2]
    assert (body["run_id"], body["dataset"]["name"]) == ("t2", "b")
    assert body["tags"] == {"id": "2", "task": "a"}


@pytest.mark.parametrize(
    ("column", "values", "kind", "name"),
    [
        ("train_time_s", ["0.2", "1.5"], "resources", "duration_seconds"),
        ("Training time", [3, 4], "resources", "duration_seconds"),
        ("mean_fit_time", [0.1, 0.2], "resources", "duration_seconds"),
        ("elapsed", ["00:01:30", "00:02:00"], "resources", "duration_seconds"),
        ("time_limit", [60, 120], "hyperparameters", "time_limit"),
        ("train_time_ms", [200, 1500], "metrics", "train_time_ms"),
        ("started", ["2026-11-29 09:26:57"] * 2, "started_at", "started"),
        ("date", ["2026-11-29", "2026-11-30"], "started_at", "date"),
        ("reviewed", ["2026-11-29T10:00:00Z"] * 2, "tags", "reviewed"),
        ("start", ["warm", "cold"], "tags", "start"),
        ("year", [2024, 2025], "hyperparameters", "year"),
    ],
)
def test_times_are_no_hyperparameters(column: str, values: list[Any], kind: str, name: str) -> None:
    found = guesses([column, "acc"], [{column: value, "acc": 0.5} for value in values])
    assert found[column] == Guess(kind, name)


def test_the_exports_of_others_are_understood(tmp_path: Path) -> None:
    """What MLflow's search_runs, Optuna's trials_dataframe, scikit-learn's cv_results_ and W&B name their columns."""
    rows = {
        "mlflow": ({"run_id": "r1", "status": "FINISHED", "params.lr": "0.1", "metrics.auc": 0.9, "tags.team": "x",
                    "start_time": "2026-01-01 00:00:00+00:00", "end_time": "2026-01-01 00:00:09+00:00"},
                   {"lr": 0.1}, {"auc": 0.9}, {"duration_seconds": 9.0}, {"team": "x"}),
        "optuna": ({"number": 3, "value": 0.5, "datetime_start": "2026-01-01 00:00:00", "duration": "0 days 00:01:30.5",
                    "params_lr": 0.1, "user_attrs_host": "n1", "state": "COMPLETE"},
                   {"lr": 0.1}, {"value": 0.5}, {"duration_seconds": 90.5}, {"host": "n1"}),
        "sklearn": ({"": 0, "mean_fit_time": 1.5, "std_fit_time": 0.1, "param_max_depth": 3, "split0_test_score": 0.8,
                     "mean_test_score": 0.85, "std_test_score": 0.01, "rank_test_score": 1},
                    {"max_depth": 3}, {"mean_test_score": 0.85}, {"duration_seconds": 1.5}, {}),
        "wandb": ({"Name": "sunny-1", "State": "finished", "Runtime": 17, "config/lr": 0.1, "summary/val_loss": 0.4},
                  {"lr": 0.1}, {"val_loss": 0.4}, {"duration_seconds": 17.0}, {"Name": "sunny-1"}),
    }  # fmt: skip
    for name, (row, hyperparameters, metrics, resources, tags) in rows.items():
        (body,) = bodies(open_table(write_csv(tmp_path / f"{name}.csv", [row]), PLAN))
        found = tuple(body.get(kind, {}) for kind in ("hyperparameters", "metrics", "resources", "tags"))
        assert found == (hyperparameters, metrics, resources, tags), name
        assert body["state"] == "completed"


def test_optunas_own_frame_is_understood(tmp_path: Path, imported: Import) -> None:
    optuna.logging.disable_default_handler()
    study = optuna.create_study(study_name="s")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 3), n_trials=5)
    frame = study.trials_dataframe()
    frame.to_csv(tmp_path / "trials.csv")
    frame.to_parquet(tmp_path / "trials.parquet")
    for path in (tmp_path / "trials.csv", tmp_path / "trials.parquet"):
        found = bodies(open_table(path, Plan("p", dataset="adult")))
        assert [body["hyperparameters"] for body in found] == [trial.params for trial in study.trials]
        assert [body["metrics"] for body in found] == [{"value": trial.value} for trial in study.trials]


def test_delimiters_marks_and_gaps(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_bytes(b"\xef\xbb\xbfdataset;lr;acc\nadult;0,1;0.5\nadult;;0.6\n\n")
    found = bodies(open_table(path, PLAN))
    assert [body.get("hyperparameters") for body in found] == [{"lr": "0,1"}, None]


def test_a_row_that_diverged_or_says_nothing(tmp_path: Path) -> None:
    rows = [{"dataset": "a", "lr": 1, "acc": acc} for acc in (0.5, "nan", "")]
    (chunk,) = open_table(write_csv(tmp_path / "runs.csv", rows), PLAN).read(None)
    assert [body["state"] for body in chunk.bodies] == ["completed", "failed"]
    assert chunk.left_out == {"completed without a metric": 1}


def test_what_a_frame_lacks_is_absent(tmp_path: Path) -> None:
    frame = pd.DataFrame({"dataset": ["a", "a"], "lr": [0.1, float("nan")], "acc": [0.5, 0.6]})
    frame.to_parquet(tmp_path / "runs.parquet")
    assert [b.get("hyperparameters") for b in bodies(open_table(tmp_path / "runs.parquet", PLAN))] == [
        {"lr": 0.1},
        None,
    ]


@pytest.mark.parametrize(
    ("content", "rules", "complaint"),
    [
        ("", {}, "has no row"),
        ("a,b\n", {}, "has no row"),
        ("lr\n0.1\n", {}, "looks like a metric"),
        ("lr,acc\n1,2\n", {"metrics": ["auc"]}, "no column 'auc'; it has 'lr', 'acc'"),
        ('"lr,acc\n1,2', {}, "has no row"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, content: str, rules: dict[str, list[str]], complaint: str) -> None:
    path = tmp_path / "runs.csv"
    path.write_text(content)
    with pytest.raises(CannotImport, match=complaint):
        open_table(path, Plan("mine", Rules(rules)))


@pytest.mark.parametrize("suffix", ["parquet", "arff", "csv"])
def test_a_file_that_is_none_of_its_kind(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"runs.{suffix}"
    path.write_bytes(b"\xff\xfe\x00 this is no table")
    with pytest.raises(CannotImport, match="runs"):
        open_table(path, PLAN)


def test_a_mapping_that_is_none() -> None:
    with pytest.raises(ValueError, match="a field can become"):
        Rules(read_mapping("measures: [auc]"))
    for text in ("[a, b]", "metrics: 3", "metrics: {a: b", "- : -"):
        with pytest.raises(ValueError):
            Rules(read_mapping(text))


def test_runs_rejected_by_the_service_are_told(tmp_path: Path, imported: Import, service: httpx.Client) -> None:
    rows = [{"dataset": "a", "run": "good", "acc": 0.5}, {"dataset": "a\x00b", "run": "bad", "acc": 0.5}]
    source = open_table(write_csv(tmp_path / "runs.csv", rows), PLAN)
    tally, runs = imported(source)
    assert (tally.created, tally.rejected, set(runs)) == (1, 1, {"good"})
    assert tally.told[0].startswith("bad: /dataset/name")
    assert json.dumps(tally.told)
