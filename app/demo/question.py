"""The demo's question to the service, and its answer as a person reads it."""

from __future__ import annotations

import json

from rich import box
from rich.table import Table

from app.demo.space import CONTEXT, METRIC, OBJECTIVE, SEARCH_SPACE, Configuration, Json

SMALL_SPACE: Json = {
    "parameters": {
        "family": ["svm", "random_forest", "catboost"],
        "C": {"type": "float", "low": 0.001, "high": 1000.0, "log": True, "when": {"family": ["svm"]}},
        "gamma": SEARCH_SPACE["parameters"]["gamma"],
        "depth": SEARCH_SPACE["parameters"]["depth"],
    }
}
"""Short enough to be read in a terminal."""


def question(project: str, dataset: str | Json, top_k: int, space: Json = SEARCH_SPACE, strategy: str = "best") -> Json:
    return {
        "project": project,
        "dataset": dataset,
        "objectives": [OBJECTIVE],
        "search_space": space,
        "context": CONTEXT,
        "top_k": top_k,
        "strategy": strategy,
    }


def as_curl(url: str, body: Json) -> str:
    """The question as a command to paste: one line for each field, one for each parameter."""
    lines = [
        f'  "{field}": {json.dumps(value)}' if field != "search_space" else _space_lines(value)
        for field, value in body.items()
    ]
    return (
        f"curl -s {url}/v1/recommend -H 'Content-Type: application/json' -d '{{\n"
        + ",\n".join(lines)
        + "}' | python3 -m json.tool"
    )


def _space_lines(space: Json) -> str:
    parameters = ",\n".join(f'    "{name}": {json.dumps(spec)}' for name, spec in space["parameters"].items())
    return f'  "search_space": {{"parameters": {{\n{parameters}}}}}'


def table_of(*columns: str, title: str) -> Table:
    """An empty table; where the terminal is narrow, only configurations are broken into lines."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=name != "configuration", overflow="fold")
    return table


def ranking(answer: Json, title: str) -> Table:
    """The answered configurations, best first."""
    table = table_of("", "configuration", "predicted", "90 % interval", "seconds", "may fail", title=title)
    for ranked in answer["configurations"]:
        predicted = ranked["predicted"] or {}
        score, seconds = predicted.get(METRIC), predicted.get("duration_seconds")
        table.add_row(
            str(ranked["rank"]),
            in_words(ranked["configuration"]),
            number(score and score["mean"]),
            interval(score),
            number(seconds and seconds["mean"]),
            _percent(ranked["probability_of_failure"]),
        )
    return table


def in_words(configuration: Configuration) -> str:
    """`svm (C 12.3, gamma 0.01)`."""
    others = [
        f"{name.rpartition('.')[2]} {value:.3g}" if isinstance(value, float) else f"{name.rpartition('.')[2]} {value}"
        for name, value in configuration.items()
        if name != "family"
    ]
    return f"{configuration['family']} ({', '.join(others)})"


def interval(predicted: Json | None) -> str:
    return f"{number(predicted['lower'])} to {number(predicted['upper'])}" if predicted else ""


def number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if abs(value) < 100 else f"{value:,.0f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
