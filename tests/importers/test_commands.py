"""The commands, as a shell runs them, against a live service."""

from __future__ import annotations

import json
import sys
from io import StringIO
from pathlib import Path

import httpx
import optuna
import pytest

from app import cli
from app.importers.checkpoint import Checkpoint
from tests.importers.conftest import stored

CSV = "dataset,booster,learning_rate,accuracy,seconds\n" + "".join(
    f"{'adult' if i % 2 else 'covertype'},gbtree,{0.1 / (i + 1):.3f},{0.8 + i / 100},{i + 1}\n" for i in range(10)
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    (tmp_path / "runs.csv").write_text(CSV)
    return tmp_path / "runs.csv"


@pytest.fixture
def forerun(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    """Run the command; its exit status, and what it wrote."""
    monkeypatch.setenv("FORERUN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["forerun", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        written = capsys.readouterr()
        return ended.value.code if isinstance(ended.value.code, int) else 0, written.out, written.err

    return run


def test_a_dry_run_sends_nothing(forerun, service: httpx.Client, table: Path) -> None:
    code, out, _ = forerun("import", "csv", table, "--project", "p", "--url", service.base_url, "--dry-run")
    assert code == 0
    assert "hyperparameters.learning_rate" in out
    assert "resources.duration_seconds" in out
    assert "10 can be sent (10 completed)" in out
    assert stored(service) == {}


def test_an_import_and_the_same_again(forerun, service: httpx.Client, table: Path, tmp_path: Path) -> None:
    command = ("import", "csv", table, "--project", "p", "--url", service.base_url)
    code, out, _ = forerun(*command)
    assert (code, "10 created" in out, len(stored(service))) == (0, True, 10)
    code, out, _ = forerun(*command)
    assert (code, "10 stored before" in out) == (0, True)
    assert list((tmp_path / "data" / "imports").iterdir()) == [], "a complete import leaves no checkpoint"
    with table.open("a") as file:
        file.write("adult,gbtree,0.5,0.7,3\n")
    code, out, _ = forerun(*command)
    assert (code, "1 created, 10 stored before" in out) == (0, True)


def test_what_differs_from_what_is_stored_is_told(forerun, service: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    for accuracy in (0.5, 0.6):
        path.write_text(f"dataset,run_id,accuracy\nadult,r1,{accuracy}\n")
        code, out, _ = forerun("import", "csv", path, "--project", "p", "--url", service.base_url)
    assert code == 1
    assert "1 different from what is stored" in out
    assert "r1" in out


def test_an_import_that_broke_off_goes_on(
    forerun, service: httpx.Client, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.importers.table.CHUNK", 4)
    monkeypatch.setattr("app.importers.post.IN_FLIGHT", 1)
    monkeypatch.setattr("app.importers.post.ATTEMPTS", 1)
    command = ("import", "csv", table, "--project", "p", "--url", service.base_url)
    original, sent = httpx.Client.request, []

    def breaks(client: httpx.Client, method: str, path: str, **given):
        if path == "/v1/runs/batch":
            sent.append(path)
            if len(sent) == 2:
                raise httpx.ConnectError("the line is cut")
        return original(client, method, path, **given)

    with monkeypatch.context() as patch:
        patch.setattr(httpx.Client, "request", breaks)
        code, _, err = forerun(*command)
    assert code == 1
    assert "--resume" in err
    assert 4 <= len(stored(service)) < 10
    code, out, _ = forerun(*command, "--resume")
    assert code == 0
    assert "Going on where it broke off" in out
    assert "stored before" not in out, "what was acknowledged is not sent again"
    assert len(stored(service)) == 10


def test_a_checkpoint_is_of_one_import(tmp_path: Path) -> None:
    one, other = Checkpoint(tmp_path, "a", "p"), Checkpoint(tmp_path, "b", "p")
    one.write("x")
    assert (one.read(), other.read()) == ("x", None)
    one.path.write_text("{broken")
    assert one.read() is None
    one.forget()
    one.forget()


def test_a_study_with_its_search_space(forerun, service: httpx.Client, tmp_path: Path) -> None:
    optuna.logging.disable_default_handler()
    study = optuna.create_study(storage=f"sqlite:///{tmp_path}/o.db", study_name="s")
    study.optimize(lambda trial: trial.suggest_float("rate", 1e-3, 1, log=True), n_trials=3)
    space = tmp_path / "space.json"
    where = ("--project", "p", "--url", service.base_url)
    code, out, _ = forerun("import", "optuna", tmp_path / "o.db", *where, "--objective", "loss", "--space", space)
    assert (code, "3 created" in out) == (0, True)
    assert list(json.loads(space.read_text())["parameters"]) == ["rate"]
    question = {
        "project": "p",
        "dataset": "s",
        "objectives": [{"metric": "loss", "direction": "minimize"}],
        "search_space": json.loads(space.read_text()),
    }
    answer = service.post("/v1/recommend", json=question)
    assert answer.json()["n_own_runs"] == 3


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("csv", "{folder}/none.csv"), "none.csv"),
        (("csv", "{folder}/runs.csv", "--metric", "auc"), "no column 'auc'"),
        (("csv", "{folder}/runs.csv", "--url", "http://127.0.0.1:1"), "cannot be reached"),
        (("csv", "{folder}/runs.csv", "--space", "{folder}/space.json"), "only Optuna"),
        (("csv", "{folder}/runs.csv", "--mapping", "{folder}/runs.csv"), "a mapping is"),
        (("optuna", "{folder}/none.db"), "there is no file"),
        (("mlflow", "http://127.0.0.1:1"), "127.0.0.1:1"),
        (("openml", "{folder}/data"), "holds no"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    forerun, table: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.setattr("app.importers.post.ATTEMPTS", 1)
    given = [argument.format(folder=table.parent) for argument in arguments]
    code, _, err = forerun("import", *given, "--project", "p")
    assert code == 1
    assert complaint in err
    assert "Traceback" not in err


def test_a_space_is_translated(forerun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "parameters:\n  lr: {distribution: log_uniform, min: -5, max: 0}\n  b: {distribution: beta, a: 1, b: 2}\n"
    )
    code, out, err = forerun("space", "translate", path, "--from", "wandb")
    assert code == 0
    assert json.loads(out)["parameters"]["lr"]["log"] is True
    assert "warning: b: a beta density" in err
    code, out, _ = forerun("space", "translate", path, "--from", "wandb", "--yaml")
    assert "type: float" in out
    monkeypatch.setattr(sys, "stdin", StringIO(path.read_text()))
    assert forerun("space", "translate", "-", "--from", "wandb")[0] == 0
    for content in ("[1", "- 3", "parameters: {p: {distribution: gauss}}"):
        path.write_text(content)
        code, _, err = forerun("space", "translate", path, "--from", "wandb")
        assert (code, "Traceback" in err) == (1, False)
