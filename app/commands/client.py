"""`forerun post`, `recommend`, `runs`, `datasets`, `projects`: the service used from a shell."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated

import typer

from app.commands import tables
from app.commands.remote import DEFAULT_URL, AsJson, Json, Key, Url, ask, connected, print_json
from app.commands.shell import CannotGoOn, console

JSON = {"Content-Type": "application/json"}
NDJSON = {"Content-Type": "application/x-ndjson"}
STREAMED = {".ndjson", ".jsonl"}

Project = Annotated[str, typer.Option(help="The pool of runs.")]
OnlyProject = Annotated[str | None, typer.Option("--project", help="Only of this project.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Most to show.")]


class Strategy(StrEnum):
    """What the ranking is for: the best, the next one to train, or a batch that explores."""

    BEST = "best"
    IMPROVE = "improve"
    EXPLORE = "explore"


class State(StrEnum):
    """How a run ended, or that it has not."""

    COMPLETED = "completed"
    FAILED = "failed"
    RUNNING = "running"
    STOPPED = "stopped"


class SpoolAction(StrEnum):
    """What to do with runs that wait on this machine."""

    STATUS = "status"
    FLUSH = "flush"


def post(
    file: Annotated[str, typer.Argument(help="A run or a list of runs as JSON, or NDJSON; - for standard input.")],
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Post runs: what was trained, on what, and how it ended. Posting them again changes nothing (`run_id`)."""
    with connected(url, key) as client:
        if Path(file).suffix in STREAMED:
            with _opened(file) as stream:
                answer = ask(client, "POST", "/v1/runs/batch", content=stream, headers=NDJSON)
        else:
            with _opened(file) as whole:
                path, body = _request_of(whole.read())
            answer = ask(client, "POST", path, **body)
    if as_json:
        print_json(answer)
    else:
        tables.print_receipt(console, answer)
    if answer.get("rejected"):
        raise typer.Exit(1)


def recommend(
    dataset: Annotated[str, typer.Option(help="Its name; it need not have been seen before.")],
    space: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="The search space, as YAML or JSON.")],
    project: Project = "default",
    objective: Annotated[
        list[str] | None,
        typer.Option(help="METRIC:maximize or METRIC:minimize; several for a Pareto front. Else the project's own."),
    ] = None,
    meta_features: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The dataset's, as `forerun describe --json` says them."),
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="The best, the next one to train, or a diverse batch.")] = (
        Strategy.BEST
    ),
    top_k: Annotated[int, typer.Option(min=1, help="Configurations to answer.")] = 10,
    seed: Annotated[int, typer.Option(help="The same seed, the same answer.")] = 0,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Ask what to train next on a dataset, what it will score and what it will cost."""
    question: Json = {
        "project": project,
        "dataset": {"name": dataset, "meta_features": _document(meta_features) if meta_features else {}},
        "search_space": _document(space),
        "strategy": strategy.value,
        "top_k": top_k,
        "seed": seed,
    }
    if objective:
        question["objectives"] = [_objective(text) for text in objective]
    with connected(url, key) as client:
        answer = ask(client, "POST", "/v1/recommend", json=question)
    print_json(answer) if as_json else tables.print_ranking(console, answer)


def runs(
    project: OnlyProject = None,
    dataset: Annotated[str | None, typer.Option(help="Only on this dataset.")] = None,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 20,
    url: Url = DEFAULT_URL,
    key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    wanted = {"project": project, "dataset": dataset, "state": state and state.value, "limit": limit}
    with connected(url, key) as client:
        answer = ask(client, "GET", "/v1/runs", params=_given(wanted))
    print_json(answer) if as_json else tables.print_runs(console, answer)


def datasets(
    project: OnlyProject = None, limit: Limit = 20, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False
) -> None:
    """List datasets, newest first."""
    with connected(url, key) as client:
        answer = ask(client, "GET", "/v1/datasets", params=_given({"project": project, "limit": limit}))
    print_json(answer) if as_json else tables.print_datasets(console, answer)


def projects(limit: Limit = 20, url: Url = DEFAULT_URL, key: Key = None, as_json: AsJson = False) -> None:
    """List projects."""
    with connected(url, key) as client:
        answer = ask(client, "GET", "/v1/projects", params={"limit": limit})
    print_json(answer) if as_json else tables.print_projects(console, answer)


def spool(
    action: Annotated[SpoolAction, typer.Argument(help="Count them, or deliver them now.")],
    url: Url = DEFAULT_URL,
    key: Key = None,
) -> None:
    """Runs that the Python client of this machine keeps on disk until the service has them."""
    try:
        from forerun_client.command import main
    except ImportError as error:
        raise CannotGoOn("the spool belongs to the Python client: pip install ./openapi/python") from error
    raise typer.Exit(main([action.value, "--url", url, *(["--key", key] if key else [])]))


def _opened(file: str) -> IO[bytes]:
    """Raises CannotGoOn."""
    try:
        return sys.stdin.buffer if file == "-" else Path(file).open("rb")
    except OSError as error:
        raise CannotGoOn(f"{file} cannot be read: {error.strerror}") from error


def _request_of(content: bytes) -> tuple[str, Json]:
    """Path and body for what a file holds; the service says best what is wrong with it."""
    try:
        found = json.loads(content)
    except ValueError:
        return "/v1/runs/batch", {"content": content, "headers": NDJSON}
    if isinstance(found, list):
        return "/v1/runs/batch", {"json": {"runs": found}}
    is_batch = isinstance(found, dict) and "runs" in found
    return "/v1/runs/batch" if is_batch else "/v1/runs", {"content": content, "headers": JSON}


def _document(file: Path) -> Json:
    """YAML 1.2, of which JSON is a part: `1e-4` is a number and `off` a text. Raises CannotGoOn."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(file)
        json.dumps(found, allow_nan=False)
    except (YAMLError, ValueError, TypeError) as error:
        raise CannotGoOn(f"{file} is not what JSON can say: {error}") from error
    if not isinstance(found, dict):
        raise CannotGoOn(f"{file} holds no names with values")
    return found


def _objective(text: str) -> Json:
    metric, _, direction = text.rpartition(":")
    if direction not in ("maximize", "minimize") or not metric:
        raise CannotGoOn(f"--objective {text}: write METRIC:maximize or METRIC:minimize")
    return {"metric": metric, "direction": direction}


def _given(parameters: Json) -> Json:
    return {name: value for name, value in parameters.items() if value is not None}
