"""Single runs, answered by the connections that they come over: without a task, a scope and messages for each.

Those, uvicorn's and the layers', were half of what a run cost. Ordinary is a small run that comes in one go, from
somebody who is known. All else goes the way of every request, with what was received so far, and so does a run in
doubt: what is taken here is documented by the route in `api/runs.py`, and answered as by that.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app import telemetry
from app.api import problems
from app.api.layers import Layered
from app.api.receipts import receipt, status_of
from app.connections import Impatient, lines
from app.errors import ForerunError
from app.flows.access import Caller
from app.flows.intake import Intake
from app.store.upsert import Outcome

PATH: Final = "/v1/runs"
MAX_BYTES: Final = 64 * 1024
"""Of a body: what uvicorn reads ahead of any application."""
PIECES_SECONDS: Final = 0.1
"""What the rest of a body gets: most clients send head and body one after the other."""


class Direct(Impatient):
    """The connection; its application is a `Layered`."""

    receiving: Exchange | None = None
    """A run whose body is not all here."""
    late: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.receiving is not None and self.late is None:
            self.late = self.loop.call_later(PIECES_SECONDS, self._receive_as_usual)

    def on_headers_complete(self) -> None:
        self.end_head()
        self.receiving = self._exchange()
        if self.receiving is None:
            HttpToolsProtocol.on_headers_complete(self)

    def on_body(self, body: bytes) -> None:
        if self.receiving is None:
            super().on_body(body)
        else:
            self.receiving.body.append(body)

    def on_message_complete(self) -> None:
        if (exchange := self._received()) is None:
            super().on_message_complete()
            return
        self.cycle = exchange  # type: ignore[assignment]  # it has all of a cycle that is used from here
        telemetry.in_progress.n += 1
        intake: Intake = self._service.state.intake
        try:
            intake.take(b"".join(exchange.body), exchange.caller.reaches, exchange, exchange.request_id)
        except ForerunError as error:
            exchange.set_exception(error)

    def shutdown(self) -> None:
        self._receive_as_usual()
        super().shutdown()

    def connection_lost(self, exc: Exception | None) -> None:
        self._receive_as_usual()
        super().connection_lost(exc)

    @property
    def _service(self) -> Layered:
        assert isinstance(self.config.app, Layered)
        return self.config.app

    def _exchange(self) -> Exchange | None:
        """What comes, if it is an ordinary run, judging by its head."""
        if self.url != PATH.encode() or self.parser.get_method() != b"POST":
            return None
        headers = dict(self.headers)
        n_bytes = headers.get(b"content-length", b"")
        is_ordinary = (
            len(headers) == len(self.headers)
            and headers.keys().isdisjoint(_UNUSUAL)
            and headers.get(b"content-type") == b"application/json"
            and n_bytes.isdigit()
            and int(n_bytes) <= MAX_BYTES
            and self.parser.get_http_version() == "1.1"
            and not self.flow.write_paused
            and (self.cycle is None or self.cycle.response_complete)
        )
        caller = self._service.caller_at_once("POST", PATH, headers) if is_ordinary else None
        if caller is None:
            return None
        return Exchange(self, caller, telemetry.id_for(headers.get(b"x-request-id", b"")), int(n_bytes))

    def _received(self) -> Exchange | None:
        """The run that was being received; nothing is from now on."""
        exchange, self.receiving = self.receiving, None
        if self.late is not None:
            self.late.cancel()
            self.late = None
        return exchange

    def _receive_as_usual(self) -> None:
        if (exchange := self._received()) is not None:
            self.pass_on(exchange, more_body=True)

    def pass_on(self, exchange: Exchange, *, more_body: bool) -> None:
        """Have the application answer, as if nothing had been tried."""
        exchange.response_complete = True
        named = [(b"x-request-id", exchange.request_id.encode()), *exchange.scope["headers"]]
        seen = {"method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "headers": named}
        cycle = RequestResponseCycle(
            scope=exchange.scope | seen,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=exchange.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.body, cycle.more_body = bytearray().join(exchange.body), more_body
        cycle.disconnected = exchange.disconnected
        cycle.message_event.set()
        if not self.pipeline:  # else the next request is the connection's already
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def answer(self, exchange: Exchange, status: int, headers: bytes, body: bytes) -> None:
        """Send an answer, the last one if that was asked for."""
        if not exchange.disconnected:
            self.send(
                b"%b%b%bx-request-id: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
                    STATUS_LINE[status], lines(self.server_state.default_headers), headers,
                    exchange.request_id.encode(), len(body), _CONNECTION[exchange.keep_alive], body,
                )
            )  # fmt: skip
            if not exchange.keep_alive:
                self.transport.close()
        self.on_response_complete()


class Exchange:
    """A run that was posted: what the intake tells the outcome, and what uvicorn takes for the connection's cycle."""

    message_event: Final = asyncio.Event()
    """Nobody waits for it."""

    def __init__(self, connection: Direct, caller: Caller, request_id: str, n_bytes: int) -> None:
        self._connection, self._n_bytes, self._started = connection, n_bytes, time.perf_counter()
        self.caller, self.request_id = caller, request_id
        self.scope: Any = connection.scope
        self.keep_alive: bool = connection.parser.should_keep_alive()
        self.body: list[bytes] = []
        self.disconnected = self.response_complete = False

    def done(self) -> bool:
        """Whether it is answered."""
        return self.response_complete

    def set_result(self, outcome: Outcome | None) -> None:
        """Answer what became of the run; have that done, where nothing did."""
        if outcome is None:
            telemetry.in_progress.n -= 1
            self._connection.pass_on(self, more_body=False)
        elif outcome.error is not None:
            self.set_exception(outcome.error)
        else:
            token = telemetry.request_id.set(self.request_id)
            self._answer(status_of(outcome), _HEADERS, orjson.dumps(receipt(outcome)))
            telemetry.request_id.reset(token)

    def set_exception(self, error: Exception) -> None:
        """Answer why the run was not stored."""
        token = telemetry.request_id.set(self.request_id)
        answer = problems.answer_to(error) if isinstance(error, ForerunError) else problems.unexpected(error)
        named = [(name, value) for name, value in answer.raw_headers if name != b"content-length"]
        self._answer(answer.status_code, lines([*telemetry.RAW_SECURITY_HEADERS, *named]), bytes(answer.body))
        telemetry.request_id.reset(token)

    def _answer(self, status: int, headers: bytes, body: bytes) -> None:
        self.response_complete = True
        telemetry.in_progress.n -= 1
        self._connection.answer(self, status, headers, body)
        telemetry.record("POST", PATH, status, self._n_bytes, time.perf_counter() - self._started)


_UNUSUAL: Final = frozenset([b"content-encoding", b"transfer-encoding", b"expect", b"upgrade"])
_CONNECTION: Final = {True: b"", False: b"connection: close\r\n"}
_HEADERS: Final = lines([*telemetry.RAW_SECURITY_HEADERS, (b"content-type", b"application/json")])
