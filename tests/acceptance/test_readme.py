"""The README is true: what it says to type works, and what it says comes out does.

Every fenced block is one of these, by its language and the HTML comment on the line above it:

- `sh`, `bash`, `python`: run as it stands, against the service that `make run` starts; it must succeed, and every
  request that curl makes in it as well. Each is a process of its own; all share a directory.
- `console`: its lines that begin with `$ ` are run likewise, and what follows each is compared with what it prints.
- `text` below `<!-- output of: make run -->`: compared with what the service has printed. Other `text` is only read.
- `json`, `yaml`: parsed.
- Anything below `<!-- not run: the reason -->`: left alone.

Outputs are compared loosely: numbers, ids and times may be others, rows of tables only count, `...` is any lines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
import yaml

from app.cli import app
from tests.acceptance.service import ROOT, Service, service

README = (ROOT / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
SECONDS = 600
"""What a busy machine may take for one block."""
FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
SHELL = f"""
set -euo pipefail
curl() {{ command curl --fail-with-body "$@"; }}
forerun() {{ {sys.executable} -m app.cli "$@"; }}
python() {{ {sys.executable} "$@"; }}
"""
RUN = {"sh", "bash", "python", "console"}
PARSED = {"json": json.loads, "yaml": yaml.safe_load}
KNOWN = RUN | PARSED.keys() | {"text"}


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    line: int
    language: str
    text: str
    note: str

    @property
    def left_alone(self) -> bool:
        return self.note.startswith("not run: ")


def blocks() -> list[Block]:
    return [
        Block(README[: found.start("text")].count("\n") + 1, found["language"], found["text"], found["note"] or "")
        for found in FENCE.finditer(README)
    ]


def named(block: Block) -> str:
    return f"line {block.line}"


@pytest.fixture(scope="module")
def served() -> Iterator[Service]:
    """What `make run` starts; `test_make_run_is_what_the_readme_is_tested_with` says so.

    It is greeted first: the demo is loaded only where there is no other project yet.
    """
    with service(COLUMNS="200") as made:
        made.start("run")
        greeting(made)
        yield made


def greeting(served: Service) -> str:
    """All that it says of its own accord."""
    deadline = time.monotonic() + SECONDS
    while "json.tool" not in (said := served.log.read_text()):
        assert time.monotonic() < deadline, said
        time.sleep(0.1)
    return said


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("readme")
    with (found / "past_runs.csv").open("w") as table:
        table.write("dataset,model,learning_rate,max_depth,n_estimators,max_features,accuracy,fit_time,status,host\n")
        for i in range(120):
            name, model = ("breast_cancer", "wine", "iris")[i % 3], ("forest", "boosting")[i % 2]
            rate, features = 10 ** (-3 * ((i * 7) % 11) / 11), ("log2", "None", "0.5")[(i // 3) % 3]
            score = 0.9 + 0.01 * ((i * 5) % 7) - 0.02 * (rate > 0.5)
            table.write(f"{name},{model},{rate:.6g},{1 + i % 8},{(10, 20, 40)[i % 3]},{features},{score:.4f},")
            table.write(f"{0.05 + 0.001 * i:.3f},success,node{i % 4}\n")
    runs = [
        {
            "project": "tabular",
            "run_id": f"past-{i}",
            "dataset": "adult",
            "state": "completed",
            "hyperparameters": {"learning_rate": 10 ** (-i / 12), "max_depth": 4 + i % 3},
            "metrics": {"accuracy": 0.8 + 0.002 * i},
        }
        for i in range(24)
    ]
    (found / "history.ndjson").write_text("\n".join(map(json.dumps, runs)))
    (found / "space.yaml").write_text("parameters:\n  learning_rate: {type: float, low: 1e-3, high: 1, log: true}\n")
    (found / "sweep.yaml").write_text(
        "method: random\nparameters:\n  lr: {distribution: log_uniform_values, min: 1e-4, max: 1}\n"
    )
    return found


def run(command: list[str], given: str, served: Service, directory: Path) -> str:
    """What a program prints. It knows where the service and its database are, as in a shell where `make run` was.

    The service is at another address than a newcomer's: the variable stands for the default of the commands.
    """
    found = {"FORERUN_DATA_DIR": str(served.data_dir), "PYTHONPATH": f"{ROOT}:{ROOT / 'openapi' / 'python'}"}
    found |= {"FORERUN_URL": served.url, "COLUMNS": "200", "XDG_STATE_HOME": str(directory), "HOME": str(directory)}
    done = subprocess.run(
        command, input=given.replace(ADDRESS, served.url), env=os.environ | found, cwd=directory,
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("block", [b for b in blocks() if b.language in RUN and not b.left_alone], ids=named)
def test_it_runs(block: Block, served: Service, directory: Path) -> None:
    if block.language == "python":
        run([sys.executable, "-"], block.text, served, directory)
    elif block.language == "console":
        for command, expected in sessions(block.text):
            assert_alike(expected, run(["bash"], SHELL + command, served, directory))
    else:
        run(["bash"], SHELL + block.text, served, directory)


@pytest.mark.parametrize("block", [b for b in blocks() if b.note == "output of: make run"], ids=named)
def test_it_is_what_comes_out(block: Block, served: Service) -> None:
    assert_alike(block.text, greeting(served).replace(served.url, ADDRESS))


@pytest.mark.parametrize("block", blocks(), ids=named)
def test_every_block_is_of_a_kind_that_is_tested(block: Block) -> None:
    assert block.language in KNOWN or block.left_alone, "give the block a language, or say above it why it is not run"
    assert block.note in ("", "output of: make run") or len(block.note) > len("not run: because"), block.note
    if block.language in PARSED:
        PARSED[block.language](block.text)


def test_make_run_is_what_the_readme_is_tested_with() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^run:.*\n\t@\$\(BIN\)/forerun run$", makefile, re.MULTILINE)
    assert "output of: make run" in [block.note for block in blocks()]


def test_every_command_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    commands = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # it is a group
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets
    assert set(re.findall(r"`forerun ([a-z-]+)", README)) <= commands


# ---------------------------------------------------------------- what may differ


def sessions(text: str) -> list[tuple[str, str]]:
    """Commands of a console block, each with what it printed; a command goes on after a backslash."""
    command = re.compile(r"((?:[^\n]*\\\n)*[^\n]*\n?)(.*)", re.DOTALL)
    found = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(match[1], match[2]) for each in found if (match := command.match(each))]


def assert_alike(expected: str, actual: str) -> None:
    """Whether the lines expected come in this order, and without others between them but where `...` stands."""
    have, at, skipping = [loose(line) for line in actual.splitlines()], 0, True
    for line in expected.splitlines():
        if not (wanted := loose(line)):
            continue
        if wanted == "...":
            skipping = True
            continue
        while skipping and at < len(have) and have[at] != wanted:
            at += 1
        while not skipping and at < len(have) and not have[at]:
            at += 1
        assert at < len(have), f"nowhere: {line!r} in\n{actual}"
        assert have[at] == wanted, f"{line!r} is not {actual.splitlines()[at]!r}"
        at, skipping = at + 1, False


def loose(line: str) -> str:
    """A line without what differs from one machine and day to the next."""
    if re.match(r"\s*\d+  +\S", line):
        return "<row>"
    line = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>", line)
    line = re.sub(r"\d[\d.,:TZ+-]*", "#", line)
    return " ".join(re.sub("─+", "─", line).split())


@pytest.mark.parametrize(
    ("expected", "actual", "alike"),
    [
        ("took 3.2 s", "log\ntook 17 s\nmore", True),
        ("took 3.2 s", "took long", False),
        ("a\n...\nd", "a\nb\nc\nd", True),
        ("a\nd", "a\nb\nd", False),
        (" 1   svm (C 3)   0.9", " 2   forest   0.8", True),
        ("id 0199f1c2-7d34-7a10-9b6e-2f8d54c1a003", "id 0199f1c2-0000-7a10-9b6e-2f8d54c1a003", True),
    ],
)
def test_outputs_are_compared_loosely(expected: str, actual: str, alike: bool) -> None:
    if alike:
        assert_alike(expected, actual)
    else:
        with pytest.raises(AssertionError):
            assert_alike(expected, actual)


def test_a_command_goes_on_after_a_backslash() -> None:
    assert sessions("$ a \\\n  b\nout\n$ c\n") == [("a \\\n  b\n", "out\n"), ("c\n", "")]
