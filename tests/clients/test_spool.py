"""The spool loses nothing: not to crashes, not to other processes, not to a service that is away."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from forerun_client import Busy, Spool, SpoolFull
from forerun_client.spool import default_directory
from tests.acceptance.service import ROOT

PACKAGE = ROOT / "openapi" / "python"


def line(run_id: object, padding: int = 0) -> bytes:
    return json.dumps({"run_id": str(run_id), "padding": "x" * padding}).encode() + b"\n"


class Service:
    """Takes lines, unless it is told to fail."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.fails = False
        self.refused: set[str] = set()

    def __call__(self, lines: list[bytes]) -> Iterable[tuple[int, object]]:
        if self.fails:
            raise ConnectionError
        ids = [json.loads(each)["run_id"] for each in lines]
        self.taken += [run_id for run_id in ids if run_id not in self.refused]
        return [(i, {"code": "invalid_request"}) for i, run_id in enumerate(ids) if run_id in self.refused]


@settings(deadline=None)  # it waits for the disk
@given(st.lists(st.sampled_from(["append", "append a long one", "drain", "fail", "reopen"]), max_size=40))
def test_what_was_appended_is_delivered_once_and_in_order(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        spool, service, appended = Spool(Path(directory), segment_bytes=200), Service(), list[str]()
        for i, step in enumerate(steps):
            match step:
                case "drain":
                    spool.drain(service)
                    assert spool.pending_runs() == spool.pending_bytes() == 0
                case "fail":
                    service.fails, waiting = True, spool.pending_runs()
                    if waiting:
                        with pytest.raises(ConnectionError):
                            spool.drain(service)
                    service.fails = False
                    assert spool.pending_runs() == waiting
                case "reopen":
                    spool = Spool(Path(directory), segment_bytes=200)
                case _:
                    spool.append(line(i, 300 if "long" in step else 0))
                    appended.append(str(i))
        spool.drain(service)
        assert service.taken == appended


def test_a_torn_line_was_never_acknowledged_and_takes_no_other_with_it(tmp_path: Path) -> None:
    spool, service = Spool(tmp_path), Service()
    spool.append(line("before"))
    with (tmp_path / "00000001.ndjson").open("ab") as file:
        file.write(line("torn")[:-5])
    spool.append(line("after"))
    assert spool.drain(service) == 2
    assert service.taken == ["before", "after"]


def test_what_the_service_will_never_take_is_set_aside_with_the_reason(tmp_path: Path) -> None:
    spool, service = Spool(tmp_path), Service()
    service.refused = {"bad"}
    for run_id in ("good", "bad", "also good"):
        spool.append(line(run_id))
    assert spool.drain(service) == 2
    assert service.taken == ["good", "also good"]
    (kept,) = map(json.loads, spool.rejected.read_bytes().splitlines())
    assert kept["run"]["run_id"] == "bad"
    assert kept["error"] == {"code": "invalid_request"}
    assert spool.pending_runs() == 0


def test_it_is_bounded_and_takes_more_once_it_was_drained(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=3 * len(line(1)))
    for i in range(3):
        spool.append(line(i))
    with pytest.raises(SpoolFull, match="not posted yet"):
        spool.append(line(3))
    assert spool.pending_runs() == 3
    spool.drain(Service())
    spool.append(line(3))


def test_a_crash_before_the_segment_is_gone_posts_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool, service = Spool(tmp_path), Service()
    spool.append(line("twice"))
    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            spool.drain(service)
    spool.append(line("later"))
    assert Spool(tmp_path).drain(service) == 2
    assert service.taken == ["twice", "twice", "later"]


def test_one_drains_at_a_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(line(1))
    with FileLock(tmp_path / "drain.lock"), pytest.raises(Busy):
        spool.drain(Service())
    assert spool.drain(Service()) == 1


WRITER = """
import sys
from pathlib import Path
from forerun_client import Spool
spool = Spool(Path(sys.argv[1]), segment_bytes=500)
for i in range(int(sys.argv[3])):
    spool.append(b'{"run_id": "%s-%d"}\\n' % (sys.argv[2].encode(), i))
    print(i, flush=True)
"""


def writer(directory: Path, name: str, n: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(directory), name, str(n)]
    return subprocess.Popen(command, cwd=PACKAGE, stdout=subprocess.PIPE, text=True)


def test_processes_share_it_while_it_is_drained(tmp_path: Path) -> None:
    spool, service = Spool(tmp_path, segment_bytes=500), Service()
    writers = [writer(tmp_path, name, 60) for name in "abc"]
    while any(process.poll() is None for process in writers):
        spool.drain(service)
    spool.drain(service)
    assert [process.communicate() and process.returncode for process in writers] == [0, 0, 0]
    assert sorted(service.taken) == sorted(f"{name}-{i}" for name in "abc" for i in range(60))
    for name in "abc":  # each writer's own order is kept
        mine = [int(run_id.partition("-")[2]) for run_id in service.taken if run_id.startswith(name)]
        assert mine == sorted(mine)


def test_kill_minus_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process, service = writer(tmp_path, "killed", 100_000), Service()
    assert process.stdout is not None
    acknowledged = [process.stdout.readline().strip() for _ in range(50)]
    process.kill()
    acknowledged += process.communicate()[0].split()
    Spool(tmp_path).drain(service)
    taken = [run_id.partition("-")[2] for run_id in service.taken]
    assert taken[: len(acknowledged)] == acknowledged
    assert len(taken) - len(acknowledged) <= 1  # on disk, killed before it could say so


def test_each_service_has_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FORERUN_SPOOL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = default_directory("http://a.example:8000"), default_directory("https://b.example/forerun")
    assert one == tmp_path / "forerun" / "spool" / "a.example_8000"
    assert other == tmp_path / "forerun" / "spool" / "b.example_forerun"
    monkeypatch.setenv("FORERUN_SPOOL", str(tmp_path / "mine"))
    assert default_directory("http://a.example").parent == tmp_path / "mine"
