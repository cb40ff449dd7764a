"""The OpenAPI document: FastAPI's own, finished so that generated clients are typed and every answer is declared.

`make openapi` commits it to openapi/openapi.json. What is finished here was each found by generating a
client and running it (Go, Java, TypeScript, Python): a map keyed by a pattern became an untyped object, a number
without a format a 32-bit float.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from functools import cache, partial
from typing import Any, TypeAlias

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic.json_schema import models_json_schema

from app.api.access import Rule, rule_of
from app.api.problems import Problem, responses
from app.api.run_schemas import RunBatch
from app.api.search_space_schema import SearchSpace

Schema: TypeAlias = dict[str, Any]

DESCRIPTION = """\
Know how a run will end before you run it. Post what was trained (configuration, dataset, metrics, cost); ask, for a
dataset and a search space, what to train next, what it will score and what it will cost.

Conventions: JSON with `snake_case` names, UTC times (RFC 3339), SI units in names. Unknown fields and query parameters
are refused. Errors are `application/problem+json` (RFC 9457) with a stable `code` and pointers to what was wrong; every
answer carries `X-Request-ID`.
"""

TAGS = [
    {"name": "recommend", "description": "What to train next, and how what was recommended turned out."},
    {"name": "runs", "description": "What was trained, with its outcome."},
    {"name": "datasets", "description": "What runs were trained on, and the numbers that describe it."},
    {"name": "projects", "description": "Pools of runs that may teach each other."},
    {"name": "refits", "description": "Fitting a project's meta-learner to its runs."},
    {"name": "meta-learners", "description": "What was fitted, how it did on unseen datasets, and which one serves."},
    {"name": "access", "description": "API keys, and the record of what was done with them."},
    {"name": "operations", "description": "For those who run the service."},
]

KEY = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "fr_<prefix>_<secret>",
    "description": "An API key, from `forerun keys create` or `POST /v1/keys`. None is asked for by a service that "
    "listens on a loopback address, unless it was told to.",
}

_MAPS = frozenset({"properties", "$defs", "dependentSchemas"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_SCHEMAS = frozenset({"items", "additionalProperties", "propertyNames", "not", "if", "then", "else", "contains"})
_BOUNDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_FORMATS = {"number": "double", "integer": "int64"}


def install(app: FastAPI) -> None:
    """Let `/openapi.json` answer with the finished document, made once."""
    app.openapi = cache(partial(document, app))  # type: ignore[method-assign]  # as FastAPI's manual has it


def document(app: FastAPI) -> dict[str, Any]:
    """The finished document of an application."""
    made = get_openapi(
        title=app.title,
        version=app.version,
        summary="Surrogate-based model recommendation as a service.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
        servers=[{"url": "/", "description": "This server"}],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    _restore_examples(app, made)
    schemas = made["components"]["schemas"]
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas.update(_models())
    made["components"]["schemas"] = {name: _finished(schemas[name]) for name in sorted(schemas)}
    schemas = made["components"]["schemas"]
    schemas["RecommendRequest"]["properties"]["search_space"] = {"$ref": "#/components/schemas/SearchSpace"}
    made["components"]["securitySchemes"] = {"key": KEY}
    for path, method, operation in _operations(made):
        _finish_operation(path, operation, rule_of(method.upper(), path))
    return made


def _models() -> dict[str, Schema]:
    """Models that no route declares in a way that FastAPI collects."""
    _, made = models_json_schema(
        [(Problem, "serialization"), (SearchSpace, "validation"), (RunBatch, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    defined: dict[str, Schema] = made["$defs"]
    return defined


def _restore_examples(app: FastAPI, made: dict[str, Any]) -> None:
    """FastAPI drops every null from its document, in examples too, where it is a value."""
    for route in iter_route_contexts(app.routes):
        for method in made["paths"].get(route.path_format, {}).keys() & {name.lower() for name in route.methods or ()}:
            operation = made["paths"][route.path_format][method]
            for status, response in route.responses.items():
                _copy_examples(response, operation["responses"][str(status)])
            _copy_examples((route.openapi_extra or {}).get("requestBody", {}), operation.get("requestBody", {}))
            if route.body_field is not None:
                (media,) = operation["requestBody"]["content"].values()
                media["examples"] = route.body_field.field_info.openapi_examples


def _copy_examples(given: dict[str, Any], made: dict[str, Any]) -> None:
    for media_type, media in given.get("content", {}).items():
        made["content"][media_type].update({key: media[key] for key in ("example", "examples") if key in media})


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _finish_operation(path: str, operation: dict[str, Any], rule: Rule | None) -> None:
    operation["security"] = [] if rule is None else [{"key": [rule.scope]}]
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _untitled(_not_null(_finished(parameter["schema"])))
    declared = operation["responses"]
    if "HTTPValidationError" in json.dumps(declared.get("422")):
        del declared["422"]
    guarded = [] if rule is None else [401, 403, 429]
    for status, response in responses(*guarded, *_common_statuses(path, operation)).items():
        declared.setdefault(str(status), deepcopy(response))
    for response in declared.values():
        for media in response.get("content", {}).values():
            if "schema" in media:
                media["schema"] = _finished(media["schema"])
    operation["responses"] = dict(sorted(declared.items()))


def _common_statuses(path: str, operation: dict[str, Any]) -> list[int]:
    """The problems that any operation of its kind can answer with, whatever it does."""
    if not path.startswith("/v1/"):
        return []
    unknown = [404] if "{" in path else []
    return [*unknown, 422, 503, *([400, 408, 413, 415] if "requestBody" in operation else [])]


# ---------------------------------------------------------------- schemas


def _finished(schema: Any) -> Any:
    """A schema and all it holds, in the form that clients can be generated from."""
    if not isinstance(schema, dict):
        return schema
    made = {keyword: _keyword(keyword, value) for keyword, value in schema.items() if not _is_noise(keyword, value)}
    if made.get("type") in _FORMATS:
        made.setdefault("format", _FORMATS[made["type"]])
    if made.get("type") == "integer":
        made |= {bound: int(made[bound]) for bound in _BOUNDS & made.keys()}
    if "patternProperties" in made:
        _name_properties(made)
    return made


def _keyword(keyword: str, value: Any) -> Any:
    if keyword in _MAPS:
        return {name: _untitled(_finished(schema)) for name, schema in value.items()}
    if keyword in _LISTS:
        return [_finished(schema) for schema in value]
    return _finished(value) if keyword in _SCHEMAS else value


def _is_noise(keyword: str, value: Any) -> bool:
    """An empty default says no more than that the field may be absent, and some generators cannot compile it."""
    return keyword == "default" and _is_empty(value)


def _is_empty(value: Any) -> bool:
    return value == [] or (isinstance(value, dict) and all(_is_empty(inner) for inner in value.values()))


def _untitled(schema: Any) -> Any:
    """A property's title repeats its name."""
    return (
        {keyword: value for keyword, value in schema.items() if keyword != "title"}
        if isinstance(schema, dict)
        else schema
    )


def _not_null(schema: Schema) -> Schema:
    """A parameter may be left out, but there is no way to send null in an address."""
    kept = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(kept) != 1:
        return schema
    return {**kept[0], **{keyword: value for keyword, value in schema.items() if keyword != "anyOf"}}


def _name_properties(schema: Schema) -> None:
    """`patternProperties` of one pattern, said with `propertyNames` and `additionalProperties`: a typed map."""
    ((pattern, value),) = schema.pop("patternProperties").items()
    schema["additionalProperties"] = _finished(value)
    schema["propertyNames"] = {**schema.get("propertyNames", {}), "pattern": pattern}
