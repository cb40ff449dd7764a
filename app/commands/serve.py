"""`forerun serve`, `run`, `worker` and `migrate`: what an operator starts."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Annotated, Any

import typer

from app.commands.shell import FORERUN, CannotGoOn, DataDir, console, database, ended_by_signal, settings_of
from app.config import Settings, variable
from app.processes import Undisturbed, companion, end_with_parent

# The heavy imports (FastAPI, CatBoost, scikit-learn) stand inside the functions that need them: `--help` is instant.

STOP_SECONDS = 15.0
"""What requests under way get to end, and again what the database gets."""

M_ARENA_MAX = -8
"""The parameter's number in glibc's malloc.h."""
ARENAS = 2

log = logging.getLogger("forerun")

Host = Annotated[str | None, typer.Option(help=f"Address to listen on. [env: {variable('host')}]")]
Port = Annotated[int | None, typer.Option(help=f"Port to listen on, 0 for a free one. [env: {variable('port')}]")]
WithWorker = Annotated[
    bool | None, typer.Option("--worker/--no-worker", help=f"A worker beside the API. [env: {variable('worker')}]")
]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True)]


def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    worker: WithWorker = None,
    with_parent: WithParent = False,
) -> None:
    """Serve the API, with a worker beside it; the database is migrated first."""
    settings = settings_of(host=host, port=port, data_dir=data_dir, worker=worker)
    if with_parent:
        end_with_parent(stop_seconds(settings))
    _serve(settings, lambda url: log.info("serving on %s", url))


def run(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve everything; into an empty database goes the demo's history, and a first ranking comes out."""
    from app.demo.welcome import welcome

    settings = settings_of(host=host, port=port, data_dir=data_dir)
    if settings.keys_required:
        raise CannotGoOn("`forerun run` has no key to load the demo with; where keys are asked for, `forerun serve`")
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "warning"})  # what is printed here is for people
    _serve(settings, lambda url: welcome(url, console))


def worker(data_dir: DataDir = None, with_parent: WithParent = False) -> None:
    """Work off refits; any number may run, on any machine that reaches the database."""
    from app.telemetry import configure_logging
    from app.tracing import configure_tracing
    from app.worker import run_worker

    settings = settings_of(data_dir=data_dir)
    if with_parent:
        end_with_parent(_worker_stop_seconds(settings))
    configure_logging(settings.log_level)
    configure_tracing()
    with ended_by_signal(), Undisturbed() as stack:
        run_worker(stack.enter_context(database(settings)))


def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date; safe to run at any time and several times at once."""
    with ended_by_signal(), Undisturbed() as stack:
        stack.enter_context(database(settings_of(data_dir=data_dir)))
        console.print("The database is up to date.")


def _serve(settings: Settings, when_ready: Callable[[str], object]) -> None:
    """The API in this process until a signal ends it; the database and the worker around it."""
    from app.telemetry import configure_logging
    from app.tracing import configure_tracing

    configure_logging(settings.log_level)
    configure_tracing()
    _share_arenas()
    _refuse_to_be_open(settings)
    # The imports take as long as the database's start: both at once.
    threading.Thread(target=import_module, args=("app.main",), daemon=True).start()
    with ended_by_signal(), Undisturbed() as stack:
        listener = stack.enter_context(_listening(settings.host, settings.port))
        open_settings = stack.enter_context(database(settings))
        _refuse_without_keys(open_settings)
        if settings.worker:
            command = [*FORERUN, "worker", "--with-parent"]
            environment = leaving_a_core(settings).as_environment()
            stack.enter_context(companion(command, environment, _worker_stop_seconds(settings)))
        _answer(open_settings, listener, when_ready)


def leaving_a_core(settings: Settings) -> Settings:
    """The settings of a worker beside an API, which goes on answering while it learns."""
    threads = settings.refit_threads or max(1, (os.cpu_count() or 1) - 1)
    return settings.model_copy(update={"refit_threads": threads})


def _share_arenas() -> None:
    """Have glibc keep free memory for all threads together: each has a store of its own, and gives nothing back."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def _refuse_to_be_open(settings: Settings) -> None:
    """Raises CannotGoOn where the network could do as it likes, unless that was said twice."""
    if settings.auth == "off" and settings.keys_required:
        said_twice = f"{variable('auth')}=required asks for keys, {variable('allow_open')}=true says that it is meant"
        raise CannotGoOn(f"with {variable('auth')}=off anyone could do anything on {settings.host}; {said_twice}")


def _refuse_without_keys(settings: Settings) -> None:
    """Raises CannotGoOn where keys are asked for and there is none."""
    if settings.keys_required:
        from app import keys

        if not keys.any_good(settings.database_url or ""):
            first = "`forerun keys create NAME --scope admin`"
            raise CannotGoOn(f"on {settings.host} API keys are asked for and there is none yet; make one with {first}")


def _worker_stop_seconds(settings: Settings) -> float:
    """What a worker gets until SIGKILL: a running refit may end, and it may be the one to stop the database."""
    return settings.refit_stop_seconds + STOP_SECONDS


def stop_seconds(settings: Settings) -> float:
    """What the whole service gets: its requests, then its worker, then the database."""
    return STOP_SECONDS + _worker_stop_seconds(settings) + STOP_SECONDS


def _answer(settings: Settings, listener: socket.socket, when_ready: Callable[[str], object]) -> None:
    import uvicorn

    from app.direct import Direct
    from app.main import create_app

    config = uvicorn.Config(
        create_app(settings),
        http=Direct,
        timeout_keep_alive=settings.idle_timeout_seconds,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(STOP_SECONDS),
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_tell_when_ready, args=(server, _url_of(listener), when_ready), daemon=True).start()
    server.run(sockets=[listener])
    if not server.started:
        raise CannotGoOn("the API could not start; the lines above say why")


def _tell_when_ready(server: Any, url: str, when_ready: Callable[[str], object]) -> None:
    while not server.started:
        time.sleep(0.02)
    when_ready(url)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """The port is taken before anything is started for it. Raises CannotGoOn."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotGoOn(
            f"cannot listen on {host}, port {port} ({error.strerror}); choose another with --port or {variable('port')}"
        ) from error
    with listener:
        yield listener


def _url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # shown, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
