"""What may stand in the repository, and what must be said in it."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest

from app.config import Settings, variable

ROOT = Path(__file__).parents[1]
TOP_LEVEL = {
    "pyproject.toml", "app", "migrations", "tests", "docker", "docker-compose.yml", "openapi", "README.md", "Makefile",
    "LICENSE",
}  # fmt: skip

# Character classes keep these patterns from finding themselves.
REGISTRY = re.compile(r"\b[a-z0-9.-]*(p[y]pi\.(org|io)|python[h]osted|npm[j]s\.|crat[e]s\.io|gh[c]r\.io|qu[a]y\.io)")
MACHINE_PATH = re.compile(r"(?<![\w.}])/(w[o]rk|f[a]rm|ro[o]t|h[o]me|Us[e]rs|tmp/bash[_]jobs|opt/p[y]pi)/\w")
VENDORED = "app/web/static/vendor/"


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())


def texts() -> list[tuple[str, str]]:
    pairs = [(path.relative_to(ROOT).as_posix(), path.read_bytes()) for path in tracked()]
    return [(name, content.decode()) for name, content in pairs if b"\0" not in content and VENDORED not in name]


def test_the_top_level_holds_what_it_should() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("pattern", [REGISTRY, MACHINE_PATH], ids=["registry host", "path of a machine"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = [f"{name}: {match.group()}" for name, text in texts() if (match := pattern.search(text))]
    assert not found


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY, "see https://files.python" + "hosted.org/x"),
        (REGISTRY, "--index-url https://py" + "pi.org/simple"),
        (MACHINE_PATH, "open('/ro" + "ot/x')"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_locks_name_no_place_and_hash_everything() -> None:
    locks = sorted((ROOT / ".locks").glob("*.txt"))
    assert [lock.stem for lock in locks] == ["demo", "dev", "run", "uv"]
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text
        assert "--find-links" not in text
        entries = re.split(r"\n(?=\S)", text.strip())
        assert all("--hash=sha256:" in entry for entry in entries)


def test_what_is_tested_is_what_runs() -> None:
    run, dev = pins("run"), pins("dev")
    assert run
    assert run.items() <= dev.items()


def test_locks_know_every_requirement() -> None:
    """After a change of pyproject.toml: `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = {"run": [], "demo": extras["demo"], "dev": extras["demo"] + extras["dev"]}
    for lock, more in wanted.items():
        locked = {name.partition(" ")[0] for name in pins(lock)}
        names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in project["dependencies"] + more}
        assert {name.lower().replace("_", "-") for name in names} <= locked


def pins(lock: str) -> dict[str, str]:
    """Requirement, with its marker, to version."""
    lines = (ROOT / ".locks" / f"{lock}.txt").read_text().splitlines()
    found = (re.match(r"([a-z0-9_.-]+)(?:\[[^\]]*\])?==([^ ;]+)( ;[^\\]*)?", line) for line in lines)
    return {match[1] + (match[3] or ""): match[2] for match in found if match}


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_is_documented(field: str) -> None:
    readme = (ROOT / "README.md").read_text()
    row = re.search(rf"^\| `{variable(field)}` \|(.*)$", readme, re.MULTILINE)
    assert row, (
        f"{variable(field)} is not in README.md; `python -c 'from app.config import *; print(settings_table())'`"
    )
    assert (Settings.model_fields[field].description or "no description") in row[1]


def test_nothing_is_unpickled_or_evaluated() -> None:
    """A model or an expression that came over the wire must never become code."""
    refused_modules = {"pickle", "cloudpickle", "joblib", "dill", "marshal", "shelve"}
    refused_calls = {"eval", "exec", "compile", "__import__"}
    for name, text in texts():
        if not (name.startswith("app/") and name.endswith(".py")):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in refused_calls, f"{name}:{node.lineno}"
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                assert not {module.partition(".")[0] for module in modules} & refused_modules, f"{name}:{node.lineno}"
