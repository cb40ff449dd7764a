"""What was stored comes back from a backup, on an empty server, and answers as it did."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from app.errors import Conflict, Unavailable
from app.flows.recommend import Bundles, recommend
from app.learn.train import Trained
from app.store.backup import backup, restore
from app.store.database import Database, connect
from app.store.migrate import migrate
from tests.flows.test_recommend import post, request, run_of, serve

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"


def contents(url: str) -> dict[str, set[str]]:
    """Every row of every table."""
    with psycopg.connect(url) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        return {name: {row for (row,) in connection.execute(f'SELECT t::text FROM "{name}" AS t')} for name in names}


async def test_everything_comes_back_and_answers_alike(
    database: Database, database_url: str, empty_database_url: str, trained: Trained, tmp_path: Path
) -> None:
    await serve(database, trained)
    await post(database, *(run_of({"family": "linear", "rate": rate}, run_id=str(rate)) for rate in (0.1, 0.3)))
    before = await recommend(database, Bundles(1), request())
    stored = contents(database_url)
    backup(database_url, tmp_path / "all")
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o600
    assert not (tmp_path / "all.unfinished").exists()

    restore(empty_database_url, tmp_path / "all")
    assert contents(empty_database_url) == stored
    migrate(empty_database_url)
    restored = connect(empty_database_url)
    after = await recommend(restored, Bundles(1), request())
    await restored.close()
    assert after | {"recommendation_id": None} == before | {"recommendation_id": None}


async def test_a_backup_goes_only_into_an_empty_database(database_url: str, tmp_path: Path) -> None:
    backup(database_url, tmp_path / "all")
    with pytest.raises(Conflict, match="empty"):
        restore(database_url, tmp_path / "all")


async def test_half_a_backup_leaves_nothing_behind(
    database: Database, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    await post(database, *(run_of({"family": "linear", "rate": n / 500}, run_id=str(n)) for n in range(1, 500)))
    backup(database_url, tmp_path / "all")
    half = tmp_path / "half"
    half.write_bytes((tmp_path / "all").read_bytes()[:-2000])
    with pytest.raises(Unavailable, match="pg_restore failed"):
        restore(empty_database_url, half)
    assert contents(empty_database_url) == {}


def test_no_password_stands_on_a_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def run(command: list[str], env: dict[str, str], **_: object) -> subprocess.CompletedProcess[bytes]:
        seen.append(command)
        assert env["PGPASSWORD"] == "secret"
        (tmp_path / "all.unfinished").touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("app.store.backup.subprocess.run", run)
    backup("postgresql://forerun:secret@database:5433/runs?sslmode=require", tmp_path / "all")
    [command] = seen
    assert command[-1] == "postgresql://forerun@database:5433/runs?sslmode=require"
    assert "secret" not in " ".join(command)


def test_what_pg_dump_says_is_told_without_a_file_or_a_password(tmp_path: Path) -> None:
    nowhere = "postgresql://forerun:secret@127.0.0.1:9/none"
    with pytest.raises(Unavailable, match=r"pg_dump failed.*refused") as told:
        backup(nowhere, tmp_path / "all")
    assert "secret" not in str(told.value)
    assert list(tmp_path.iterdir()) == []
