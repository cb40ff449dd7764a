from __future__ import annotations

import json
import re
import socket
from contextlib import nullcontext
from pathlib import Path

import pytest

from app import __version__, cli, keys
from app.commands import serve, shell
from app.config import Settings
from app.demo import story
from app.demo.client import Service
from app.featurise.describe import describe, read_table

TABLE = "x,colour,label\n" + "".join(
    f"{i}.5,{'red' if i % 3 else 'blue'},{'yes' if i % 2 else 'no'}\n" for i in range(40)
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.csv"
    file.write_text(TABLE)
    return file


def forerun(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """Run the command as a shell would; its exit status."""
    monkeypatch.setattr("sys.argv", ["forerun", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_describe_prints_what_the_library_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], table: Path
) -> None:
    assert forerun(monkeypatch, "describe", table, "--target", "label", "--json") == 0
    assert json.loads(capsys.readouterr().out) == describe(read_table(table), "label")
    assert forerun(monkeypatch, "describe", table, "--target", "label") == 0
    assert "n_classes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["describe", "{table}", "--target", "no_such_column"], "no_such_column"),
        (["demo", "--url", "http://127.0.0.1:1", "--hold-out", "no_such_table"], "no_such_table"),
        (["migrate"], "FORERUN_PORT"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    table: Path,
    arguments: list[str],
    complaint: str,
) -> None:
    monkeypatch.setenv("FORERUN_PORT", "abc")
    assert forerun(monkeypatch, *(argument.format(table=table) for argument in arguments)) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert said.startswith("forerun: ")
    assert said.count("\n") == 1


def test_what_is_given_on_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORERUN_PORT", "8001")
    assert shell.settings_of(port=None).port == 8001
    assert shell.settings_of(port=8002).port == 8002


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_is_taken_before_anything_starts(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(shell.CannotGoOn, match=f"port {port}.*FORERUN_PORT"), serve._listening(host, port):
            pass


def test_the_address_shown_can_be_opened() -> None:
    with serve._listening("0.0.0.0", 0) as everywhere:
        assert serve._url_of(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert forerun(monkeypatch, "version") == 0
    assert capsys.readouterr().out.strip() == __version__


def test_openapi_is_the_applications_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = tmp_path / "openapi.json"
    assert forerun(monkeypatch, "openapi", "--output", output) == 0
    assert json.loads(output.read_text())["info"]["version"] == __version__


@pytest.mark.parametrize("how", ["option", "environment", "own service"])
def test_the_demo_shows_its_key_to_the_service_it_is_for(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    told: list[Service] = []
    monkeypatch.setattr(story, "tell", lambda service, *_: told.append(service))
    monkeypatch.setattr(cli, "_own_service", lambda: nullcontext("http://own"))
    if how != "option":
        monkeypatch.setenv("FORERUN_KEY", "fr_x")
    arguments = {"option": ["--url", "http://a", "--key", "fr_x"], "environment": ["--url", "http://a"]}.get(how, [])
    assert forerun(monkeypatch, "demo", *arguments) == 0
    assert told == [Service("http://own") if how == "own service" else Service("http://a", "fr_x")]
    with told[0].client() as client:
        assert client.headers.get("authorization") == (None if how == "own service" else "Bearer fr_x")
    assert "fr_x" not in repr(told[0])


# ---------------------------------------------------------------- keys


def test_keys_are_made_listed_and_revoked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    monkeypatch.setenv("FORERUN_DATABASE_URL", database_url)
    limits = ["--scope", "ingest", "--scope", "read", "--project", "demo", "--expires", "30"]
    assert forerun(monkeypatch, "keys", "create", "[b]cluster7", *limits) == 0
    made = capsys.readouterr()
    assert re.fullmatch(r"fr_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n", made.out)  # fit for KEY=$(forerun keys create ...)
    key_id = made.err.split()[1]

    assert forerun(monkeypatch, "keys", "list") == 0
    listed = capsys.readouterr().out
    assert all(text in listed for text in (key_id, "[b]cluster7", made.out[:15], "ingest, read", "demo"))
    assert made.out.strip() not in listed

    assert forerun(monkeypatch, "keys", "revoke", key_id) == 0
    assert made.out[:15] in capsys.readouterr().out
    assert not keys.any_good(database_url)
    assert forerun(monkeypatch, "keys", "revoke", "00000000-0000-0000-0000-000000000001") == 1
    assert "There is no key" in capsys.readouterr().err


def test_a_backup_is_made_and_brought_back(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
    empty_database_url: str,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("FORERUN_DATABASE_URL", database_url)
    assert forerun(monkeypatch, "keys", "create", "cluster7", "--scope", "ingest") == 0
    assert forerun(monkeypatch, "backup", tmp_path / "all") == 0
    assert forerun(monkeypatch, "restore", tmp_path / "all") == 1
    assert "only restored into an empty one" in capsys.readouterr().err
    monkeypatch.setenv("FORERUN_DATABASE_URL", empty_database_url)
    assert forerun(monkeypatch, "restore", tmp_path / "all") == 0
    assert keys.listed(empty_database_url) == keys.listed(database_url) != []


def test_a_password_file_that_is_not_there_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("FORERUN_DATABASE_URL", "postgresql://forerun@localhost/forerun")
    monkeypatch.setenv("FORERUN_DATABASE_PASSWORD_FILE", str(tmp_path / "none"))
    assert forerun(monkeypatch, "migrate") == 1
    assert "FORERUN_DATABASE_PASSWORD_FILE cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["x"], 2), (["x", "--scope", "all"], 2), (["x", "--scope", "read", "--expires", "0"], 2),
     (["a\nb", "--scope", "read"], 1), (["x", "--scope", "read", "--project", ""], 1)],
)  # fmt: skip
def test_a_key_that_makes_no_sense_is_not_made(
    monkeypatch: pytest.MonkeyPatch, database_url: str, arguments: list[str], status: int
) -> None:
    monkeypatch.setenv("FORERUN_DATABASE_URL", database_url)
    assert forerun(monkeypatch, "keys", "create", *arguments) == status
    assert keys.listed(database_url) == []


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"HOST": "0.0.0.0", "AUTH": "off"}, "FORERUN_ALLOW_OPEN=true"),
        ({"HOST": "0.0.0.0"}, "forerun keys create"),
        ({"HOST": "0.0.0.0", "AUTH": "required"}, "forerun keys create"),
        ({"AUTH": "required"}, "forerun keys create"),
    ],
)
def test_the_network_gets_nothing_that_is_open(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    database_url: str,
    environment: dict[str, str],
    complaint: str,
) -> None:
    for name, value in ({"DATABASE_URL": database_url, "PORT": "0", "WORKER": "false"} | environment).items():
        monkeypatch.setenv(f"FORERUN_{name}", value)
    monkeypatch.setattr(serve, "_answer", lambda *_: pytest.fail("it started"))
    monkeypatch.setattr("app.telemetry.configure_logging", lambda _: None)
    assert forerun(monkeypatch, "serve") == 1
    assert complaint in capsys.readouterr().err
    assert forerun(monkeypatch, "run") == 1


@pytest.mark.parametrize(
    ("environment", "with_key"),
    [({"HOST": "0.0.0.0"}, True), ({"HOST": "0.0.0.0", "AUTH": "off", "ALLOW_OPEN": "true"}, False), ({}, False)],
)
def test_it_starts_once_there_is_a_key_or_none_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, database_url: str, environment: dict[str, str], with_key: bool
) -> None:
    if with_key:
        keys.create(database_url, "first", ["admin"], None, None)
    for name, value in ({"DATABASE_URL": database_url, "PORT": "0", "WORKER": "false"} | environment).items():
        monkeypatch.setenv(f"FORERUN_{name}", value)
    started = []
    monkeypatch.setattr(serve, "_answer", lambda *_: started.append(True))
    monkeypatch.setattr("app.telemetry.configure_logging", lambda _: None)
    assert forerun(monkeypatch, "serve") == 0
    assert started == [True]


@pytest.mark.parametrize(("cores", "told", "threads"), [(8, 0, 7), (2, 0, 1), (1, 0, 1), (None, 0, 1), (8, 8, 8)])
def test_a_worker_beside_an_api_leaves_it_a_core(
    monkeypatch: pytest.MonkeyPatch, cores: int | None, told: int, threads: int
) -> None:
    monkeypatch.setattr(serve.os, "cpu_count", lambda: cores)
    settings = serve.leaving_a_core(Settings(refit_threads=told))
    assert settings.as_environment()["FORERUN_REFIT_THREADS"] == str(threads)
