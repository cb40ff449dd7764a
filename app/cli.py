"""The command `forerun`: what a newcomer types, and what an operator starts."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from app import __version__
from app.commands import backup, client, imports, keys, serve, spaces
from app.commands.shell import FORERUN, CannotGoOn, console, ended_by_signal
from app.config import Settings, variable
from app.errors import ForerunError
from app.processes import Undisturbed, companion

# The heavy imports (FastAPI, CatBoost, scikit-learn) stand inside the commands that need them: `--help` is instant.

app = typer.Typer(
    help="Know how a run will end before you run it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

THE_SERVICE = "The service"
A_CLIENT = "A client of a running service"

for of_the_service in (serve.serve, serve.run, serve.worker, serve.migrate, backup.backup, backup.restore):
    app.command(rich_help_panel=THE_SERVICE)(of_the_service)
for of_a_client in (client.post, client.recommend, client.runs, client.datasets, client.projects, client.spool):
    app.command(rich_help_panel=A_CLIENT)(of_a_client)
app.command("import", rich_help_panel=A_CLIENT)(imports.import_history)
app.add_typer(spaces.space_app, name="space", rich_help_panel=A_CLIENT)
app.add_typer(keys.app, name="keys", rich_help_panel=THE_SERVICE)


def main() -> None:
    """Run a command; what went wrong on purpose is told in one line, without a traceback."""
    try:
        app()
    except (CannotGoOn, ForerunError) as error:
        typer.secho(f"forerun: {error}", err=True, fg=typer.colors.RED)
        raise SystemExit(1) from error


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
    key: Annotated[
        str | None,
        typer.Option(
            envvar=variable("key"),
            show_envvar=False,
            help=f"A key for that service, of scope admin. [env: {variable('key')}]",
        ),
    ] = None,
    hold_out: Annotated[str, typer.Option(help="The data set that the service must not have seen.")] = "",
    record: Annotated[Path | None, typer.Option(help="Instead: train the committed history anew, into a file.")] = None,
) -> None:
    """Train real models on real data sets, ask what to train next on a new one, train that, and compare."""
    import httpx

    from app.demo import history, story
    from app.demo.client import Refused, Service
    from app.demo.space import HELD_OUT
    from app.demo.tables import PackageMissing

    if record is not None:
        history.write(story.recorded(console), record)
        return
    hold_out = hold_out or HELD_OUT
    try:
        with ended_by_signal(), Undisturbed() as stack:
            service = Service(url, key) if url else Service(stack.enter_context(_own_service()))
            story.tell(service, hold_out, console)
    except (Refused, PackageMissing, httpx.HTTPError) as error:
        raise CannotGoOn(str(error)) from error


@contextmanager
def _own_service() -> Iterator[str]:
    """A service over a temporary directory, for as long as the block runs."""
    with socket.create_server((Settings.model_fields["host"].default, 0)) as free:
        host, port = free.getsockname()
    with TemporaryDirectory(prefix="forerun-") as data_dir:
        Path(data_dir).chmod(0o711)  # the database's own user has to pass
        where = ["--host", host, "--port", str(port), "--data-dir", data_dir]
        command = [*FORERUN, "serve", "--worker", "--with-parent", *where]
        quiet_and_open = {variable("log_level"): "warning", variable("auth"): "auto"}
        with companion(command, quiet_and_open, serve.stop_seconds(Settings())):
            yield f"http://{host}:{port}"


if __name__ == "__main__":
    main()
