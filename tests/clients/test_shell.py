"""`forerun` as a client: what people type, what they see, and how their mistakes are told."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from app import cli
from app.commands import client as commands
from forerun_client import Forerun
from tests.acceptance.service import Service
from tests.clients.scripted import scripted
from tests.clients.test_loops import accuracy, history

PROJECT = "loop-shell"
SPACE = "parameters:\n  learning_rate: {type: float, low: 1e-3, high: 1, log: true}\n  max_depth: [4, 6, 8]\n"
RUN = {"project": PROJECT, "dataset": "new", "state": "completed", "metrics": {"accuracy": 0.5}}

Shell = Callable[..., str]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Runs the command as a shell would; what it prints."""
    monkeypatch.setattr(commands, "console", Console(width=200))

    def typed(*arguments: str, given: str = "", status: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["forerun", *arguments])
        monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(given.encode())))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        assert ended.value.code == status, said
        return said.out + said.err

    return typed


@pytest.fixture
def live(shell: Shell, live_service: Service, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("FORERUN_URL", live_service.url)
    return shell


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "space.yaml"
    file.write_text(SPACE)
    return file


def test_the_whole_loop(live: Shell, live_service: Service, tmp_path: Path, space: Path) -> None:
    stream = tmp_path / "history.ndjson"
    stream.write_text("".join(json.dumps(run) + "\n" for run in history(PROJECT)))
    assert live("post", str(stream)) == "48 created, 0 duplicates, 0 rejected\n"
    assert live("post", "-", given=stream.read_text()) == "0 created, 48 duplicates, 0 rejected\n"
    with Forerun(live_service.url, spool=tmp_path) as client:
        client.refit(PROJECT)

    ask = ["recommend", "--project", PROJECT, "--dataset", "new", "--space", str(space), "--top-k", "2"]
    ask += ["--objective", "accuracy:maximize"]
    table = live(*ask)
    assert "What to train on new (zero_shot: 0 own runs, 48 runs on 4 datasets)" in table
    answer = json.loads(live(*ask, "--json"))
    best = answer["configurations"][0]
    assert f"{best['predicted']['accuracy']['mean']:.4g}" in table

    run = RUN | {
        "run_id": "winner",
        "hyperparameters": best["configuration"],
        "metrics": {"accuracy": accuracy(**best["configuration"], shift=0.15)},
        "recommendation_id": answer["recommendation_id"],
    }
    assert live("post", "-", given=json.dumps(run)).startswith("created ")
    assert live("post", "-", given=json.dumps(run)).startswith("duplicate ")
    assert "few_shot: 1 own runs" in live(*ask)

    listed = live("runs", "--project", PROJECT, "--limit", "1")
    assert "winner" in listed
    assert "There are more" in listed
    assert json.loads(live("runs", "--project", PROJECT, "--dataset", "new", "--json"))["runs"][0]["run_id"] == "winner"
    assert "old-3" in live("datasets", "--project", PROJECT)
    assert PROJECT in live("projects")


def test_meta_features_come_from_describe(live: Shell, space: Path, tmp_path: Path) -> None:
    table, described = tmp_path / "table.csv", tmp_path / "meta.json"
    table.write_text("x,label\n" + "".join(f"{i},{'yes' if i % 3 else 'no'}\n" for i in range(30)))
    described.write_text(live("describe", str(table), "--target", "label", "--json"))
    ask = ["recommend", "--project", "fresh", "--dataset", "mine", "--space", str(space), "--strategy", "explore"]
    ask += ["--objective", "accuracy:maximize", "--objective", "seconds:minimize", "--meta-features", str(described)]
    assert json.loads(live(*ask, "--json"))["basis"] == "cold_start"


def test_runs_that_are_not_taken_are_told_with_their_place(live: Shell) -> None:
    lines = [RUN, RUN | {"state": "done"}, RUN | {"metrics": {}}]
    told = live("post", "-", given=json.dumps(lines), status=1)
    assert told.startswith("1 created, 0 duplicates, 2 rejected\n")
    assert "run 2 invalid_request: /runs/1/state: should be" in told
    told = live("post", "-", given="\n".join([json.dumps(RUN), "{nope"]), status=1)
    assert "run 2 malformed_json" in told
    assert live("post", "-", given=json.dumps({"runs": [RUN]})) == "1 created, 0 duplicates, 0 rejected\n"


@pytest.mark.parametrize(
    ("space_text", "objective", "complaint"),
    [
        (SPACE.replace("1e-3", "-1"), "accuracy:maximize", "/search_space/parameters/learning_rate/low: "),
        (SPACE, "accuracy", "--objective accuracy: write METRIC:maximize or METRIC:minimize"),
        (SPACE, None, "/objectives: "),
        ("- 1\n", "accuracy:maximize", "holds no names with values"),
        ("a: .nan\n", "accuracy:maximize", "is not what JSON can say"),
        ("a: [1\n", "accuracy:maximize", "is not what JSON can say"),
        ("a: 1\na: 2\n", "accuracy:maximize", "is not what JSON can say"),
        ("a: 2020-01-01\n", "accuracy:maximize", "is not what JSON can say"),
    ],
)
def test_a_mistake_in_a_question_is_told(
    live: Shell, space: Path, space_text: str, objective: str | None, complaint: str
) -> None:
    space.write_text(space_text)
    ask = ["recommend", "--project", "fresh", "--dataset", "mine", "--space", str(space)]
    told = live(*ask, *(["--objective", objective] if objective else []), status=1)
    assert told.startswith("forerun: ")
    assert complaint in told
    assert "Traceback" not in told


def test_several_mistakes_stand_below_each_other(live: Shell, space: Path) -> None:
    space.write_text(SPACE.replace("1e-3", "-1").replace("[4, 6, 8]", "{type: int, low: 3, high: 1}"))
    told = live("recommend", "--dataset", "d", "--space", str(space), "--objective", "a:minimize", status=1)
    head, *faults = told.splitlines()
    assert head == "forerun: 422 invalid_search_space:"
    assert [fault.partition(": ")[0] for fault in faults] == [
        "  /search_space/parameters/learning_rate/low",
        "  /search_space/parameters/max_depth/low",
    ]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[half"])
def test_nobody_there_is_told(shell: Shell, url: str) -> None:
    told = shell("runs", "--url", url, status=1)
    assert told.startswith(f"forerun: {url} does not answer (")
    assert "FORERUN_URL" in told


def test_a_file_that_is_not_there_is_told(shell: Shell) -> None:
    assert "none.json cannot be read" in shell("post", "none.json", status=1)


def test_the_key_goes_along_and_another_services_page_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORERUN_KEY", "fr_key")
    with scripted() as script:
        script.answers = [(404, {"Content-Type": "text/html"}, "<html>")]
        assert "is that a forerun service?" in shell("projects", "--url", script.url, status=1)
        assert script.next().headers["Authorization"] == "Bearer fr_key"


def test_names_cannot_change_the_terminal(shell: Shell) -> None:
    names: dict[str, Any] = {"name": "[red]x[/]", "objectives": [{"metric": "[b]", "direction": "maximize"}]}
    project = names | {"refit_policy": {"automatic": False}, "meta_learner_id": None, "updated_at": "2026-03-02T09:20"}
    with scripted() as script:
        script.answers = [(200, {}, {"projects": [project], "next_cursor": None})]
        shown = shell("projects", "--url", script.url)
    assert "[red]x[/]" in shown
    assert "[b] (maximize)" in shown


def test_the_spool_is_there_too(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FORERUN_SPOOL", str(tmp_path))
    assert shell("spool", "status").startswith("0 runs (0 bytes) wait in ")
