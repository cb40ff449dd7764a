"""Traces as a collector receives them, over OTLP/HTTP from a real service; and none where nobody asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import format_trace_id

from app import tracing
from tests.acceptance.service import service

TRACE = 0x0AF7651916CD43DD8448EB211C80319C
SPACE = {"parameters": {"x": {"type": "float", "low": 0, "high": 1}}}
ASK = {
    "project": "p",
    "dataset": "d",
    "objectives": [{"metric": "y", "direction": "maximize"}],
    "search_space": SPACE,
    "top_k": 2,
}


class Collector:
    """Keeps the spans that it is sent, by service."""

    def __init__(self) -> None:
        self.arrived = threading.Condition()
        self.spans: list[Span] = []
        self.services: set[str] = set()

    def take(self, body: bytes) -> None:
        with self.arrived:
            for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                named = {each.key: each.value.string_value for each in group.resource.attributes}
                self.services.add(named["service.name"])
                self.spans += [span for scope in group.scope_spans for span in scope.spans]
            self.arrived.notify_all()

    def of_trace(self, trace_id: int) -> list[Span]:
        return [span for span in self.spans if int.from_bytes(span.trace_id) == trace_id]

    def wait_for(self, trace_id: int, name: str) -> list[Span]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: name in {span.name for span in self.of_trace(trace_id)}, 60)
            return self.of_trace(trace_id)


@contextmanager
def collecting() -> Iterator[tuple[str, Collector]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", collector
        server.shutdown()


def test_a_recommendation_is_one_trace_from_the_caller_to_the_database() -> None:
    with collecting() as (endpoint, collector):
        named = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100", "FORERUN_WORKER": "0"}
        with service(**named) as served:
            served.start()
            headers = {
                "traceparent": f"00-{format_trace_id(TRACE)}-b7ad6b7169203331-01",
                "Authorization": "Bearer SECRET",
            }
            with served.client() as client:
                assert client.post("/v1/recommend", json=ASK, headers=headers).status_code == 200
            spans = {span.name: span for span in collector.wait_for(TRACE, "POST /v1/recommend")}
            log = served.log.read_text()
    root = spans["POST /v1/recommend"]
    assert root.parent_span_id.hex() == "b7ad6b7169203331"
    stages = {"recommend load", "recommend rank", "recommend gather", "recommend cold_start", "recommend save"}
    assert stages <= spans.keys()
    by_id = {span.span_id: span for span in spans.values()}
    assert by_id[spans["recommend gather"].parent_span_id].name == "recommend rank"
    statement = spans["INSERT postgresql"]
    assert by_id[statement.parent_span_id].name == "recommend save"
    assert collector.services == {"forerun"}
    assert f'"trace_id": "{format_trace_id(TRACE)}"' in log
    told = str(collector.spans)
    assert "SECRET" not in told
    assert '"low"' not in told  # nothing of a body, nor of what was bound to a statement


@pytest.mark.parametrize("environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}])
def test_nothing_is_traced_unless_asked_for(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert not tracing.configure_tracing()
    with tracing.span("anything", runs=1) as span:
        assert not span.is_recording()
        assert tracing.trace_id() is None
    tracing.flush_traces()


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.sdk.trace", None)
    assert not tracing.configure_tracing()
    assert "extra `otel`" in caplog.text
