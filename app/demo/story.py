"""The demo: train for real, ask about a data set that was never seen, train the answer for real, and compare."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.demo import client as api
from app.demo import history, tables
from app.demo.models import Configuration, random_configurations
from app.demo.question import METRIC, in_words, interval, question, ranking
from app.demo.training import OBJECTIVE

HELD_OUT = "breast_cancer"
FRESH_PER_TABLE = 6
RANDOM_RIVALS = 15
TARGETS = (METRIC, "accuracy", "log_loss", "duration_seconds")

Json = dict[str, Any]


def tell(url: str, hold_out: str, console: Console) -> None:
    """The whole story on the service at `url`, in a project of its own. Raises Refused, PackageMissing."""
    if hold_out not in tables.names():
        raise api.Refused(f"there is no data set {hold_out!r}; there are {', '.join(tables.names())}")
    project = f"demo-without-{hold_out}-{time.strftime('%Y%m%dT%H%M%S')}"
    with httpx.Client(base_url=url, timeout=60.0) as client:
        api.wait_until_ready(client)
        _teach(client, project, hold_out, console)
        answer = _ask(client, project, hold_out, console)
        best = answer["configurations"][0]["configuration"]
        _train_and_post(client, project, hold_out, best, answer["recommendation_id"], console)
        record = api.recommendation(client, answer["recommendation_id"])
    rivals = list(_trained(hold_out, random_configurations(RANDOM_RIVALS, seed=99), console))
    _compare(record["runs"][0], rivals, console)


def recorded(console: Console) -> Iterator[Json]:
    """The history, trained anew behind a progress bar."""
    with _progress(console) as progress:
        bar = progress.add_task("training", total=len(tables.names()) * history.RUNS_PER_TABLE)
        yield from history.record(lambda name: progress.update(bar, advance=1, description=f"training on {name}"))


def _teach(client: httpx.Client, project: str, hold_out: str, console: Console) -> None:
    """Post the recorded history and fresh trainings, all without the held-out data set; refit."""
    known = [run for run in history.committed() if run["dataset"]["name"] != hold_out]
    api.declare(client, project, [OBJECTIVE])
    created = api.post_runs(client, project, known)["created"]
    console.print(f"1. Posted {created} recorded trainings, none of them on {hold_out}.", highlight=False)
    fresh = [name for name in tables.names() if name != hold_out]
    for number, name in enumerate(fresh):
        for run in _trained(name, random_configurations(FRESH_PER_TABLE, seed=1000 + number), console):
            api.post_run(client, project, run)
    console.print(f"2. Trained {len(fresh) * FRESH_PER_TABLE} random configurations on {len(fresh)} data sets.")
    with console.status("refit queued") as status:
        refit = api.refit(client, project, lambda state: status.update(f"refit {state}"))
    console.print(f"3. Refitted: {refit['verdict']['reason']}.", highlight=False)


def _ask(client: httpx.Client, project: str, hold_out: str, console: Console) -> Json:
    dataset = {"name": hold_out, "meta_features": tables.meta_features(tables.load(hold_out))}
    answer = api.recommend(client, question(project, dataset, top_k=5))
    console.print(ranking(answer, f"4. What to train on {hold_out} ({answer['basis']})"))
    return answer


def _train_and_post(
    client: httpx.Client,
    project: str,
    name: str,
    configuration: Configuration,
    recommendation_id: str,
    console: Console,
) -> None:
    run = next(iter(_trained(name, [configuration], console)))
    api.post_run(client, project, {**run, "recommendation_id": recommendation_id})
    console.print(f"5. Trained the first of them, {in_words(configuration)}, and posted it.", highlight=False)


def _trained(name: str, configurations: Iterable[Configuration], console: Console) -> Iterator[Json]:
    configurations = list(configurations)
    task = tables.load(name)
    with _progress(console) as progress:
        bar = progress.add_task(f"training on {name}", total=len(configurations))
        for index, configuration in enumerate(configurations):
            yield history.run_of(task, configuration, f"fresh-{name}-{len(configurations)}-{index:03d}")
            progress.advance(bar)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _compare(followed: Json, rivals: list[Json], console: Console) -> None:
    table = Table(
        "target",
        "predicted",
        "90 % interval",
        "realised",
        "",
        title="6. Predicted against realised",
        title_justify="left",
    )
    for target in TARGETS:
        predicted, realised = (followed["predicted"] or {}).get(target), followed["realised"].get(target)
        if predicted is None or realised is None:
            continue
        inside = predicted["lower"] <= realised <= predicted["upper"]
        table.add_row(
            target,
            f"{predicted['mean']:.4f}",
            interval(predicted),
            f"{realised:.4f}",
            "inside" if inside else "outside",
        )
    console.print(table)
    console.print(_standing(followed, rivals), highlight=False)


def _standing(followed: Json, rivals: list[Json]) -> str:
    """Where the recommended configuration stands among random ones, trained just as it was."""
    if METRIC not in followed["realised"]:
        return f"The recommended configuration {followed['state']}."
    realised = followed["realised"][METRIC]
    scores = sorted((run["metrics"][METRIC] for run in rivals if "metrics" in run), reverse=True)
    place = 1 + sum(score > realised for score in scores)
    best, middle, worst = scores[0], scores[len(scores) // 2], scores[-1]
    return (
        f"7. {METRIC} {realised:.4f} is place {place} of {len(scores) + 1} with {len(scores)} random configurations, "
        f"trained just now (best {best:.4f}, middle {middle:.4f}, worst {worst:.4f})."
    )
