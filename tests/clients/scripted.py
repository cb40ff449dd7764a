"""An HTTP server that says what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

PROBLEM = {"Content-Type": "application/problem+json"}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass
class Script:
    """Answers to give, one a request; afterwards runs are taken."""

    url: str
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    asked: queue.Queue[Asked] = field(default_factory=queue.Queue)

    def next(self) -> Asked:
        """Waits for a request."""
        return self.asked.get(timeout=60)

    def answer_to(self, asked: Asked) -> tuple[int, dict[str, str], Any]:
        if self.answers:
            return self.answers.pop(0)
        if asked.path == "/v1/runs/batch":
            return 200, {}, {"created": len(asked.lines()), "duplicates": 0, "rejected": 0, "results": []}
        run = json.loads(asked.body or b"{}")
        return 201, {}, {"id": str(UUID(int=1)), "run_id": run.get("run_id", ""), "status": "created"}


@contextmanager
def scripted(port: int = 0) -> Iterator[Script]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.command, self.path, dict(self.headers), body)
            status, headers, answer = script.answer_to(asked)
            content = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            script.asked.put(asked)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815  # http.server's names

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        script = Script(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
