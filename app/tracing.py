"""Traces for OpenTelemetry, where the standard `OTEL_*` variables name a collector; otherwise every span is a no-op.

FastAPI makes the span of a request and its operations; here are the stages of a flow and the database's statements.
No span carries a body, a header or a value that was bound to a statement.
"""

from __future__ import annotations

import logging
import os
from contextlib import AbstractContextManager
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode
from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext, ExecutionContext

from app import __version__

log = logging.getLogger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE: Final = "forerun"
MOST_OF_A_STATEMENT: Final = 2_000
"""Characters of SQL that a span shows."""

_TRACER: Final = trace.get_tracer(SERVICE, __version__)  # a proxy: real as soon as there is a provider


def configure_tracing() -> bool:
    """Send this process' spans to the collector that the environment names; False where it names none."""
    wanted = any(os.environ.get(name) for name in ENDPOINTS)
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("a collector is named, but no traces are sent: install forerun with the extra `otel`")
        return False
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
    provider = TracerProvider(resource=Resource.create({"service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


def is_on() -> bool:
    """Whether spans go anywhere."""
    return hasattr(trace.get_tracer_provider(), "force_flush")  # only a real provider has it


def flush_traces() -> None:
    """Send what is collected, before a process ends that skips its exit handlers."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)  # only a real provider has it
    if flush is not None:
        flush()


def span(name: str, **attributes: str | float) -> AbstractContextManager[Span]:
    """A span around a stage, a child of the one that is current."""
    return _TRACER.start_as_current_span(name, attributes=attributes)


def trace_id() -> str | None:
    """The id of the current trace; None where nothing is recorded."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def trace_statements(engine: Engine) -> None:
    """A span for every statement that the engine executes."""

    def begin(connection: object, cursor: object, statement: str, parameters: object, context: Any, many: bool) -> None:
        if not trace.get_current_span().is_recording():
            return
        operation = statement.split(None, 1)[0].upper() if statement.strip() else "?"
        attributes = {"db.system.name": "postgresql", "db.operation.name": operation}
        attributes["db.query.text"] = statement[:MOST_OF_A_STATEMENT]
        context.forerun_span = _TRACER.start_span(
            f"{operation} postgresql", kind=SpanKind.CLIENT, attributes=attributes
        )

    def end(connection: object, cursor: object, statement: str, parameters: object, context: Any, many: bool) -> None:
        _end(context)

    def fail(error: ExceptionContext) -> None:
        _end(error.execution_context, type(error.original_exception).__name__)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)


def _end(context: ExecutionContext | None, error: str | None = None) -> None:
    begun: Span | None = context.__dict__.pop("forerun_span", None) if context is not None else None
    if begun is None:
        return
    if error is not None:
        begun.set_status(StatusCode.ERROR, error)
    begun.end()
