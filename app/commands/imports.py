"""`forerun import`: a foreign history into a service, looked at first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from app.config import Settings
from app.errors import ForerunError

if TYPE_CHECKING:
    from app.importers.post import Tally
    from app.importers.rules import Plan
    from app.importers.source import Source

console = Console()

DEFAULT_URL: Final = "http://127.0.0.1:8000"
DRY_RUNS: Final = 1_000
"""Runs that a dry run reads and checks."""
MAX_TOLD: Final = 5


class Kind(StrEnum):
    """Where a history comes from."""

    MLFLOW = "mlflow"
    OPTUNA = "optuna"
    OPENML = "openml"
    CSV = "csv"
    PARQUET = "parquet"
    ARFF = "arff"


Names = list[str] | None
_FIELDS: Final = "What the fields are (names as in the source, * as in a shell)"
_ONLY: Final = "Of one source only"


def import_history(
    kind: Annotated[Kind, typer.Argument(help="What to read.", show_default=False)],
    where: Annotated[str, typer.Argument(help="A file, a folder, a database's address or a server's.")],
    project: Annotated[str, typer.Option(help="The project that the runs go to.")],
    url: Annotated[str, typer.Option(help="The service.", envvar="FORERUN_URL")] = DEFAULT_URL,
    key: Annotated[str | None, typer.Option(help="Its API key, of scope `ingest`.", envvar="FORERUN_KEY")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, check and show; send nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where this import broke off.")] = False,
    running: Annotated[
        bool, typer.Option("--running", help="Take unfinished runs too; the next import refreshes them.")
    ] = False,
    curves: Annotated[bool, typer.Option("--curves/--no-curves", help="Learning curves.")] = True,
    dataset: Annotated[str | None, typer.Option(help="The dataset of every run.", rich_help_panel=_FIELDS)] = None,
    dataset_column: Annotated[
        str | None, typer.Option(help="The field that names the dataset.", rich_help_panel=_FIELDS)
    ] = None,
    run_id: Annotated[str | None, typer.Option(help="The column that names the run.", rich_help_panel=_FIELDS)] = None,
    state: Annotated[str | None, typer.Option(help="The column of its state.", rich_help_panel=_FIELDS)] = None,
    inputs: Annotated[Names, typer.Option("--input", help="Hyperparameters.", rich_help_panel=_FIELDS)] = None,
    metric: Annotated[Names, typer.Option(help="Metrics.", rich_help_panel=_FIELDS)] = None,
    resource: Annotated[Names, typer.Option(help="Resources.", rich_help_panel=_FIELDS)] = None,
    environment: Annotated[Names, typer.Option(help="Environment.", rich_help_panel=_FIELDS)] = None,
    fidelity: Annotated[Names, typer.Option(help="Fidelity.", rich_help_panel=_FIELDS)] = None,
    meta_feature: Annotated[Names, typer.Option(help="Meta-features.", rich_help_panel=_FIELDS)] = None,
    tag: Annotated[Names, typer.Option(help="Labels; nothing is learned of them.", rich_help_panel=_FIELDS)] = None,
    ignore: Annotated[Names, typer.Option(help="What to leave out.", rich_help_panel=_FIELDS)] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The same as YAML: `metrics: \\[auc, val_*]`.", rich_help_panel=_FIELDS
        ),
    ] = None,
    study: Annotated[str | None, typer.Option(help="Optuna: this study.", rich_help_panel=_ONLY)] = None,
    objective: Annotated[
        Names, typer.Option(help="Optuna: names of the objectives, in order.", rich_help_panel=_ONLY)
    ] = None,
    space: Annotated[
        Path | None, typer.Option(help="Optuna: write the studies' search space here.", rich_help_panel=_ONLY)
    ] = None,
    experiment: Annotated[Names, typer.Option(help="MLflow: these experiments.", rich_help_panel=_ONLY)] = None,
) -> None:
    """Bring your history: the runs of MLflow, Optuna or OpenML, or a table of past runs, into a project.

    The same history again changes nothing: runs are known by the source's own names for them. `--dry-run` shows what
    each column of a table is taken for, and the first run as it would be sent.
    """
    given = {
        "dataset": [dataset_column] if dataset_column else None,
        "run_id": [run_id] if run_id else None,
        "state": [state] if state else None,
        "hyperparameters": inputs,
        "metrics": metric,
        "resources": resource,
        "environment": environment,
        "fidelity": fidelity,
        "meta_features": meta_feature,
        "tags": tag,
        "ignored": ignore,
    }
    with _told():
        plan = _plan(project, mapping, given, dataset, running, curves)
        source = _open(kind, where, plan, study, objective or (), experiment or ())
        _introduce(source)
        if space is not None:
            _write_space(source, space)
        if dry_run:
            _dry_run(source)
        else:
            _import(source, plan, url, key, resume)


@contextmanager
def _told() -> Iterator[None]:
    """What went wrong on purpose, in one line."""
    from app.importers.source import CannotImport

    try:
        yield
    except (CannotImport, ForerunError, OSError, ValueError) as error:
        typer.secho(f"forerun: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from error


def _plan(
    project: str,
    mapping: Path | None,
    given: dict[str, Names],
    dataset: str | None,
    running: bool,
    curves: bool,
) -> Plan:
    from app.importers.rules import Plan, Rules, read_mapping

    patterns = read_mapping(mapping.read_text(encoding="utf-8")) if mapping else {}
    for kind, names in given.items():
        if names:
            patterns[kind] = [*names, *patterns.get(kind, ())]
    return Plan(project, Rules(patterns), dataset, running, curves)


def _open(
    kind: Kind, where: str, plan: Plan, study: str | None, objectives: Sequence[str], experiments: Sequence[str]
) -> Source:
    from app.importers import mlflow, openml, optuna, table

    if kind is Kind.OPTUNA:
        return optuna.open_storage(where, plan, study=study, metrics=objectives)
    if kind is Kind.MLFLOW:
        return mlflow.open_store(where, plan, experiments=experiments)
    if kind is Kind.OPENML:
        return openml.open_files(Path(where), plan)
    return table.open_table(Path(where), plan, kind.value)


def _introduce(source: Source) -> None:
    console.print(f"[bold]{escape(source.title)}[/]", highlight=False)
    if source.columns:
        shown = Table("column", "becomes", "such as")
        for column in source.columns:
            shown.add_row(*map(escape, (column.name, column.becomes, ", ".join(column.examples)[:60])))
        console.print(shown)
        console.print(
            "A wrong guess? --tag COLUMN, --metric COLUMN and the like say what a column is.", highlight=False
        )
    for note in source.notes:
        console.print(f"note: {escape(note)}", highlight=False)


def _write_space(source: Source, path: Path) -> None:
    if source.search_space is None:
        raise ValueError("only Optuna's studies know their search space")
    translated = source.search_space()
    path.write_text(json.dumps(translated.document(), indent=2) + "\n", encoding="utf-8")
    console.print(f"The search space is in {escape(str(path))}.", highlight=False)
    for warning in translated.warnings:
        console.print(f"note: {escape(warning)}", highlight=False)


# ---------------------------------------------------------------- looking


def _dry_run(source: Source) -> None:
    """Check the first runs as the service would, and show one."""
    from pydantic import ValidationError

    from app.types import Run

    left_out: Counter[str] = Counter()
    bodies: list[dict[str, Any]] = []
    for chunk in source.read(None):
        left_out += chunk.left_out
        bodies += chunk.bodies
        if len(bodies) + left_out.total() >= DRY_RUNS:
            break
    faults: list[str] = []
    for body in bodies:
        try:
            Run.model_validate(body)
        except ValidationError as error:
            where = "/".join(str(part) for part in error.errors()[0]["loc"])
            faults.append(f"{body['run_id']}: {where}: {error.errors()[0]['msg']}")
    if bodies:
        console.print("The first run:")
        console.print_json(json.dumps(bodies[0]))
    datasets = Counter(body["dataset"]["name"] for body in bodies)
    states = ", ".join(f"{count} {name}" for name, count in Counter(body["state"] for body in bodies).items())
    of = f" of {source.total:,}" if source.total else ""
    console.print(
        f"Looked at {len(bodies) + left_out.total():,}{of}: {len(bodies) - len(faults):,} can be sent ({states}), "
    )
    named = ", ".join(f"{escape(name)} ({count:,})" for name, count in islice(datasets.items(), MAX_TOLD))
    console.print(
        f"on {len(datasets):,} datasets: {named}{', ...' if len(datasets) > MAX_TOLD else ''}.", highlight=False
    )
    _tell_losses(left_out, faults)
    console.print("Nothing was sent.")


def _tell_losses(left_out: Counter[str], faults: Sequence[str]) -> None:
    for reason, count in left_out.items():
        console.print(f"{count:,} left out: {reason}", highlight=False)
    for fault in faults[:MAX_TOLD]:
        console.print(f"[red]not taken:[/] {escape(fault)}", highlight=False)


# ---------------------------------------------------------------- sending


def _import(source: Source, plan: Plan, url: str, key: str | None, resume: bool) -> None:
    import httpx

    from app.importers.checkpoint import Checkpoint
    from app.importers.post import post

    checkpoint = Checkpoint(Settings().data_dir, source.identity, plan.project, url, plan.rules.patterns)
    begin = checkpoint.read() if resume else None
    if resume:
        console.print("Going on where it broke off." if begin is not None else "Nothing broke off; from the beginning.")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with httpx.Client(base_url=url, headers=headers) as client, _progress() as progress:
        task = progress.add_task("importing", total=source.total)

        def acknowledged(cursor: Any, tally: Tally) -> None:
            checkpoint.write(cursor)
            progress.update(task, completed=tally.seen)

        tally = post(client, source.read(begin), acknowledged, refresh=plan.running)
    checkpoint.forget()
    _report(tally, progress.tasks[task].finished_time or progress.tasks[task].elapsed or 0.0)


class _Speed(ProgressColumn):
    """Runs a second, lately."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} runs/s", justify="right")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Speed(),
        TimeRemainingColumn(),
        console=console,
    )


def _report(tally: Tally, seconds: float) -> None:
    parts = {
        "created": tally.created,
        "stored before": tally.duplicates,
        "refreshed": tally.refreshed,
        "different from what is stored": tally.conflicts,
        "rejected": tally.rejected,
    }
    said = ", ".join(f"{count:,} {what}" for what, count in parts.items() if count) or "nothing to import"
    console.print(
        f"{said}; {tally.seen:,} in {seconds:.1f} s ({tally.seen / max(seconds, 1e-9):,.0f} a second).", highlight=False
    )
    _tell_losses(tally.left_out, tally.told)
    if tally.conflicts or tally.rejected:
        raise typer.Exit(1)
