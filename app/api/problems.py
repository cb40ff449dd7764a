"""Errors become `application/problem+json` (RFC 9457) here, once, whatever raised them.

A problem says what was wrong and where, and nothing else: no echo of the input (a bad 5 MB string would come back as
5 MB, a NaN could not be encoded at all), no traceback, at most 20 faults, every name in it cut at 80 characters, and
ASCII only, so that a lone surrogate in a key cannot break the answer that complains about it.
"""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import telemetry
from app.errors import (
    Conflict,
    Fault,
    Forbidden,
    ForerunError,
    InvalidRequest,
    MalformedJson,
    NotFound,
    PayloadTooLarge,
    RequestTimeout,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    pointer,
)
from app.types import NAME_PATTERN

log = logging.getLogger("forerun.problems")

MEDIA_TYPE = "application/problem+json"
MAX_FAULTS = 20
MAX_NAME = 80
"""Characters of any one name that a client sent, wherever a problem repeats it."""
MAX_TEXT = 400
"""Characters of a message: our own words around such names."""


class ProblemFault(BaseModel):
    """One thing wrong with a request."""

    pointer: str = Field(
        description="Where: a JSON Pointer (RFC 6901) into the body; or `/query/<name>`, `/path/<name>`.",
        examples=["/metrics/accuracy"],
    )
    message: str = Field(description="What.", examples=["input should be a valid number"])


class Problem(BaseModel):
    """Why a request was not carried out (RFC 9457)."""

    type: str = Field(description="A stable URN for the kind of problem.", examples=["urn:forerun:problem:not_found"])
    title: str = Field(description="The kind of problem, for people.", examples=["There is no such thing"])
    status: int = Field(ge=400, le=599, description="The HTTP status.", examples=[404])
    detail: str = Field(description="What happened this time, for people.", examples=["no project 'tabluar'"])
    code: str = Field(
        pattern="^[a-z][a-z0-9_]*$",
        description="The kind of problem, for programs; stable within /v1.",
        examples=["not_found"],
    )
    errors: list[ProblemFault] = Field(
        max_length=MAX_FAULTS, description="The faults, where single fields are at fault."
    )
    request_id: str = Field(description="Names this request in the server's log.", examples=["3f0e7b5c2a914d0f"])


# ---------------------------------------------------------------- making a problem


def problem(error: ForerunError, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to a request that failed with this error."""
    return _answer(error.status, error.code, error.title, error.detail, error.faults, _with_retry(error, headers))


def refusal(status: HTTPStatus, detail: str) -> Response:
    """The answer to what did not even become a request, and the last one on its connection."""
    headers = {**telemetry.SECURITY_HEADERS, "Connection": "close"}
    return _answer(status, status.name.lower(), status.phrase, detail, (), headers)


def _with_retry(error: ForerunError, headers: Mapping[str, str] | None) -> dict[str, str]:
    retry = {} if error.retry_after_seconds is None else {"Retry-After": str(error.retry_after_seconds)}
    return {**(headers or {}), **retry}


def _answer(
    status: int, code: str, title: str, detail: str, faults: Sequence[Fault], headers: Mapping[str, str]
) -> Response:
    document = _document(status, code, title, detail, faults, telemetry.request_id.get() or "")
    return Response(json.dumps(document), status, {"Cache-Control": "no-store", **headers}, MEDIA_TYPE)


def _document(
    status: int, code: str, title: str, detail: str, faults: Sequence[Fault], request_id: str
) -> dict[str, Any]:
    return {
        "type": f"urn:forerun:problem:{code}",
        "title": title,
        "status": status,
        "detail": clean(detail),
        "code": code,
        "errors": [told(fault) for fault in faults[:MAX_FAULTS]],
        "request_id": request_id,
    }


def told(fault: Fault, root: str = "") -> dict[str, str]:
    """A fault as it is sent; `root` is the pointer of what its own pointer begins at."""
    return {"pointer": clean(root + fault.pointer), "message": clean(fault.message)}


def clean(text: str) -> str:
    """Cut to `MAX_TEXT` characters; lone surrogates, which no JSON decoder need accept, become visible escapes."""
    cut = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")


# ---------------------------------------------------------------- pydantic's errors as faults


def faults_of(errors: Sequence[Mapping[str, Any]], body: Any = None, model: Any = None) -> list[Fault]:
    """What pydantic found wrong, as faults with pointers into the body it was given.

    `model` (the type that was validated) lets a mistyped field name be answered with the nearest right one.
    """
    return [_fault(error, body, model) for error in errors[:MAX_FAULTS]]


def _fault(error: Mapping[str, Any], body: Any, model: Any) -> Fault:
    path = _path_in(body, error["loc"], missing=error["type"] == "missing")
    message = _message(error)
    if error["type"] == "extra_forbidden" and model is not None:
        message += _did_you_mean(str(path[-1]), _fields_beside(model, path))
    return Fault(pointer(*(_short(part) for part in path)), message)


def _path_in(body: Any, loc: Sequence[str | int], missing: bool) -> list[str | int]:
    """`loc` without the parts that name no place in the body: union members, validators, pydantic's `[key]`."""
    path: list[str | int] = []
    for part in loc:
        if (inner := _inside(body, part)) is not _ABSENT:
            body = inner
        elif not (missing and part is loc[-1]):
            continue
        path.append(part)
    return path


_ABSENT = object()


def _inside(body: Any, part: str | int) -> Any:
    if isinstance(body, dict):
        return body.get(part, _ABSENT)
    if isinstance(body, list) and isinstance(part, int) and 0 <= part < len(body):
        return body[part]
    return _ABSENT


def _short(part: str | int) -> str | int:
    return part if isinstance(part, int) or len(part) <= MAX_NAME else part[: MAX_NAME - 3] + "..."


def _message(error: Mapping[str, Any]) -> str:
    match error["type"]:
        case "value_error" | "assertion_error":
            return str(error["msg"]).partition(", ")[2]
        case "missing":
            return "this field is required"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "should be an object"
        case "list_type":
            return "should be an array"
        case "extra_forbidden":
            return "there is no such field"
        case "string_unicode":
            return "a string with a lone surrogate is not valid Unicode"
        case "string_pattern_mismatch" if NAME_PATTERN in error["msg"]:
            return "a name must not contain control characters"
    text = str(error["msg"]).removeprefix("Input ").removesuffix(".")
    return text[:1].lower() + text[1:]


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(name[:MAX_NAME], known, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def _fields_beside(model: Any, path: Sequence[str | int]) -> list[str]:
    """The field names that the model knows where `path` ends, read from its JSON schema."""
    root = _schema_of(model)
    places = [root]
    for part in path[:-1]:
        places = [inner for place in places for inner in _step(_members(place, root), part)]
    return [name for place in places for member in _members(place, root) for name in member.get("properties", {})]


@cache
def _schema_of(model: Any) -> dict[str, Any]:
    return TypeAdapter(model).json_schema()


def _members(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema itself, or what its reference or union stands for."""
    if "$ref" in schema:
        return _members(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return [member for option in schema["anyOf"] for member in _members(option, root)]
    return [schema]


def _step(members: Sequence[dict[str, Any]], part: str | int) -> list[dict[str, Any]]:
    """The schemas one step further down: of a list's items, or of the field named `part`."""
    if isinstance(part, int):
        return [member["items"] for member in members if "items" in member]
    return [member["properties"][part] for member in members if part in member.get("properties", {})]


# ---------------------------------------------------------------- what FastAPI and Starlette raise


def install(app: FastAPI) -> None:
    """Answer every error of this application with a problem."""
    app.add_exception_handler(ForerunError, _forerun_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_exception)
    app.add_middleware(Unexpected)


async def _forerun_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ForerunError)
    return answer_to(error)


def answer_to(error: ForerunError) -> Response:
    """The answer to a request that failed with this error, and a line in the log where it is ours."""
    if isinstance(error, Unavailable):  # told once for each request of an outage: its traceback is always the same
        log.error("%s: %s (%s)", error.code, error.detail, type(error.__cause__ or error).__name__)
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s: %s", error.code, error.detail, exc_info=error)
    if isinstance(error, RequestTimeout):  # the rest of the body must not be taken for the next request
        return problem(error, {"Connection": "close"})
    return problem(error)


def unexpected(error: Exception) -> Response:
    """The answer to a request that failed in a way that nobody foresaw; the log tells all of it."""
    telemetry.UNEXPECTED_ERRORS.inc()
    log.error("unexpected error", exc_info=error)
    return problem(ForerunError("something unexpected happened; the log tells more"))


async def _invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [_request_fault(found, error.body, request) for found in error.errors()[:MAX_FAULTS]]
    return problem(InvalidRequest(_summary(faults), faults))


def _request_fault(error: Mapping[str, Any], body: Any, request: Request) -> Fault:
    """FastAPI puts `body`, `query`, `path` or `header` before pydantic's own location."""
    source, *loc = error["loc"]
    if source != "body":
        return Fault(pointer(source, *loc), _message(error))
    field = getattr(request.scope.get("route"), "body_field", None)
    return _fault({**error, "loc": loc}, body, field and field.field_info.annotation)


def _summary(faults: Sequence[Fault]) -> str:
    if not faults:
        return "the request is not valid"
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0].pointer or 'the body'}: {faults[0].message}{more}"


async def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    detail = str(error.detail)
    if status is HTTPStatus.NOT_FOUND:
        detail = "no resource has this path"
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_of_path(request))
        detail = f"this path takes {headers['Allow']}"
    return _answer(status, status.name.lower(), status.phrase, detail, (), headers)


def _methods_of_path(request: Request) -> list[str]:
    """Every method that some route takes on this path; Starlette's own answer names the first route's only."""
    routes = [route for route in iter_route_contexts(request.app.routes) if route.methods]
    return sorted(
        {method for route in routes if route.path_regex.match(request.scope["path"]) for method in route.methods or ()}
    )


class Unexpected:
    """Innermost ASGI layer: an error nobody foresaw is logged in full and answered with a bare 500.

    Starlette's own answer would re-raise to the server, which then closes the connection under the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnect:
            log.info("the client left before its request was read")
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            await unexpected(error)(scope, receive, send)


# ---------------------------------------------------------------- for the OpenAPI document

_MEANINGS: dict[int, tuple[type[ForerunError], str]] = {
    400: (MalformedJson, "The body is not JSON as this service reads it: malformed, NaN, one name twice."),
    401: (Unauthorized, "No key was sent, or one that is not valid (any more)."),
    403: (Forbidden, "The key is not one for this; or the request comes from a page of another site."),
    404: (NotFound, "There is no such thing."),
    408: (RequestTimeout, "The body came too slowly; the connection is closed."),
    409: (Conflict, "The request conflicts with what is stored."),
    413: (PayloadTooLarge, "The body is larger than allowed."),
    415: (UnsupportedMediaType, "The body has a media type that is not taken here."),
    422: (InvalidRequest, "The request is well-formed but not valid; `errors` points at each fault."),
    429: (
        TooManyRequests,
        "Too many requests are under way, or this key made too many; `Retry-After` says when to come back.",
    ),
    503: (Unavailable, "The service cannot answer right now; `Retry-After` says when to come back."),
}
_RETRY_AFTER = {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "format": "int64"}}


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Documents, on a route, the problems that it answers with."""
    return {status: _documented(status) for status in statuses}


def _documented(status: int) -> dict[str, Any]:
    error, meaning = _MEANINGS[status]
    faults = [Fault("/metrics/accuracy", "should be a valid number")] if error is InvalidRequest else []
    example = _document(status, error.code, error.title, meaning.partition(";")[0], faults, "3f0e7b5c2a914d0f")
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    headers = {"headers": {"Retry-After": _RETRY_AFTER}} if status in (429, 503) else {}
    return {"description": meaning, "content": {MEDIA_TYPE: content}, **headers}
