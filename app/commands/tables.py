"""Answers of the service as tables for people."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.remote import Json, told

MOST_TARGETS = 3
"""Predicted targets shown beside each other; the objectives come first."""

BREAKABLE = {"run_id", "configuration", "metrics", "objectives"}
"""Columns that are broken into lines where the terminal is narrow."""


def print_receipt(console: Console, answer: Json) -> None:
    """What became of one run, or of many."""
    if "run_id" in answer:
        console.print(f"{answer['status']} {answer['id']} (run_id {escape(answer['run_id'])})", highlight=False)
        return
    counts = ", ".join(f"{answer[name]:,} {name}" for name in ("created", "duplicates", "rejected"))
    console.print(counts, highlight=False)
    for result in answer["results"]:
        if error := result.get("error"):
            line = told(f"run {result['index'] + 1} {error['code']}", error["detail"], error["errors"])
            console.print(f"[red]{escape(line)}[/]", highlight=False)
    if omitted := answer.get("results_omitted"):
        console.print(f"and {omitted:,} more", highlight=False)


def print_ranking(console: Console, answer: Json) -> None:
    """The answered configurations, best first, and what they rest on."""
    ranked = answer["configurations"]
    targets = list(dict.fromkeys(name for entry in ranked for name in entry["predicted"] or {}))[:MOST_TARGETS]
    table = _table("", "configuration", *targets, "may fail", title=_basis(answer))
    for entry in ranked:
        predicted = entry["predicted"] or {}
        table.add_row(
            str(entry["rank"]),
            escape(in_words(entry["configuration"])),
            *(_interval(predicted.get(target)) for target in targets),
            _percent(entry["probability_of_failure"]),
        )
    console.print(table)
    for warning in answer["warnings"]:
        console.print(f"[yellow]{escape(warning)}[/]", highlight=False)
    if answer["recommendation_id"]:
        console.print(f"Post what you train with recommendation_id {answer['recommendation_id']}", highlight=False)


def print_runs(console: Console, answer: Json) -> None:
    table = _table("run_id", "project", "dataset", "state", "configuration", "metrics", "posted")
    for run in answer["runs"]:
        inputs = {**run["hyperparameters"], **{f"fidelity.{name}": value for name, value in run["fidelity"].items()}}
        texts = (run["run_id"], run["project"], run["dataset"]["name"], run["state"])
        measured = in_words(run["metrics"])
        table.add_row(*map(escape, (*texts, in_words(inputs), measured)), _when(run["created_at"]))
    _print_page(console, table, answer)


def print_datasets(console: Console, answer: Json) -> None:
    table = _table("dataset", "project", "runs", "meta-features", "changed")
    for dataset in answer["datasets"]:
        texts = (dataset["name"], dataset["project"], f"{dataset['n_runs']:,}", str(len(dataset["meta_features"])))
        table.add_row(*map(escape, texts), _when(dataset["updated_at"]))
    _print_page(console, table, answer)


def print_projects(console: Console, answer: Json) -> None:
    table = _table("project", "objectives", "refits", "learned", "changed")
    for project in answer["projects"]:
        wanted = ", ".join(f"{each['metric']} ({each['direction']})" for each in project["objectives"])
        refits = "automatic" if project["refit_policy"]["automatic"] else "when asked for"
        learned = "yes" if project["meta_learner_id"] else "not yet"
        table.add_row(escape(project["name"]), escape(wanted), refits, learned, _when(project["updated_at"]))
    _print_page(console, table, answer)


def in_words(values: Json) -> str:
    """`booster gbtree, learning_rate 0.041`."""
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(escape(name), overflow="fold", no_wrap=name not in BREAKABLE)
    return table


def _print_page(console: Console, table: Table, answer: Json) -> None:
    console.print(table)
    if answer.get("next_cursor"):
        console.print("There are more: --limit", highlight=False)


def _basis(answer: Json) -> str:
    learner = answer["meta_learner"]
    knowledge = f", {learner['n_runs']:,} runs on {learner['n_datasets']} datasets" if learner else ""
    return escape(
        f"What to train on {answer['dataset']} ({answer['basis']}: {answer['n_own_runs']} own runs{knowledge})"
    )


def _interval(predicted: Json | None) -> str:
    """Mean, and the 90 % interval."""
    return f"{predicted['mean']:.4g} ({predicted['lower']:.4g} to {predicted['upper']:.4g})" if predicted else ""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _when(time: str) -> str:
    return time[:16].replace("T", " ")
