from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from app import __version__, cli
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
    assert cli._settings(port=None).port == 8001
    assert cli._settings(port=8002).port == 8002


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_is_taken_before_anything_starts(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        taken = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"this machine has no {host}")
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(cli.CannotGoOn, match=f"port {port}.*FORERUN_PORT"), cli._listening(host, port):
            pass


def test_the_address_shown_can_be_opened() -> None:
    with cli._listening("0.0.0.0", 0) as everywhere:
        assert cli._url_of(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert forerun(monkeypatch, "version") == 0
    assert capsys.readouterr().out.strip() == __version__


def test_openapi_is_the_applications_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    output = tmp_path / "openapi.json"
    assert forerun(monkeypatch, "openapi", "--output", output) == 0
    assert json.loads(output.read_text())["info"]["version"] == __version__
