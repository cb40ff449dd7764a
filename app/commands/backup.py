"""`forerun backup` and `restore`: everything that is stored, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from app.commands.shell import DataDir, console, ended_by_signal, server, settings_of
from app.processes import Undisturbed


def backup(
    file: Annotated[Path, typer.Argument(help="File to write; - for standard output.")], data_dir: DataDir = None
) -> None:
    """Write everything that is stored into a file, as of one moment, while the service runs."""
    from app.store.backup import STANDARD
    from app.store.backup import backup as back_up

    with ended_by_signal(), Undisturbed() as stack:
        back_up(stack.enter_context(server(settings_of(data_dir=data_dir))), file)
    if file != STANDARD:
        console.print(f"{escape(str(file))} holds everything, keys' hashes included: keep it as you keep the database.")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `forerun backup` wrote; - for standard input.")],
    data_dir: DataDir = None,
) -> None:
    """Bring a backup into an empty database, all of it or nothing, and its schema up to date."""
    from app.store.backup import restore as bring_back
    from app.store.migrate import migrate as bring_up_to_date

    with ended_by_signal(), Undisturbed() as stack:
        url = stack.enter_context(server(settings_of(data_dir=data_dir)))
        bring_back(url, file)
        bring_up_to_date(url)
    console.print("Everything is back.")
