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

    with _opened(settings) as found:
        bring_up_to_date(_direct(found))
        yield found


@contextmanager
def server(settings: Settings) -> Iterator[str]:
    """The URL of a database that answers, whatever is in it; past a pooler, if that was said."""
    with _opened(settings) as found:
        yield _direct(found)


@contextmanager
def _opened(settings: Settings) -> Iterator[Settings]:
    from app.store.embedded import embedded_postgres
    from app.store.migrate import wait_for_database

    with Undisturbed() as stack:
        found = _with_password(settings)
        if found.database_url is None:
            url = stack.enter_context(embedded_postgres(settings.data_dir))
            found = found.model_copy(update={"database_url": url})
        wait_for_database(_direct(found), settings.database_wait_seconds)
        yield found


def _direct(settings: Settings) -> str:
    url = settings.database_direct_url or settings.database_url
    assert url is not None
    return url


def _with_password(settings: Settings) -> Settings:
    """With the password from its file in each URL, if that was said. Raises CannotGoOn."""
    from app.store.database import with_password

    file = settings.database_password_file
    names = ("database_url", "database_direct_url", "database_replica_url")
    given = {name: url for name in names if (url := getattr(settings, name))}
    if file is None or not given:
        return settings
    try:
        return settings.model_copy(update={name: with_password(url, file) for name, url in given.items()})
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
