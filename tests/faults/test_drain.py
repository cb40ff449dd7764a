"""SIGTERM under load: what is under way is finished and answered, what is new is refused, and the end comes in time."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable

from app.commands.serve import STOP_SECONDS
from app.store.embedded import embedded_postgres
from tests.acceptance.service import service
from tests.faults.checker import check, stored
from tests.faults.clients import Client, Load, request
from tests.faults.ledger import Ledger, made_up

SEED = 3


def test_a_stopping_service_finishes_what_it_began() -> None:
    ledger, stop = Ledger(), threading.Event()
    with service(FORERUN_WORKER="false") as made, embedded_postgres(made.data_dir) as url:
        made.start()
        load = Load(shares=(0.7, 0.15, 0.15), batch=20, rest_seconds=0.01)
        clients = [Client(n, SEED, made.port, load, ledger, stop) for n in range(4)]
        for client in clients:
            client.start()
        runs = [made_up(SEED, 9, number) for number in range(500)]
        with socket.create_connection(("127.0.0.1", made.port), 30) as line:
            path, headers, body = request("stream", runs)
            head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head += f"Host: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
            line.sendall(f"POST {path} HTTP/1.1\r\n{head}".encode())
            line.sendall(body[: len(body) // 2])
            until(lambda: ledger.n_acknowledged() > 200)
            assert made.process is not None
            made.process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            until(lambda: refused(made.port))
            ledger.sent(runs)
            line.sendall(body[len(body) // 2 :])
            answer = line.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            ledger.acknowledged(runs, [None] * len(runs), 0.0, 0.0)
        assert made.process.wait(120) == 0
        assert time.monotonic() - started < 2 * STOP_SECONDS  # a busy machine takes time to end a process, too
        stop.set()
        for client in clients:
            client.join(120)
        findings = check(ledger, stored(url))
    assert not findings, findings
    assert ledger.surprises == []


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return True
    return False
