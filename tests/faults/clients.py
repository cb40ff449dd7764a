"""Training jobs that post until they are acknowledged, cut their own connections, and post again what was taken."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from tests.faults.ledger import Body, Ledger, made_up

CUT, GIVE_UP, AGAIN = 0.04, 0.02, 0.10
"""Shares of requests that are cut in the middle, of failures after which a run is dropped, of answers asked again."""
TIMEOUT_SECONDS = 30.0
FORMS = ("single", "batch", "stream")


@dataclass(frozen=True)
class Load:
    """What a client sends: how often each form, runs to a batch, and how long it rests between two requests."""

    shares: tuple[float, float, float]
    batch: int
    rest_seconds: float


class Client(threading.Thread):
    """One training job after another."""

    def __init__(self, number: int, seed: int, port: int, load: Load, ledger: Ledger, stop: threading.Event) -> None:
        super().__init__(name=f"client-{number}", daemon=True)
        self.number, self.seed, self.port, self.load, self.ledger, self.stop = number, seed, port, load, ledger, stop
        self.rng = np.random.default_rng((seed, number))
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def run(self) -> None:
        numbers = count()
        while not self.stop.wait(self.load.rest_seconds):
            form = str(self.rng.choice(FORMS, p=self.load.shares))
            size = 1 if form == "single" else int(self.rng.integers(2, 2 * self.load.batch))
            runs = [made_up(self.seed, self.number, next(numbers)) for _ in range(size)]
            taken = self._post_until_taken(form, runs)
            if taken and self.rng.random() < AGAIN:
                self._post(form, runs, again=True)
        self.connection.close()

    def _post_until_taken(self, form: str, runs: Sequence[Body]) -> bool:
        while not self.stop.is_set():
            if self.rng.random() < CUT:
                self._cut(form, runs)
            elif self._post(form, runs):
                return True
            if self.rng.random() < GIVE_UP:
                return False
            self.stop.wait(0.05)
        return False

    def _post(self, form: str, runs: Sequence[Body], again: bool = False) -> bool:
        """Whether all were acknowledged."""
        self.ledger.sent(runs)
        path, headers, body = request(form, runs)
        sent = time.monotonic()
        try:
            self.connection.request("POST", path, body, headers)
            response = self.connection.getresponse()
            status, content = response.status, response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return False
        if status in (429, 503):
            self.ledger.n_refused += 1
            return False
        if status not in (200, 201):
            self.ledger.surprise(f"{form}: {status} {content[:300]!r}")
            return False
        self._note(form, runs, json.loads(content), sent, again)
        return True

    def _note(self, form: str, runs: Sequence[Body], answer: Body, sent: float, again: bool) -> None:
        answered = time.monotonic()
        results = [answer] if form == "single" else answer["results"]
        if form == "stream":  # tells only what it did not take
            if answer["created"] + answer["duplicates"] != len(runs) or (again and answer["created"]):
                self.ledger.surprise(f"{form}{' again' * again}: {answer}")
                return
            ids: list[str | None] = [None] * len(runs)
        else:
            fine = {"duplicate"} if again else {"created", "duplicate"}
            bad = [result for result in results if result["status"] not in fine]
            if bad or len(results) != len(runs):
                self.ledger.surprise(f"{form}{' again' * again}: {bad[:3]}")
                return
            ids = [result["id"] for result in results]
        self.ledger.acknowledged(runs, ids, sent, answered)

    def _cut(self, form: str, runs: Sequence[Body]) -> None:
        """Hang up: in the middle of the body, before the answer, or after its first byte."""
        self.ledger.sent(runs)
        self.ledger.n_cut += 1
        path, headers, body = request(form, runs)
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        message = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        where = self.rng.integers(3)
        try:
            with socket.create_connection(("127.0.0.1", self.port), TIMEOUT_SECONDS) as line:
                line.sendall(message[: -len(body) // 2] if where == 0 else message)
                if where == 2:
                    line.recv(1)
        except OSError:
            pass


def request(form: str, runs: Sequence[Body]) -> tuple[str, dict[str, str], bytes]:
    """Path, headers and body of a post."""
    if form == "single":
        return "/v1/runs", {"Content-Type": "application/json"}, json.dumps(runs[0]).encode()
    if form == "batch":
        return "/v1/runs/batch", {"Content-Type": "application/json"}, json.dumps({"runs": list(runs)}).encode()
    lines = "".join(json.dumps(run) + "\n" for run in runs)
    return "/v1/runs/batch", {"Content-Type": "application/x-ndjson"}, lines.encode()
