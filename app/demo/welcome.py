"""What `forerun run` does once it serves: fill an empty database with the demo's history and show a first ranking."""

from __future__ import annotations

import httpx
from rich.console import Console

from app.demo import client as api
from app.demo import history
from app.demo.question import SMALL_SPACE, as_curl, question, ranking
from app.demo.space import CONTEXT, HELD_OUT, OBJECTIVE, Json

PROJECT = "demo"


def welcome(url: str, console: Console) -> None:
    """Print a ranking, the addresses, and a question to paste. The service stays up whatever happens here."""
    try:
        with api.Service(url).client() as client:
            api.wait_until_ready(client)
            _first_ranking(client, console)
    except (api.Refused, httpx.HTTPError) as error:
        console.print(f"[yellow]no first ranking:[/yellow] {error}", highlight=False)
    said = f"\nThe API is at {url}, its documentation at {url}/docs. Ctrl-C stops everything."
    console.print(said, highlight=False, soft_wrap=True)
    console.print("Ask what to train next:\n", highlight=False)
    curl = as_curl(url, question(PROJECT, HELD_OUT, top_k=3, space=SMALL_SPACE))
    console.print(curl, markup=False, highlight=False, soft_wrap=True)


def _first_ranking(client: httpx.Client, console: Console) -> None:
    projects = {project["name"]: project for project in api.call(client, "GET", "/v1/projects")["projects"]}
    if not projects:
        _load(client, console)
    elif PROJECT not in projects:
        return  # somebody's own database
    if not projects.get(PROJECT, {}).get("meta_learner_id"):
        with console.status("learning from it") as status:
            api.refit(client, PROJECT, lambda state: status.update(f"learning from it: the refit is {state}"))
    answer = api.recommend(client, question(PROJECT, HELD_OUT, top_k=5))
    console.print(ranking(answer, f"What to train on {HELD_OUT}, of which the history has no run ({answer['basis']})"))


def _load(client: httpx.Client, console: Console) -> None:
    runs = history.committed()
    known = [run for run in runs if run["dataset"]["name"] != HELD_OUT]
    held_out = next(run["dataset"] for run in runs if run["dataset"]["name"] == HELD_OUT)
    api.declare(client, PROJECT, [OBJECTIVE])
    api.describe_dataset(client, PROJECT, HELD_OUT, held_out["meta_features"])
    created = api.post_runs(client, PROJECT, known)["created"]
    n_datasets = len({run["dataset"]["name"] for run in known})
    api.post_runs(client, PROJECT, [_still_training(known[0]["dataset"])])
    console.print(f"Loaded {created} recorded trainings on {n_datasets} data sets into project {PROJECT!r}.")


def _still_training(dataset: Json) -> Json:
    """One run that has only begun: something for a page to show, and for `PATCH /v1/runs/{id}` to be tried on."""
    return {
        "run_id": "still-training",
        "dataset": dataset,
        "state": "running",
        "hyperparameters": {"family": "svm", "C": 3.0, "gamma": 0.02},
        **CONTEXT,
    }
