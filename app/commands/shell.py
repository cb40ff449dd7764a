"""What every command is made of: the console, settings, a database, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from app.config import Settings, variable
from app.processes import Undisturbed, interruptible

FORERUN = (sys.executable, "-m", "app.cli")
"""This command, for a process of its own."""

console = Console()

DataDir = Annotated[Path | None, typer.Option(help=f"Where the embedded database lives. [env: {variable('data_dir')}]")]


class CannotGoOn(RuntimeError):
    """Something outside is in the way; the message says what to do about it."""


def settings_of(**given: Any) -> Settings:
    """From the environment, and over it what was given on the command line. Raises CannotGoOn."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [f"{variable('_'.join(map(str, fault['loc'])))}: {fault['msg']}" for fault in error.errors()]
        raise CannotGoOn("; ".join(faults)) from error


@contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with the URL of a database that answers and is migrated; the embedded server is held meanwhile."""
    from app.store.migrate import migrate as bring_up_to_date

    with server(settings) as url:
        bring_up_to_date(url)
        yield settings.model_copy(update={"database_url": url})


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """The URL of a database that answers, whatever is in it."""
    from app.store.embedded import embedded_postgres
    from app.store.migrate import wait_for_database

    with Undisturbed() as stack:
        url = _given_url(settings) or stack.enter_context(embedded_postgres(settings.data_dir))
        wait_for_database(url, settings.database_wait_seconds)
        yield url


def _given_url(settings: Settings) -> str | None:
    """Where the database is, if that was said. Raises CannotGoOn."""
    from app.store.database import with_password

    url, file = settings.database_url, settings.database_password_file
    if url is None or file is None:
        return url
    try:
        return with_password(url, file)
    except (OSError, UnicodeDecodeError) as error:
        raise CannotGoOn(f"{variable('database_password_file')} cannot be read: {error}") from error


@contextmanager
def ended_by_signal() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block in order, and the process with it, with status 0."""
    with interruptible():
        try:
            yield
        except KeyboardInterrupt:
            raise SystemExit(0) from None
