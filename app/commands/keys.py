"""`forerun keys`: make, list and revoke API keys, where the database is reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.shell import DataDir, console, database, ended_by_signal, settings_of
from app.processes import Undisturbed

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)


class KeyScope(StrEnum):
    """What a key may do; `admin` may do everything."""

    INGEST = "ingest"
    RECOMMEND = "recommend"
    READ = "read"
    ADMIN = "admin"


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    scope: Annotated[list[KeyScope], typer.Option(help="What it may do; may be given several times.")],
    project: Annotated[
        list[str] | None, typer.Option(help="A project that it is limited to; may be given several times.")
    ] = None,
    expires: Annotated[int | None, typer.Option(min=1, max=3650, help="Days that it is good for.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a key. It alone goes to standard output, this once: only its hash is kept."""
    from app import keys

    with _opened(data_dir) as url:
        key, text = keys.create(url, name, [each.value for each in scope], project, expires)
    typer.echo(f"key {key.id} of {key.name!r}; it is not shown again", err=True)
    typer.echo(text)


@app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the keys, also those that were revoked; never their texts."""
    from app import keys

    with _opened(data_dir) as url:
        listed = keys.listed(url)
    shown = Table("id", "name", "prefix", "scopes", "projects", "expires", "revoked", "last used")
    for row in listed:
        shown.add_row(*(escape(text) for text in row))
    Console(width=max(console.width, 160)).print(shown)


@app.command("revoke")
def revoke_key(
    key_id: Annotated[UUID, typer.Argument(metavar="ID", help="Its id, as `forerun keys list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke a key: within five seconds it opens nothing any more, in any process."""
    from app import keys

    with _opened(data_dir) as url:
        key = keys.revoke(url, key_id)
    console.print(f"{key.prefix} of {escape(repr(key.name))} is revoked.", highlight=False)


@contextmanager
def _opened(data_dir: Path | None) -> Iterator[str]:
    """The URL of the migrated database."""
    with ended_by_signal(), Undisturbed() as stack:
        yield stack.enter_context(database(settings_of(data_dir=data_dir))).database_url or ""
