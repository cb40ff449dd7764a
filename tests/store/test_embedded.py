from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from app.errors import Unavailable
from app.store import embedded
from app.store.embedded import embedded_postgres

NORMAL_USER = 1  # daemon: any user that the system knows and that is neither root nor nobody


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """Not below pytest's tmp_path, whose name is long and whose parents the server's user may not pass."""
    directory = Path(tempfile.mkdtemp(prefix="forerun-embedded-"))
    directory.chmod(0o711)
    _killed_inside_initdb(directory)
    yield directory
    shutil.rmtree(directory)


def _killed_inside_initdb(directory: Path) -> None:
    """What the first start of every test here finds, and has to clear away."""
    unfinished = directory / "postgres" / "data.new"
    (unfinished / "base").mkdir(parents=True)
    (directory / "postgres").chmod(0o700)
    (unfinished / "PG_VERSION").write_text("18\n")


HOLD = """
import sys
from pathlib import Path
from app.store.embedded import embedded_postgres

with embedded_postgres(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class Holder:
    """Another process that holds the server until it is told to let go, or is killed."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def url(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def let_go(self) -> None:
        self.process.communicate(timeout=120)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=120)


def server_pid(data_dir: Path) -> int | None:
    try:
        return int((data_dir / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
    except FileNotFoundError:
        return None


def eventually(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row
    return int(row[0])


def insert(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def test_it_is_durable_private_and_starts_again_quickly(data_dir: Path) -> None:
    with embedded_postgres(data_dir) as url, psycopg.connect(url) as connection:
        assert not (data_dir / "postgres" / "data.new").exists()
        settings = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            for name in ("fsync", "synchronous_commit", "listen_addresses", "data_checksums", "password_encryption")
        }
        insert(url)
        private = [data_dir / "postgres", data_dir / "postgres" / "socket", data_dir / "postgres" / "password"]
        assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in private] == [0, 0, 0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url, password="guess")
    assert settings == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "listen_addresses": ("",),
        "data_checksums": ("on",),
        "password_encryption": ("scram-sha-256",),
    }
    assert server_pid(data_dir) is None
    started = time.monotonic()
    with embedded_postgres(data_dir) as url:
        took = time.monotonic() - started
        assert count(url) == 1
    assert took < 15  # 0.15 s when nobody else uses the machine


def test_rows_survive_the_death_of_the_server_and_its_holders(data_dir: Path) -> None:
    holder = Holder(data_dir)
    url, pid = holder.url(), server_pid(data_dir)
    assert pid
    insert(url)
    before = count(url)
    holder.kill()
    os.kill(pid, signal.SIGKILL)
    with embedded_postgres(data_dir) as url:
        assert count(url) == before
    assert server_pid(data_dir) is None


def test_a_server_that_dies_while_it_is_held_comes_back(data_dir: Path) -> None:
    with embedded_postgres(data_dir) as url:
        insert(url)
        before, pid = count(url), server_pid(data_dir)
        assert pid
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: server_pid(data_dir) not in (pid, None))

        def answers() -> bool:
            try:
                return count(url) == before
            except psycopg.OperationalError:
                return False

        eventually(answers)


def test_racing_starters_share_one_server_and_the_last_one_stops_it(data_dir: Path) -> None:
    holders = [Holder(data_dir) for _ in range(3)]
    urls = [holder.url() for holder in holders]
    assert len(set(urls)) == 1
    url, pid = urls[0], server_pid(data_dir)
    assert pid
    insert(url)
    holders[0].let_go()
    assert count(url) > 0
    holders[1].kill()  # a killed holder is no reason to keep the server
    assert count(url) > 0
    holders[2].let_go()
    assert gone(pid)
    assert server_pid(data_dir) is None


@pytest.mark.parametrize("left_behind", ["", "no number\n", "1\n/elsewhere\n"])
def test_a_pid_file_that_tells_nothing_is_overcome(data_dir: Path, left_behind: str) -> None:
    with embedded_postgres(data_dir) as url:
        insert(url)
    (data_dir / "postgres" / "data" / "postmaster.pid").write_text(left_behind)
    with embedded_postgres(data_dir) as url:
        assert count(url) > 0


def test_a_long_or_strange_path_gets_a_short_socket() -> None:
    with tempfile.TemporaryDirectory(prefix="forerun-embedded-") as name:
        Path(name).chmod(0o711)
        data_dir = Path(name) / ("a name, with spaces & commas " * 5)
        with embedded_postgres(data_dir) as url:
            insert(url)
            assert "commas" not in url
            sockets = Path(make_url(url).query["host"])
        assert not sockets.exists()


def test_the_environment_does_not_lead_astray(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGHOST": "nowhere", "PGUSER": "nobody"}.items():
        monkeypatch.setenv(variable, value)
    with embedded_postgres(data_dir) as url:
        insert(url)


def test_a_cluster_of_another_version_is_refused(data_dir: Path) -> None:
    with embedded_postgres(data_dir):
        pass
    version = data_dir / "postgres" / "data" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(Unavailable, match="made by PostgreSQL 17"), embedded_postgres(data_dir):
        pass
    version.write_text("18\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")
def test_roots_private_directories_are_used_and_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the data directory nor the binaries can be reached by the server's user: a clone in a closed home."""
    with tempfile.TemporaryDirectory(prefix="forerun-embedded-") as system, tempfile.TemporaryDirectory() as private:
        Path(system).chmod(0o711)
        monkeypatch.setattr(embedded, "SYSTEM_HOME", Path(system))
        package = embedded.binaries().parents[1]
        for part in (package, package.with_name("embedded_postgres.libs")):
            if part.exists():
                shutil.copytree(part, Path(private, part.name), symlinks=True)
        unreachable = Path(private, package.name, "pginstall", "bin")
        monkeypatch.setattr(embedded, "binaries", lambda: unreachable)
        for _ in range(2):
            with embedded_postgres(Path(private, "data")) as url:
                insert(url)
        assert stat.S_IMODE(Path(private).stat().st_mode) == 0o700
        assert Path(private, "data", "postgres").resolve().parent == Path(system)
        assert embedded._binaries_for(65534, 65534).is_relative_to(system)


@pytest.mark.skipif(os.geteuid() != 0, reason="a second user is needed")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # an interpreter in root's home cannot be started anew
def test_a_normal_user_runs_it_the_same_way() -> None:
    if not embedded._may_pass(embedded.binaries(), NORMAL_USER, NORMAL_USER):
        pytest.skip("a normal user cannot reach this virtual environment")
    with tempfile.TemporaryDirectory(prefix="forerun-embedded-") as name:
        Path(name).chmod(0o777)
        process = multiprocessing.get_context("fork").Process(target=_as_normal_user, args=(Path(name, "data"),))
        process.start()
        process.join(300)
        assert process.exitcode == 0
        process.close()
        assert Path(name, "data", "postgres").stat().st_uid == NORMAL_USER


def _as_normal_user(data_dir: Path) -> None:
    os.setgroups([])
    os.setgid(NORMAL_USER)
    os.setuid(NORMAL_USER)
    for _ in range(2):
        with embedded_postgres(data_dir) as url:
            insert(url)
