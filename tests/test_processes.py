from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app import processes
from app.processes import Undisturbed, companion, interruptible

SAYS_ITS_PID = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SAYS_ITS_PID
ENDS_WITH_PARENT = "from app.processes import end_with_parent; end_with_parent(5); " + SAYS_ITS_PID
PARENT = """
import sys, time
from app.processes import companion
with companion([sys.executable, "-c", sys.argv[1], sys.argv[2]], {}, 5):
    time.sleep(60)
"""


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """Where the processes of a test write their pids; whatever still lives afterwards is killed."""
    file = tmp_path / "pids"
    file.touch()
    yield file
    for pid in written(file):
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


def written(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().splitlines()]


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_companion_lives_as_long_as_the_block(pids: Path) -> None:
    with companion([sys.executable, "-c", SAYS_ITS_PID, str(pids)], {}, 10):
        assert eventually(lambda: len(written(pids)) == 1)
        assert not gone(written(pids)[0])
    assert gone(written(pids)[0])


def test_a_companion_that_dies_is_started_again(pids: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "RESTART_SECONDS", 0.0)
    with companion([sys.executable, "-c", SAYS_ITS_PID, str(pids)], {}, 10):
        assert eventually(lambda: len(written(pids)) == 1)
        os.kill(written(pids)[0], signal.SIGKILL)
        assert eventually(lambda: len(written(pids)) == 2)
    assert all(gone(pid) for pid in written(pids))


def test_a_companion_that_does_not_listen_is_killed(pids: Path) -> None:
    with companion([sys.executable, "-c", DEAF, str(pids)], {}, 0.2):
        assert eventually(lambda: len(written(pids)) == 1)
    assert gone(written(pids)[0])


def test_a_companion_has_the_environment_it_is_given(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = f"import os, time; open({str(said)!r}, 'w').write(os.environ['FORERUN_X']); time.sleep(60)"
    with companion([sys.executable, "-c", program], {"FORERUN_X": "1"}, 10):
        assert eventually(lambda: said.exists() and said.read_text() == "1")


def test_a_companion_ends_when_its_parent_is_killed(pids: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, ENDS_WITH_PARENT, str(pids)])
    assert eventually(lambda: len(written(pids)) == 1)
    parent.kill()
    parent.wait()
    assert eventually(lambda: gone(written(pids)[0]))


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_once(name: signal.Signals) -> None:
    cleaned_up: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_by(name, cleaned_up)
    assert cleaned_up == [True]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def interrupted_by(name: signal.Signals, cleaned_up: list[bool]) -> None:
    with interruptible(), Undisturbed() as stack:
        stack.callback(cleaned_up.append, True)
        stack.callback(os.kill, os.getpid(), signal.SIGTERM)  # an impatient second one
        os.kill(os.getpid(), name)
        time.sleep(10)
