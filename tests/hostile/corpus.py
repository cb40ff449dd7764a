"""Writes corpus.jsonl, the fixed hostile inputs: each a request, and the answer that it must get.

    python -m tests.hostile.corpus

Inputs are products: every trap of JSON stands in a body of every writing route. What is special to one route follows.
A body is text, or a list whose parts are text, `{"base64": ...}`, or `{"repeat": ..., "times": n}` where `{i}` counts:
what is large is made when it is sent. `{run}` in a path is a run that is still running.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.hostile.spaces import joined, spaces

CORPUS = Path(__file__).with_name("corpus.jsonl")
JSON_HEADERS = [["Content-Type", "application/json"]]
NDJSON_HEADERS = [["Content-Type", "application/x-ndjson"]]
UNKNOWN_ID = "019c0000-0000-7000-8000-000000000000"
MALFORMED, INVALID = (400, "malformed_json"), (422, "invalid_request")
TYPE, SIZE = (415, "unsupported_media_type"), (413, "payload_too_large")

Route = tuple[str, str, str, str]  # method, path, a good body but for the value at @, the pointer of @
RUN = '{"project":"hostile","dataset":"d","state":"completed","metrics":{"m":@}}'
ROUTES: dict[str, Route] = {
    "run": ("POST", "/v1/runs", RUN, "/metrics/m"),
    "batch": ("POST", "/v1/runs/batch", f'{{"runs":[{RUN}]}}', "/runs/0/metrics/m"),
    "stream": ("POST", "/v1/runs/batch", RUN, "/metrics/m"),
    "patch": ("PATCH", "/v1/runs/{run}", '{"metrics":{"m":@}}', "/metrics/m"),
    "dataset": ("PUT", "/v1/datasets/d?project=hostile", '{"meta_features":{"n":@}}', "/meta_features/n"),
    "project": ("PUT", "/v1/projects/hostile", '{"refit_policy":{"min_new_runs":@}}', "/refit_policy/min_new_runs"),
    "key": ("POST", "/v1/keys", '{"name":"k","scopes":["read"],"expires_in_days":@}', "/expires_in_days"),
    "refit": ("POST", "/v1/refits", '{"project":@}', "/project"),
    "recommend": (
        "POST", "/v1/recommend",
        '{"project":"hostile","dataset":"d","objectives":[{"metric":"m","direction":"maximize"}],'
        '"search_space":{"parameters":{"x":[1,2]}},"top_k":1,"observations":[{"configuration":{"x":1},"metrics":{"m":@}}]}',
        "/observations/0/metrics/m",
    ),
}  # fmt: skip
GOOD = dict.fromkeys(ROUTES, "2") | {"refit": '"hostile"'}


def entry(
    name: str, method: str, path: str, body: Any, answer: tuple[int, str | None], pointer: str | None = None,
    headers: list[list[str]] = JSON_HEADERS,
) -> dict[str, Any]:  # fmt: skip
    """`answer` is a status and a problem's code (None: no problem)."""
    status, code = answer
    made = {"name": name, "method": method, "path": path, "headers": headers, "body": body, "status": status}
    return made | ({"code": code} if code else {}) | ({"pointer": pointer} if pointer is not None else {})


def on(route: str, name: str, body: Any, answer: tuple[int, str | None], pointer: str | None = None) -> dict[str, Any]:
    """On a stream, a bad line is one rejected result of an answer that is 200."""
    method, path, _, _ = ROUTES[route]
    headers = NDJSON_HEADERS if route == "stream" else JSON_HEADERS
    made = entry(f"{route}: {name}", method, path, body, answer, pointer, headers)
    return made | {"status": 200} if route == "stream" else made


# ---------------------------------------------------------------- values that no field takes

UNREADABLE: dict[str, Any] = {  # refused by the reader, whatever the field
    "NaN": ("NaN", MALFORMED),
    "Infinity": ("Infinity", MALFORMED),
    "-Infinity": ("-Infinity", MALFORMED),
    "1e400": ("1e400", INVALID),
    "-1e999": ("-1e999", INVALID),
    "10^30": ("1" + "0" * 30, INVALID),
    "2^63": (str(2**63), INVALID),
    "2^53+1": (str(2**53 + 1), INVALID),
    "400 digits": ([{"repeat": "7", "times": 400}], INVALID),
    "5,000 digits": ([{"repeat": "7", "times": 5_000}], INVALID),
    "NUL in a string": (r'"a\u0000b"', INVALID),
    "NUL in a key": (r'{"a\u0000b":1}', INVALID),
    "lone high surrogate": (r'"\ud800"', INVALID),
    "lone low surrogate": (r'"\udfff"', INVALID),
    "lone surrogate in a key": (r'{"\ud800":1}', INVALID),
    "a fault beneath a lone surrogate": (r'{"\ud800":NaN}', MALFORMED),
    "a name twice": ('{"n":1,"n":2}', MALFORMED),
    "two spellings of one name": (r'{"\u00e9":1,"e\u0301":2}', INVALID),
    "the same name by an escape": (r'{"n":1,"\u006e":2}', MALFORMED),
}
NESTED = {
    "depth 40": ([{"repeat": "[", "times": 40}, "1", {"repeat": "]", "times": 40}], INVALID),
    "depth 100,000": ([{"repeat": "[", "times": 100_000}, "1", {"repeat": "]", "times": 100_000}], INVALID),
    "depth 30,000 of objects": ([{"repeat": '{"a":', "times": 30_000}, "1", {"repeat": "}", "times": 30_000}], INVALID),
    "depth 100,000 that never ends": ([{"repeat": "[", "times": 100_000}], INVALID),
}
MISTYPED = {  # read, and refused by the field
    "true for a number": "true",
    "a number in quotes": '"1"',
    "NaN in quotes": '"NaN"',
    "1e301": "1e301",
    "an array": "[1]",
    "an object": '{"a":1}',
}


def values() -> Iterator[dict[str, Any]]:
    for route, (_, _, template, pointer) in ROUTES.items():
        before, after = template.split("@")
        for name, (value, answer) in UNREADABLE.items():
            yield on(route, name, joined(before, value, after), answer, pointer)
        for name, (value, answer) in NESTED.items():
            yield on(route, name, joined(before, value, after), answer, "")
        for name, value in MISTYPED.items():
            if route == "refit" and value.startswith('"'):
                continue  # a name may well be "1"; there is no such project
            made = on(route, name, before + value + after, INVALID, pointer)
            yield made | {"status": 200} if route == "batch" else made


# ---------------------------------------------------------------- documents that are none


def documents() -> Iterator[dict[str, Any]]:
    for route, (_, _, template, _) in ROUTES.items():
        good = template.replace("@", GOOD[route])
        for name, body in _malformed(good).items():
            yield on(route, name, body, MALFORMED)
        for name, body in {"null": "null", "an empty array": "[]", "a string": '"x"', "a number": "7"}.items():
            yield on(route, name, body, INVALID, "")
        yield _misspelt(route, good)
        keys = {"repeat": '"{i:x}":1,', "times": 95_000}
        yield on(route, "95,000 keys", ["{", keys, '"z":1}'], INVALID, "")
        keys = {"repeat": '"{i:x}":1,', "times": 4_000}
        yield on(route, "4,000 unknown fields", ["{", keys, '"z":1}'], INVALID)
        if route == "batch":
            yield on(route, "no runs", "{}", INVALID, "/runs")
        else:
            yield on(route, "blank", " ", MALFORMED) | ({"code": None} if route == "stream" else {})


def _malformed(good: str) -> dict[str, Any]:
    return {
        "cut off": good[:-1],
        "cut off in a string": good[: good.index('"') + 3],
        "two documents": good + " {}",
        "text behind it": good + " x",
        "a comment": good[:-1] + "/*c*/}",
        "a trailing comma": good[:-1] + ",}",
        "single quotes": good.replace('"', "'"),
        "a raw control character": good.replace('"', '"\t', 1),
        "a byte order mark": [{"base64": _base64(b"\xef\xbb\xbf")}, good],
        "UTF-16": [{"base64": _base64(b"\xff\xfe" + "{}".encode("utf-16-le"))}],
        "ff fe": [{"base64": _base64(b"\xff\xfe")}],
        "UTF-8 that is cut off": [good[:2], {"base64": _base64("é".encode()[:1])}, good[2:]],
        "overlong UTF-8": [good[:2], {"base64": _base64(b"\xc0\x80")}, good[2:]],
        "a raw surrogate": [good[:2], {"base64": _base64(b"\xed\xa0\x80")}, good[2:]],
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _misspelt(route: str, good: str) -> dict[str, Any]:
    """A field that does not exist, last in the document or in its run."""
    at = good.rindex("}", 0, good.rindex("]")) if route == "batch" else len(good) - 1
    where = "/runs/0/hyperparamters" if route == "batch" else "/hyperparamters"
    made = on(route, "a misspelt field", good[:at] + ',"hyperparamters":{}' + good[at:], INVALID, where)
    return made | {"status": 200} if route == "batch" else made


# ---------------------------------------------------------------- headers


def media_types() -> Iterator[dict[str, Any]]:
    for route, (method, path, template, _) in ROUTES.items():
        if route == "stream":
            continue
        good = template.replace("@", GOOD[route])
        for name, headers in {
            "no Content-Type": [],
            "text/plain": [["Content-Type", "text/plain"]],
            "a form": [["Content-Type", "application/x-www-form-urlencoded"]],
            "multipart": [["Content-Type", "multipart/form-data; boundary=x"]],
            "UTF-16 declared": [["Content-Type", "application/json; charset=utf-16"]],
            "two Content-Types": [["Content-Type", "application/json"], ["Content-Type", "text/plain"]],
            "an unknown encoding": [*JSON_HEADERS, ["Content-Encoding", "br"]],
        }.items():
            yield entry(f"{route}: {name}", method, path, good, TYPE, headers=headers)
        zipped = [*JSON_HEADERS, ["Content-Encoding", "gzip"]]
        bomb = gzip.compress(gzip.compress(b"[" * 10_000_000, mtime=0), mtime=0)  # 10 MB in a few hundred bytes
        yield entry(f"{route}: a gzip bomb", method, path, [{"base64": _base64(bomb)}], TYPE, headers=zipped)
        if route != "batch":
            large = [good[:-1], {"repeat": " ", "times": 2**20}, "}"]
            yield entry(f"{route}: a body over the limit", method, path, large, SIZE)
            chunked = [*JSON_HEADERS, ["Transfer-Encoding", "chunked"]]
            yield entry(f"{route}: a body over the limit in chunks", method, path, large, SIZE, headers=chunked)


# ---------------------------------------------------------------- search spaces


def questions_of_spaces() -> Iterator[dict[str, Any]]:
    before = '{"dataset":"d","objectives":[{"metric":"m","direction":"maximize"}],"top_k":2,"search_space":'
    for name, space, answer, where in spaces():
        pointer = None if where is None else "/search_space" + where
        yield entry(f"space: {name}", "POST", "/v1/recommend", joined(before, space, "}"), answer, pointer)
    no_object = joined(before, "[]", "}")
    yield entry("space: no object", "POST", "/v1/recommend", no_object, INVALID, "/search_space")


# ---------------------------------------------------------------- runs and questions that make no sense


def meanings() -> Iterator[dict[str, Any]]:
    run = {"project": "hostile", "dataset": "d", "state": "completed", "metrics": {"m": 1}}
    long_name, deep = "n" * 201, {"a": {"b": 1}}
    for name, change, pointer in (
        ("year 10000", {"started_at": "10000-01-01T00:00:00Z"}, "/started_at"),
        ("year -1", {"started_at": "-001-01-01T00:00:00Z"}, "/started_at"),
        ("year 0", {"started_at": "0000-01-01T00:00:00Z"}, "/started_at"),
        ("a leap second", {"started_at": "2016-12-31T23:59:60Z"}, "/started_at"),
        ("no time zone", {"started_at": "2026-01-01T00:00:00"}, "/started_at"),
        ("a bare date", {"started_at": "2026-01-01"}, "/started_at"),
        ("seconds since 1970", {"started_at": 0}, "/started_at"),
        ("an empty time", {"finished_at": ""}, "/finished_at"),
        ("30 February", {"started_at": "2026-02-30T00:00:00Z"}, "/started_at"),
        ("before year 1 in UTC", {"started_at": "0001-01-01T00:00:00+23:59"}, "/started_at"),
        ("Arabic digits", {"started_at": "٢٠٢٦-01-01T00:00:00Z"}, "/started_at"),
        ("an end before its start",
         {"started_at": "2026-01-02T00:00:00Z", "finished_at": "2026-01-01T00:00:00Z"}, ""),
        ("no metric", {"metrics": {}}, ""),
        ("a null metric", {"metrics": {"m": None}}, "/metrics/m"),
        ("a target in two places", {"resources": {"m": 1}}, ""),
        ("an unknown state", {"state": "done"}, "/state"),
        ("a name of 201 characters", {"metrics": {long_name: 1}}, None),
        ("an empty name", {"metrics": {"": 1}}, "/metrics/"),
        ("a line break in a name", {"metrics": {"m\n{\"level\":\"info\"}": 1}}, None),
        ("a terminal sequence in a name", {"run_id": "\x1b[2J"}, "/run_id"),
        ("a line break in the project", {"project": "p\r\nX-Evil: 1"}, "/project"),
        ("a dataset of 201 characters", {"dataset": long_name}, None),
        ("a recommendation that is no id", {"recommendation_id": "'; drop table runs;--"}, "/recommendation_id"),
        ("another's recommendation", {"recommendation_id": UNKNOWN_ID}, "/recommendation_id"),
        ("a curve of nothing", {"learning_curve": [{}]}, "/learning_curve/0/step"),
        ("tags that nest", {"tags": deep}, "/tags/a"),
        ("hyperparameters that are a list", {"hyperparameters": []}, "/hyperparameters"),
    ):  # fmt: skip
        yield on("run", name, json.dumps(run | change), INVALID, pointer)
    for name, field in (("a timestamp", "started_at"), ("an id", "recommendation_id"), ("a name", "run_id")):
        body = [json.dumps(run)[:-1] + f', "{field}": "', {"repeat": "1", "times": 50_000}, '!"}']
        yield on("run", f"{name} of 50 KB that nearly matches", body, INVALID, f"/{field}")
    points = ['{"dataset":"d","state":"failed","learning_curve":[', {"repeat": "{},", "times": 99_999}, "{}]}"]
    yield on("run", "a curve of 100,000 nothings", points, INVALID, "/learning_curve/0/step")
    hundred_thousand = ['{"runs":[', {"repeat": "0,", "times": 100_000}, "0]}"]
    yield on("batch", "100,001 runs that are none", hundred_thousand, INVALID, "/runs")
    for name in NAMES:
        for field in ("dataset", "run_id", "project"):
            answer = (201, None)
            yield on("run", f"{field} {name!a}", json.dumps(run | {field: name}), answer) | {"again": 200}
        named = json.dumps(run | {"metrics": {name: 1}, "hyperparameters": {name: name}, "tags": {name: name}})
        yield on("run", f"everything named {name!a}", named, (201, None))
    twice = [{"metric": "m", "direction": direction} for direction in ("minimize", "maximize")]
    nine = [{"metric": f"m{i}", "direction": "minimize"} for i in range(9)]
    limit = {"metric": "m", "op": "<=", "value": 1}
    questions: dict[str, tuple[dict[str, Any], str]] = {
        "top_k of 0": ({"top_k": 0}, "/top_k"),
        "top_k of 10^9": ({"top_k": 10**9}, "/top_k"),
        "top_k of 1.5": ({"top_k": 1.5}, "/top_k"),
        "a negative seed": ({"seed": -1}, "/seed"),
        "no objective": ({"objectives": []}, "/objectives"),
        "nine objectives": ({"objectives": nine}, "/objectives"),
        "an objective twice": ({"objectives": twice}, "/objectives/1/metric"),
        "an unknown direction": ({"objectives": [twice[0] | {"direction": "up"}]}, "/objectives/0/direction"),
        "an unknown strategy": ({"strategy": "guess"}, "/strategy"),
        "a confidence of 1": (
            {"outcome_constraints": [limit | {"confidence": 1}]},
            "/outcome_constraints/0/confidence",
        ),
        "an unknown comparison": ({"outcome_constraints": [limit | {"op": "<"}]}, "/outcome_constraints/0/op"),
        "1,001 pending": ({"pending": [{"x": 1}] * 1001}, "/pending"),
        "a budget of 0": ({"budget_ms": 0}, "/budget_ms"),
    }
    good = json.loads(ROUTES["recommend"][2].replace("@", "2"))
    for name, (change, pointer) in questions.items():
        yield on("recommend", name, json.dumps(good | change), INVALID, pointer)


NAMES = (
    "'; drop table runs;--", '" or 1=1 --', "{{7*7}}", "${jndi:ldap://x/a}", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", '=cmd|" /C calc"!A0', "../../../../etc/passwd", "..\\..\\windows", "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data", "%2e%2e%2f", "%00", "%s%n%d{0}", "__proto__", "constructor", "a/b?c#d",
    "\u202egnp.exe", "e\u0301", "\u2028line", "\U0001f4a3", "\ufeffname", "\\x1b[31m", "null",
)  # fmt: skip


# ---------------------------------------------------------------- paths, ids, cursors


def addresses() -> Iterator[dict[str, Any]]:
    unknown = (404, "not_found")
    for kind in ("runs", "refits", "recommendations", "meta-learners"):
        for name, identifier in {
            "10^22": "1" + "0" * 22, "SQL": "%27%20or%201=1--", "a NUL": "%00", "half a surrogate": "%ed%a0%80",
            "JSON": "%7B%7D", "an id and more": UNKNOWN_ID + "x", "negative": "-1",
        }.items():  # fmt: skip
            path = f"/v1/{kind}/{identifier}"
            yield entry(f"id: {kind}: {name}", "GET", path, None, INVALID, "/path/id", [])
        yield entry(f"id: {kind}: unknown", "GET", f"/v1/{kind}/{UNKNOWN_ID}", None, unknown, headers=[])
        yield entry(f"id: {kind}: a path", "GET", f"/v1/{kind}/..%2f..%2fetc%2fpasswd", None, unknown, headers=[])
    for method, path in (
        ("DELETE", f"/v1/runs/{UNKNOWN_ID}"), ("POST", f"/v1/meta-learners/{UNKNOWN_ID}/promote"),
        ("GET", "/docs/..%2f..%2fapp%2fmain.py"), ("GET", "/docs/%2e%2e/docs.html"), ("GET", "/docs/VENDOR.md"),
        ("GET", "/docs//etc/passwd"), ("GET", "//evil.example/"), ("GET", "/%2e%2e/%2e%2e/etc/passwd"),
        ("GET", "/.git/config"), ("GET", "/v1/runs/"), ("GET", "/" + "a/" * 5_000), ("GET", "/docs/http:%2f%2fx"),
    ):  # fmt: skip
        yield entry(f"path: {method} {path[:60]}", method, path, None, unknown, headers=[])
    patch = '{"metrics":{"m":1}}'
    yield entry("path: a run that is not there", "PATCH", f"/v1/runs/{UNKNOWN_ID}", patch, unknown)
    yield entry("path: a method that is none", "FROB", "/v1/runs", None, (400, "bad_request"), headers=[])
    yield entry("path: TRACE", "TRACE", "/v1/runs", None, (405, "method_not_allowed"), headers=[])
    yield from queries()


def queries() -> Iterator[dict[str, Any]]:
    for name, query, pointer in (
        ("limit 0", "limit=0", "/query/limit"),
        ("limit -1", "limit=-1", "/query/limit"),
        ("limit 10^9", "limit=1000000000", "/query/limit"),
        ("limit 5,000 digits", "limit=" + "9" * 5_000, "/query/limit"),
        ("limit a word", "limit=all", "/query/limit"),
        ("limit NaN", "limit=NaN", "/query/limit"),
        ("limit twice", "limit=1&limit=2", "/query/limit"),
        ("an unknown filter", "where=1", "/query/where"),
        ("an unknown state", "state=done", "/query/state"),
        ("a NUL in a name", "project=a%00b", "/query/project"),
        ("a name of 5,000 characters", "project=" + "a" * 5_000, "/query/project"),
        ("a cursor of 5,000 characters", "cursor=" + "a" * 5_000, "/query/cursor"),
    ):
        yield entry(f"query: {name}", "GET", f"/v1/runs?{query}", None, INVALID, pointer, [])
    for cursor in ("x", "..", "%27%3B--", "AAAAAAAAAAAAAAAAAAAAAA", UNKNOWN_ID, "%00", "%ed%a0%80", "=", "", "%C3%A9"):
        answer = (422, "invalid_cursor")
        yield entry(f"cursor: {cursor}", "GET", f"/v1/runs?cursor={cursor}", None, answer, headers=[])
        yield entry(f"cursor of datasets: {cursor}", "GET", f"/v1/datasets?cursor={cursor}", None, answer, headers=[])
    ranges = [["Range", "bytes=" + ",".join(f"{i}-{i}" for i in range(1_000))]]
    yield entry("header: 1,000 ranges", "GET", "/docs/swagger-ui.css", None, (200, None), headers=ranges)
    yield entry("header: a hostile request id", "GET", "/healthz", None, (200, None), headers=[["X-Request-ID", "<s>"]])


def corpus() -> list[dict[str, Any]]:
    return [*values(), *documents(), *media_types(), *questions_of_spaces(), *meanings(), *addresses()]


def lines() -> str:
    return "".join(json.dumps(one) + "\n" for one in corpus())


if __name__ == "__main__":
    CORPUS.write_text(lines())
