"""What stands beside a PostgreSQL in an installation of some size: a streaming replica, a pooler."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from app.store.embedded import _server, embedded_postgres
from tests.acceptance.service import free_port

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer on this machine")
START_SECONDS = 30.0


@contextmanager
def directory() -> Iterator[Path]:
    """One that servers may pass which run as another user than root."""
    made = Path(tempfile.mkdtemp(prefix="forerun-test-"))
    made.chmod(0o711)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def replica_of(primary_dir: Path, data_dir: Path) -> Iterator[str]:
    """A streaming replica of the embedded server of `primary_dir`, which runs; gives its URL."""
    primary, standby = _server(primary_dir), _server(data_dir)
    primary.run(
        "pg_basebackup", "-d", primary.url, "-D", str(primary.home / "copy"), "-R", "-X", "stream", "-c", "fast"
    )
    shutil.move(primary.home / "copy", standby.data)
    shutil.copy(primary.home / "password", standby.home / "password")
    with embedded_postgres(data_dir) as url:
        yield url


@contextmanager
def pgbouncer(url: str, pool_size: int = 4) -> Iterator[str]:
    """A PgBouncer in transaction mode in front of a server on a Unix socket; gives the URL that leads through it."""
    assert PGBOUNCER
    server, port = make_url(url), free_port()
    through = server.set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    as_another = ["-u", "nobody"] if os.geteuid() == 0 else []
    with directory() as home:
        (home / "users").write_text(f'"{server.username}" "{server.password}"\n')
        (home / "pgbouncer.ini").write_text(_SETTINGS.format(server=server.query, port=port, home=home, size=pool_size))
        process = subprocess.Popen(
            [PGBOUNCER, *as_another, "-q", str(home / "pgbouncer.ini")], stderr=subprocess.DEVNULL
        )
        try:
            _until_it_answers(through)
            yield through
        finally:
            process.kill()
            process.wait()


_SETTINGS = """
[databases]
* = host={server[host]} port={server[port]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {home}/users
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return
