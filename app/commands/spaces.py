"""`forerun space`: search spaces of other tools in our language."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.errors import ForerunError

space_app = typer.Typer(help="Search spaces of other tools in forerun's language.", no_args_is_help=True)


class Dialect(StrEnum):
    """Whose search space it is."""

    OPTUNA = "optuna"
    CONFIGSPACE = "configspace"
    WANDB = "wandb"
    VIZIER = "vizier"
    KATIB = "katib"


@space_app.callback()
def _group() -> None:
    """Keeps `translate` a command of its own: typer makes an only command the group itself."""


@space_app.command()
def translate(
    file: Annotated[Path, typer.Argument(help="JSON or YAML; - reads standard input.")],
    dialect: Annotated[Dialect, typer.Option("--from", help="Whose search space it is.")],
    as_yaml: Annotated[bool, typer.Option("--yaml", help="YAML instead of JSON.")] = False,
) -> None:
    """Translate a search space; it goes to standard output, and what is lost to standard error."""
    from app.importers.spaces import translate as translated
    from app.importers.yaml import read_yaml, write_yaml

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        made = translated(dialect.value, read_yaml(text, (1, 1) if dialect is Dialect.WANDB else (1, 2)))
    except (ForerunError, OSError, ValueError) as error:
        typer.secho(f"forerun: {error}", err=True, fg=typer.colors.RED)
        raise typer.Exit(1) from error
    document = made.document()
    sys.stdout.write(write_yaml(document) if as_yaml else json.dumps(document, indent=2) + "\n")
    for warning in made.warnings:
        typer.secho(f"warning: {warning}", err=True, fg=typer.colors.YELLOW)
