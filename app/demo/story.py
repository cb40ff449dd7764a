"""The demo: train for real, ask about a data set that was never seen, train the answers for real, and compare."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from math import comb

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.demo import client as api
from app.demo import history, tables
from app.demo.models import random_configurations
from app.demo.question import in_words, interval, number, question, ranking, table_of
from app.demo.recording import RUNS_PER_TABLE, record
from app.demo.space import METRIC, OBJECTIVE, Configuration, Json
from app.demo.tables import Task
from app.demo.training import run_of

FRESH_PER_TABLE = 6
ROUNDS = 5
RANDOM_RIVALS = 15
TARGETS = (METRIC, "accuracy", "log_loss", "duration_seconds")


def tell(service: api.Service, hold_out: str, console: Console) -> None:
    """The whole story on a service, in a project of its own. Raises Refused, PackageMissing."""
    if hold_out not in tables.names():
        raise api.Refused(f"there is no data set {hold_out!r}; there are {', '.join(tables.names())}")
    project = f"demo-without-{hold_out}-{time.strftime('%Y%m%dT%H%M%S')}"
    with service.client() as client:
        api.wait_until_ready(client)
        _teach(client, project, hold_out, console)
        rounds = _follow(client, project, tables.load(hold_out), console)
    rivals = [(hold_out, configuration) for configuration in random_configurations(RANDOM_RIVALS, seed=99)]
    console.print(_standing(rounds, list(_trained(rivals, console))), highlight=False)


def recorded(console: Console) -> Iterator[Json]:
    """The history, trained anew behind a progress bar."""
    with _progress(console) as progress:
        bar = progress.add_task("training", total=len(tables.names()) * RUNS_PER_TABLE)
        yield from record(lambda name: progress.update(bar, advance=1, description=f"training on {name}"))


# ---------------------------------------------------------------- the chapters


def _teach(client: httpx.Client, project: str, hold_out: str, console: Console) -> None:
    """Post the recorded history and fresh trainings, all without the held-out data set; refit."""
    known = [run for run in history.committed() if run["dataset"]["name"] != hold_out]
    api.declare(client, project, [OBJECTIVE], automatic_refit=False)
    created = api.post_runs(client, project, known)["created"]
    console.print(f"1. Posted {created} recorded trainings, none of them on {hold_out}.", highlight=False)
    fresh = [
        (name, configuration)
        for seed, name in enumerate(tables.names(), start=1000)
        for configuration in random_configurations(FRESH_PER_TABLE, seed)
        if name != hold_out
    ]
    for run in _trained(fresh, console):
        api.post_run(client, project, run)
    console.print(f"2. Trained and posted {len(fresh)} random configurations on the same data sets.", highlight=False)
    with console.status("refit queued") as status:
        refit = api.refit(client, project, lambda state: status.update(f"refit {state}"))
    console.print(f"3. Refitted: {refit['verdict']['reason']}.\n", highlight=False)


def _follow(client: httpx.Client, project: str, task: Task, console: Console) -> list[Json]:
    """Ask, train the first answer, post it, and ask again; what came of each, as the service has it on record."""
    dataset = {"name": task.name, "meta_features": tables.meta_features(task)}
    rounds: list[Json] = []
    for index in range(ROUNDS):
        asked = question(project, dataset, top_k=5, strategy="improve" if rounds else "best")
        answer = api.recommend(client, asked)
        if not rounds:
            console.print(ranking(answer, f"4. What to train on {task.name} ({answer['basis']}), best first"))
        best = answer["configurations"][0]["configuration"]
        run = run_of(task, best, f"round-{index + 1}")
        api.post_run(client, project, {**run, "recommendation_id": answer["recommendation_id"]})
        (followed,) = api.recommendation(client, answer["recommendation_id"])["runs"]
        rounds.append({**followed, "basis": answer["basis"], "configuration": best})
        if len(rounds) == 1:
            console.print(_outcome(followed, f"5. Trained {in_words(best)} and posted it"))
    console.print(_rounds(rounds, f"6. Asked again after each run: {METRIC}"))
    return rounds


def _trained(wanted: Iterable[tuple[str, Configuration]], console: Console) -> Iterator[Json]:
    """Train configurations on data sets, named, behind a progress bar."""
    wanted = list(wanted)
    with _progress(console) as progress:
        bar = progress.add_task("training", total=len(wanted))
        for index, (name, configuration) in enumerate(wanted):
            progress.update(bar, description=f"training {configuration['family']} on {name}")
            yield run_of(tables.load(name), configuration, f"fresh-{name}-{index:03d}")
            progress.advance(bar)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


# ---------------------------------------------------------------- predicted against realised


def _outcome(followed: Json, title: str) -> Table:
    """Every target of one run."""
    table = table_of("target", "predicted", "90 % interval", "realised", "", title=title)
    for target in TARGETS:
        predicted, realised = (followed["predicted"] or {}).get(target), followed["realised"].get(target)
        if predicted is not None and realised is not None:
            table.add_row(
                target, number(predicted["mean"]), interval(predicted), number(realised), _inside(predicted, realised)
            )
    return table


def _rounds(rounds: list[Json], title: str) -> Table:
    """The objective of every run."""
    table = table_of("round", "configuration", "predicted", "90 % interval", "realised", "", title=title)
    for index, followed in enumerate(rounds):
        predicted, realised = (followed["predicted"] or {}).get(METRIC), followed["realised"].get(METRIC)
        table.add_row(
            f"{index + 1} {followed['basis']}",
            in_words(followed["configuration"]),
            number(predicted and predicted["mean"]),
            interval(predicted),
            followed["state"] if realised is None else number(realised),
            _inside(predicted, realised),
        )
    return table


def _inside(predicted: Json | None, realised: float | None) -> str:
    if predicted is None or realised is None:
        return ""
    return "inside" if predicted["lower"] <= realised <= predicted["upper"] else "outside"


def _standing(rounds: list[Json], rivals: list[Json]) -> str:
    """Where the recommended configurations stand among random ones, trained just as they were."""
    ours = [followed["realised"][METRIC] for followed in rounds if METRIC in followed["realised"]]
    theirs = sorted((run["metrics"][METRIC] for run in rivals if "metrics" in run), reverse=True)
    if not ours or not theirs:
        return "7. Nothing to compare: the trainings failed."
    return (
        f"7. {len(theirs)} random configurations, trained just now: best {theirs[0]:.4f}, middle "
        f"{theirs[len(theirs) // 2]:.4f}, worst {theirs[-1]:.4f}; the best of {len(ours)} of them is "
        f"{_expected_best(theirs, len(ours)):.4f} on average.\n"
        f"   The first recommended one: {ours[0]:.4f}, place {_place(ours[0], theirs)} of {len(theirs) + 1}. "
        f"The best of {len(ours)}: {max(ours):.4f}, place {_place(max(ours), theirs)} of {len(theirs) + 1}."
    )


def _place(score: float, others: list[float]) -> int:
    return 1 + sum(other > score for other in others)


def _expected_best(descending: list[float], k: int) -> float:
    """The mean, over all choices of k of the scores, of the best one chosen."""
    n, k = len(descending), min(k, len(descending))
    return sum(score * comb(n - 1 - i, k - 1) for i, score in enumerate(descending)) / comb(n, k)
