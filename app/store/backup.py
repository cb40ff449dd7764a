"""A whole database as one file, and back: PostgreSQL's own `pg_dump` and `pg_restore`, which come with forerun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Final

import psycopg
from sqlalchemy import URL, make_url

from app.errors import Conflict, Unavailable
from app.store.database import libpq_url
from app.store.embedded import binaries

STANDARD: Final = Path("-")
"""Standard output, or input."""
_FOR_ANY_OWNER: Final = ("--no-owner", "--no-privileges")


def backup(url: str, file: Path) -> None:
    """Write everything that is stored, as of one moment, while others go on; a file is there whole or not at all.

    Raises: Unavailable with what `pg_dump` said.
    """
    if file == STANDARD:
        return _run(url, "pg_dump", "--format=custom", *_FOR_ANY_OWNER, output=sys.stdout.buffer)
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.touch(mode=0o600)
        _run(url, "pg_dump", "--format=custom", *_FOR_ANY_OWNER, f"--file={unfinished}")
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return None


def restore(url: str, file: Path) -> None:
    """Bring a backup into a database without tables, all of it or nothing; the schema stays as old as the backup's.

    Raises: Conflict when there are tables, Unavailable with what `pg_restore` said.
    """
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    if row != (0,):
        raise Conflict("the database has tables already; a backup is only restored into an empty one")
    options = ("--single-transaction", "--exit-on-error", *_FOR_ANY_OWNER, "--dbname", _without_password(url))
    given = [] if file == STANDARD else [str(file)]
    _run(url, "pg_restore", *options, *given)


def _run(url: str, program: str, *arguments: str, output: IO[bytes] | None = None) -> None:
    """The password goes by environment, where other users cannot see it."""
    command = [str(binaries() / program), *arguments]
    if program == "pg_dump":
        command.append(_without_password(url))
    password = make_url(url).password
    environment = {**os.environ, "LC_ALL": "C"} | ({"PGPASSWORD": password} if password else {})
    done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=environment, check=False)  # noqa: S603  # PostgreSQL's own programs
    if done.returncode:
        raise Unavailable(f"{program} failed: {done.stderr.decode(errors='replace').strip()[-2000:]}")


def _without_password(url: str) -> str:
    given = make_url(url)
    plain = URL.create("postgresql", given.username, None, given.host, given.port, given.database, given.query)
    return plain.render_as_string(hide_password=False)
