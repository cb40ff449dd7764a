"""The command `forerun`: what a newcomer types, and what an operator starts."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app import __version__
from app.commands.imports import import_history
from app.commands.spaces import space_app
from app.config import Settings, variable
from app.errors import ForerunError
from app.processes import Undisturbed, companion, end_with_parent, interruptible

# The heavy imports (FastAPI, CatBoost, scikit-learn) stand inside the commands that need them: `--help` is instant.

FORERUN = (sys.executable, "-m", "app.cli")
"""This command, for a process of its own."""

STOP_SECONDS = 15.0
"""What requests under way get to end, and again what the database gets."""

log = logging.getLogger("forerun")
console = Console()
app = typer.Typer(
    help="Know how a run will end before you run it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

keys_app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

Host = Annotated[str | None, typer.Option(help=f"Address to listen on. [env: {variable('host')}]")]
Port = Annotated[int | None, typer.Option(help=f"Port to listen on, 0 for a free one. [env: {variable('port')}]")]
DataDir = Annotated[Path | None, typer.Option(help=f"Where the embedded database lives. [env: {variable('data_dir')}]")]
WithWorker = Annotated[
    bool | None, typer.Option("--worker/--no-worker", help=f"A worker beside the API. [env: {variable('worker')}]")
]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True)]


class KeyScope(StrEnum):
    """What a key may do; `admin` may do everything."""

    INGEST = "ingest"
    RECOMMEND = "recommend"
    READ = "read"
    ADMIN = "admin"


class CannotGoOn(RuntimeError):
    """Something outside is in the way; the message says what to do about it."""


def main() -> None:
    """Run a command; what went wrong on purpose is told in one line, without a traceback."""
    try:
        app()
    except (CannotGoOn, ForerunError) as error:
        typer.secho(f"forerun: {error}", err=True, fg=typer.colors.RED)
        raise SystemExit(1) from error


# ---------------------------------------------------------------- the service


@app.command()
def serve(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    worker: WithWorker = None,
    with_parent: WithParent = False,
) -> None:
    """Serve the API, with a worker beside it; the database is migrated first."""
    settings = _settings(host=host, port=port, data_dir=data_dir, worker=worker)
    if with_parent:
        end_with_parent(_stop_seconds(settings))
    _serve(settings, lambda url: log.info("serving on %s", url))


@app.command()
def run(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve everything; into an empty database goes the demo's history, and a first ranking comes out."""
    from app.demo.welcome import welcome

    settings = _settings(host=host, port=port, data_dir=data_dir)
    if settings.keys_required:
        raise CannotGoOn("`forerun run` has no key to load the demo with; where keys are asked for, `forerun serve`")
    if "log_level" not in settings.model_fields_set:
        settings = settings.model_copy(update={"log_level": "warning"})  # what is printed here is for people
    _serve(settings, lambda url: welcome(url, console))


@app.command()
def worker(data_dir: DataDir = None, with_parent: WithParent = False) -> None:
    """Work off refits; any number may run, on any machine that reaches the database."""
    from app.telemetry import configure_logging
    from app.worker import run_worker

    settings = _settings(data_dir=data_dir)
    if with_parent:
        end_with_parent(_worker_stop_seconds(settings))
    configure_logging(settings.log_level)
    with _ended_by_signal(), Undisturbed() as stack:
        run_worker(stack.enter_context(_database(settings)))


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database's schema up to date; safe to run at any time and several times at once."""
    with _ended_by_signal(), Undisturbed() as stack:
        stack.enter_context(_database(_settings(data_dir=data_dir)))
        console.print("The database is up to date.")


@app.command()
def openapi(output: Annotated[Path | None, typer.Option(help="File to write; else standard output.")] = None) -> None:
    """Print the OpenAPI document of this version."""
    from app.main import create_app

    document = json.dumps(create_app(Settings()).openapi(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        sys.stdout.write(document)
    else:
        output.write_text(document, encoding="utf-8")


@app.command()
def version() -> None:
    """Print the version."""
    console.print(__version__, highlight=False)


# ---------------------------------------------------------------- on real data


@app.command()
def describe(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A table, .csv or .parquet.")],
    target: Annotated[str, typer.Option(help="The column that is to be predicted.")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, ready for `meta_features`.")] = False,
) -> None:
    """Compute the meta-features of a table: what a run or a question says about its dataset."""
    from app.featurise.describe import describe as meta_features_of
    from app.featurise.describe import read_table

    meta_features = meta_features_of(read_table(file), target)
    if as_json:
        sys.stdout.write(json.dumps(meta_features, indent=2) + "\n")
        return
    shown = Table("meta-feature", "value")
    for name, value in meta_features.items():
        shown.add_row(name, f"{value:.6g}")
    console.print(shown)


@app.command()
def demo(
    url: Annotated[str | None, typer.Option(help="A running service; else one of its own, gone afterwards.")] = None,
    hold_out: Annotated[str, typer.Option(help="The data set that the service must not have seen.")] = "",
    record: Annotated[Path | None, typer.Option(help="Instead: train the committed history anew, into a file.")] = None,
) -> None:
    """Train real models on real data sets, ask what to train next on a new one, train that, and compare."""
    import httpx

    from app.demo import history, story
    from app.demo.client import Refused
    from app.demo.space import HELD_OUT
    from app.demo.tables import PackageMissing

    if record is not None:
        history.write(story.recorded(console), record)
        return
    hold_out = hold_out or HELD_OUT
    try:
        with _ended_by_signal(), Undisturbed() as stack:
            story.tell(url or stack.enter_context(_own_service()), hold_out, console)
    except (Refused, PackageMissing, httpx.HTTPError) as error:
        raise CannotGoOn(str(error)) from error


app.command("import")(import_history)
app.add_typer(space_app, name="space")


# ---------------------------------------------------------------- keys


@keys_app.command("create")
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


@keys_app.command("list")
def list_keys(data_dir: DataDir = None) -> None:
    """List the keys, also those that were revoked; never their texts."""
    from app import keys

    with _opened(data_dir) as url:
        listed = keys.listed(url)
    shown = Table("id", "name", "prefix", "scopes", "projects", "expires", "revoked", "last used")
    for row in listed:
        shown.add_row(*(escape(text) for text in row))
    Console(width=max(console.width, 160)).print(shown)


@keys_app.command("revoke")
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
    with _ended_by_signal(), Undisturbed() as stack:
        yield stack.enter_context(_database(_settings(data_dir=data_dir))).database_url or ""


# ---------------------------------------------------------------- what the commands are made of


def _settings(**given: Any) -> Settings:
    """From the environment, and over it what was given on the command line. Raises CannotGoOn."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [f"{variable('_'.join(map(str, fault['loc'])))}: {fault['msg']}" for fault in error.errors()]
        raise CannotGoOn("; ".join(faults)) from error


def _serve(settings: Settings, when_ready: Callable[[str], object]) -> None:
    """The API in this process until a signal ends it; the database and the worker around it."""
    from app.telemetry import configure_logging

    configure_logging(settings.log_level)
    _refuse_to_be_open(settings)
    # The imports take as long as the database's start: both at once.
    threading.Thread(target=import_module, args=("app.main",), daemon=True).start()
    with _ended_by_signal(), Undisturbed() as stack:
        listener = stack.enter_context(_listening(settings.host, settings.port))
        open_settings = stack.enter_context(_database(settings))
        _refuse_without_keys(open_settings)
        if settings.worker:
            command = [*FORERUN, "worker", "--with-parent"]
            stack.enter_context(companion(command, settings.as_environment(), _worker_stop_seconds(settings)))
        _answer(open_settings, listener, when_ready)


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


def _stop_seconds(settings: Settings) -> float:
    """What the whole service gets: its requests, then its worker, then the database."""
    return STOP_SECONDS + _worker_stop_seconds(settings) + STOP_SECONDS


def _answer(settings: Settings, listener: socket.socket, when_ready: Callable[[str], object]) -> None:
    import uvicorn

    from app.connections import Impatient
    from app.main import create_app

    config = uvicorn.Config(
        create_app(settings),
        http=Impatient,
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


@contextmanager
def _database(settings: Settings) -> Iterator[Settings]:
    """The settings with the URL of a database that answers and is migrated; the embedded server is held meanwhile."""
    from app.store.embedded import embedded_postgres
    from app.store.migrate import migrate as bring_up_to_date
    from app.store.migrate import wait_for_database

    with Undisturbed() as stack:
        url = settings.database_url or stack.enter_context(embedded_postgres(settings.data_dir))
        wait_for_database(url, settings.database_wait_seconds)
        bring_up_to_date(url)
        yield settings.model_copy(update={"database_url": url})


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block in order, and the process with it, with status 0."""
    with interruptible():
        try:
            yield
        except KeyboardInterrupt:
            raise SystemExit(0) from None


@contextmanager
def _own_service() -> Iterator[str]:
    """A service over a temporary directory, for as long as the block runs."""
    with socket.create_server((Settings.model_fields["host"].default, 0)) as free:
        host, port = free.getsockname()
    with TemporaryDirectory(prefix="forerun-") as data_dir:
        Path(data_dir).chmod(0o711)  # the database's own user has to pass
        where = ["--host", host, "--port", str(port), "--data-dir", data_dir]
        command = [*FORERUN, "serve", "--worker", "--with-parent", *where]
        with companion(command, {variable("log_level"): "warning"}, _stop_seconds(Settings())):
            yield f"http://{host}:{port}"


if __name__ == "__main__":
    main()
