"""`/v1/runs` over HTTP: the contract, and everything a client can get wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.api import run_schemas
from app.flows.ingest import AT_ONCE, CHUNK

JSON = "application/json"
NDJSON = "application/x-ndjson"


def run(**fields: Any) -> dict[str, Any]:
    return {"dataset": "adult", "state": "completed", "metrics": {"accuracy": 0.5}, **fields}


async def post(client: httpx.AsyncClient, body: Any, status: int = 201) -> dict[str, Any]:
    answer = await client.post("/v1/runs", content=json.dumps(body), headers={"content-type": JSON})
    assert answer.status_code == status, answer.text
    return answer.json()


async def post_batch(
    client: httpx.AsyncClient, content: Any, media_type: str = JSON, status: int = 200
) -> dict[str, Any]:
    content = json.dumps(content) if isinstance(content, dict) else content
    answer = await client.post("/v1/runs/batch", content=content, headers={"content-type": media_type})
    assert answer.status_code == status, answer.text
    return answer.json()


def faults(problem: dict[str, Any]) -> dict[str, str]:
    return {fault["pointer"]: fault["message"] for fault in problem["errors"]}


# ---------------------------------------------------------------- one


async def test_a_run_is_created_once_and_comes_back(client: httpx.AsyncClient) -> None:
    created = await post(client, run_schemas.NEURAL_RUN)
    assert created == {"id": created["id"], "run_id": "sonar-mlp-7", "status": "created"}
    assert await post(client, run_schemas.NEURAL_RUN, 200) == {**created, "status": "duplicate"}
    reordered = dict(reversed(run_schemas.NEURAL_RUN.items())) | {"environment": {}, "recommendation_id": None}
    assert await post(client, reordered, 200) == {**created, "status": "duplicate"}
    conflict = await post(client, {**run_schemas.NEURAL_RUN, "state": "failed"}, 409)
    assert conflict["code"] == "run_conflict"
    stored = (await client.get(f"/v1/runs/{created['id']}")).json()
    posted = {**run_schemas.NEURAL_RUN, "dataset": {"name": "sonar", "meta_features": {}}}
    defaults = {"environment": {}, "tags": {}, "recommendation_id": None}
    assert {name: stored[name] for name in stored if not name.endswith("_at")} == {
        **{name: value for name, value in posted.items() if not name.endswith("_at")},
        **defaults,
        "id": created["id"],
    }
    assert (stored["started_at"], stored["finished_at"]) == (posted["started_at"], posted["finished_at"])
    assert stored["created_at"] == stored["updated_at"]
    assert stored["created_at"].endswith("Z")
    assert stored.keys() == run_schemas.RunRecord.model_fields.keys()


async def test_a_run_without_a_key_is_always_new(client: httpx.AsyncClient) -> None:
    first, second = await post(client, run()), await post(client, run())
    assert first["run_id"] != second["run_id"]


async def test_of_64_twins_one_is_created(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(client.post("/v1/runs", json=run(run_id="twin")) for _ in range(64)))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_of_64_runs_that_claim_one_name_one_is_created(client: httpx.AsyncClient) -> None:
    bodies = [run(run_id="claimed", metrics={"accuracy": i / 64}) for i in range(64)]
    answers = await asyncio.gather(*(client.post("/v1/runs", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 63
    (created,) = (answer.json()["id"] for answer in answers if answer.status_code == 201)
    (winner,) = (i for i, answer in enumerate(answers) if answer.status_code == 201)
    assert (await client.get(f"/v1/runs/{created}")).json()["metrics"] == bodies[winner]["metrics"]


INVALID: list[tuple[Any, str, str]] = [
    ({}, "/dataset", "required"),
    ([], "", "object"),
    (None, "", ""),
    (run(state="done"), "/state", "'completed'"),
    (run(hyperparamters={}), "/hyperparamters", "did you mean 'hyperparameters'?"),
    (run(metrics={}), "", "at least one metric"),
    (run(metrics={"accuracy": "0.5"}), "/metrics/accuracy", "number"),
    (run(metrics={"accuracy": True}), "/metrics/accuracy", "number"),
    (run(metrics={"accuracy": None}), "/metrics/accuracy", "number"),
    (run(metrics={"accuracy": 1e301}), "/metrics/accuracy", "less than"),
    (run(resources={"accuracy": 1.0}), "", "both"),
    (run(dataset=7), "/dataset", ""),
    (run(dataset=""), "/dataset", "at least 1"),
    (run(dataset={"name": "a", "meta_features": {"x": "1"}}), "/dataset/meta_features/x", "number"),
    (run(dataset={"name": "a", "metafeatures": {}}), "/dataset/metafeatures", "did you mean 'meta_features'?"),
    (run(run_id=""), "/run_id", "at least 1"),
    (run(run_id="x" * 201), "/run_id", "at most 200"),
    (run(run_id="a\nb"), "/run_id", "control character"),
    (run(project=1), "/project", "string"),
    (run(tags={"a": 1}), "/tags/a", "string"),
    (run(hyperparameters=[]), "/hyperparameters", ""),
    (run(started_at="2026-13-01T00:00:00Z"), "/started_at", ""),
    (run(started_at="2026-03-02T09:14:07"), "/started_at", ""),
    (run(started_at="10000-01-01T00:00:00Z"), "/started_at", ""),
    (run(started_at=1700000000), "/started_at", "RFC 3339"),
    (run(started_at="2026-03-02T09:14:07Z", finished_at="2026-03-02T09:14:06Z"), "", "before"),
    (run(recommendation_id="not-a-uuid"), "/recommendation_id", "UUID"),
    (run(recommendation_id=str(uuid4())), "/recommendation_id", "no such recommendation"),
    (run(learning_curve=[{"step": "1", "metrics": {}}]), "/learning_curve/0/step", "number"),
    (run(metrics={"a/b~c": "x"}), "/metrics/a~1b~0c", "number"),
]


async def test_an_invalid_run_is_refused_with_a_pointer(client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    for body, where, what in INVALID:
        with subtests.test(repr(body)):
            problem = await post(client, body, 422)
            assert problem["code"] == "invalid_request"
            assert what in faults(problem)[where]
    assert (await client.get("/v1/runs")).json()["runs"] == []


HOSTILE: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"{", 400),
    (b'{"dataset": "a", "state": "failed", "state": "failed"}', 400),
    (b'{"dataset": "a", "state": "failed", "metrics": {"y": NaN}}', 400),
    (b'{"dataset": "a", "state": "failed", "metrics": {"y": 1e999}}', 422),
    (b'{"dataset": "a", "state": "failed", "hyperparameters": {"n": 9007199254740993}}', 422),
    (b'{"dataset": "a", "state": "failed", "hyperparameters": {"\\u0000": 1}}', 422),
    (b'{"dataset": "a\\ud800", "state": "failed"}', 422),
    (b'{"dataset": "a", "state": "failed", "hyperparameters": {"x": ' + b"[" * 40 + b"]" * 40 + b"}}", 422),
    (b'{"dataset": "' + b"x" * 2**20 + b'", "state": "failed"}', 413),
]


async def test_a_hostile_body_is_a_problem(client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    for body, status in HOSTILE:
        with subtests.test(repr(body[:80])):
            answer = await client.post("/v1/runs", content=body, headers={"content-type": JSON})
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert len(answer.content) < 4096


async def test_strange_names_are_kept_as_they_are(client: httpx.AsyncClient) -> None:
    names = [
        "__proto__",
        "a.b",
        "a/b",
        "[0]",
        "\u202eabc",
        "'; drop table runs;--",
        "{{7*7}}",
        "<script>",
        "\u00e9",
    ]
    inputs = {name: i for i, name in enumerate(names)}
    for name in names:
        created = await post(client, run(run_id=name, dataset=name, hyperparameters=inputs))
        stored = (await client.get(f"/v1/runs/{created['id']}")).json()
        assert (stored["run_id"], stored["dataset"]["name"], stored["hyperparameters"]) == (name, name, inputs)
    assert len((await client.get("/v1/runs", params={"dataset": "<script>"})).json()["runs"]) == 1


# ---------------------------------------------------------------- batches


async def test_a_batch_takes_what_is_good(client: httpx.AsyncClient) -> None:
    body = {
        "runs": [
            run(run_id="a"),
            run(run_id="b", metrics={"x": "1"}),
            7,
            run(run_id="a"),
            run(run_id="a", state="failed"),
        ]
    }
    receipt = await post_batch(client, body)
    assert (receipt["created"], receipt["duplicates"], receipt["rejected"]) == (1, 1, 3)
    results = receipt["results"]
    assert [(result["index"], result["status"]) for result in results] == [
        (0, "created"),
        (1, "rejected"),
        (2, "rejected"),
        (3, "duplicate"),
        (4, "conflict"),
    ]
    assert results[0].keys() == {"index", "status", "id"}
    assert results[0]["id"] == results[3]["id"] == results[4]["id"]
    assert results[1]["error"]["code"] == "invalid_request"
    assert "/runs/1/metrics/x" in faults(results[1]["error"])
    assert "/runs/2" in faults(results[2]["error"])
    assert results[4]["error"]["code"] == "run_conflict"
    assert "/runs/4/run_id" in faults(results[4]["error"])
    run_schemas.BatchReceipt.model_validate(receipt)


async def test_a_batch_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    assert "/runs" in faults(await post_batch(client, {}, status=422))
    assert "/runs" in faults(await post_batch(client, {"runs": {}}, status=422))
    assert "/runs" in faults(await post_batch(client, {"runs": [None] * 10_001}, status=422))
    assert "/project" in faults(await post_batch(client, {"runs": [], "project": "p"}, status=422))


async def test_a_batch_with_a_value_that_is_not_json_is_refused_as_a_whole(client: httpx.AsyncClient) -> None:
    assert (await post_batch(client, b'{"runs": [{"a": NaN}]}', status=400))["code"] == "malformed_json"
    assert faults(await post_batch(client, b'{"runs": [{"a": 1e999}]}', status=422)).keys() == {"/runs/0/a"}


async def test_ten_thousand_runs_are_a_batch(client: httpx.AsyncClient) -> None:
    receipt = await post_batch(client, {"runs": [run(run_id=str(i)) for i in range(10_000)]})
    assert receipt["created"] == len(receipt["results"]) == 10_000


async def test_other_media_types_are_refused(client: httpx.AsyncClient) -> None:
    for media_type in ("text/plain", "application/xml", "application/x-ndjson; charset=latin-1"):
        await post_batch(client, b"{}", media_type, status=415)


# ---------------------------------------------------------------- streams


def line(**fields: Any) -> bytes:
    return json.dumps(run(**fields)).encode() + b"\n"


async def test_a_stream_takes_the_good_lines_and_tells_of_the_bad(client: httpx.AsyncClient) -> None:
    body = [
        line(run_id="a"),
        b"\n",
        b"{not json}\n",
        line(run_id="b")[:-1] + b"\r\n",
        b"\xff\n",
        line(run_id="a"),
        line(run_id="b", state="failed"),
        line(run_id="c", metrics={"x": True}),
        b'{"dataset": "a", "state": "failed", "metrics": {"y": NaN}}\n',
        line(run_id="d", tags={"long": "x" * 2**20}),
        line(run_id="e")[:-1],
    ]
    receipt = await post_batch(client, b"".join(body), NDJSON)
    assert (receipt["created"], receipt["duplicates"], receipt["rejected"]) == (3, 1, 6)
    assert [(result["index"], result["status"], result["error"]["code"]) for result in receipt["results"]] == [
        (2, "rejected", "malformed_json"),
        (4, "rejected", "malformed_json"),
        (6, "conflict", "run_conflict"),
        (7, "rejected", "invalid_request"),
        (8, "rejected", "malformed_json"),
        (9, "rejected", "payload_too_large"),
    ]
    assert "/metrics/x" in faults(receipt["results"][3]["error"])
    assert receipt["results_omitted"] == 0


async def test_an_empty_stream_is_no_work(client: httpx.AsyncClient) -> None:
    assert (await post_batch(client, b"", NDJSON))["created"] == 0


async def test_a_stream_is_stored_while_it_arrives(client: httpx.AsyncClient) -> None:
    async def lines() -> AsyncIterator[bytes]:
        for i in range(n):
            yield line(run_id=str(i))
            if i == n - 100:
                stored = (await client.get("/v1/runs", params={"limit": 1})).json()
                assert stored["runs"]

    n = (AT_ONCE + 1) * CHUNK + 500
    receipt = await post_batch(client, lines(), NDJSON)
    assert (receipt["created"], receipt["results"]) == (n, [])


# ---------------------------------------------------------------- lists


async def test_lists_are_paged_and_filtered(client: httpx.AsyncClient) -> None:
    for i in range(5):
        await post(client, run(run_id=f"r{i}", project="p" if i % 2 else "q", dataset=f"d{i % 3}"))
    first = (await client.get("/v1/runs", params={"limit": 3})).json()
    assert [stored["run_id"] for stored in first["runs"]] == ["r4", "r3", "r2"]
    second = (await client.get("/v1/runs", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [stored["run_id"] for stored in second["runs"]] == ["r1", "r0"]
    assert second["next_cursor"] is None
    filtered = (await client.get("/v1/runs", params={"project": "q", "dataset": "d1", "state": "completed"})).json()
    assert [stored["run_id"] for stored in filtered["runs"]] == ["r4"]


BAD_QUERIES = [
    ("limit=0", "invalid_request"),
    ("limit=-1", "invalid_request"),
    ("limit=1001", "invalid_request"),
    ("limit=1e9", "invalid_request"),
    ("limit=1&limit=2", "invalid_request"),
    ("state=done", "invalid_request"),
    ("project=", "invalid_request"),
    ("dataset=a%00b", "invalid_request"),
    ("run_id=a", "invalid_request"),
    ("cursor=nonsense", "invalid_cursor"),
    ("cursor=", "invalid_cursor"),
]


async def test_a_bad_query_is_refused(client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    for query, code in BAD_QUERIES:
        with subtests.test(query):
            answer = await client.get(f"/v1/runs?{query}")
            assert (answer.status_code, answer.json()["code"]) == (422, code)
            assert answer.json()["errors"][0]["pointer"].startswith("/query/")


# ---------------------------------------------------------------- patches and deletes


async def test_a_running_run_is_finished(client: httpx.AsyncClient) -> None:
    created = await post(client, run_schemas.RUNNING_RUN)
    path = f"/v1/runs/{created['id']}"
    answer = await client.patch(path, json=run_schemas.PATCH)
    assert answer.status_code == 200
    finished = answer.json()
    assert (finished["state"], finished["metrics"]) == ("completed", {"balanced_accuracy": 0.83})
    assert (await client.get(path)).json() == finished
    assert (await client.patch(path, json=run_schemas.PATCH)).json() == finished
    refused = await client.patch(path, json={"metrics": {"balanced_accuracy": 1.0}})
    assert (refused.status_code, refused.json()["code"]) == (409, "run_finished")


BAD_PATCHES: list[tuple[Any, str]] = [
    ({"state": "completed"}, ""),
    ({"state": "done"}, "/state"),
    ({"hyperparameters": {}}, "/hyperparameters"),
    ({"metrics": {"a": "1"}}, "/metrics/a"),
    ({"metrics": {"a": 1}, "resources": {"a": 1}}, ""),
    ([], ""),
]


async def test_a_bad_patch_is_refused(client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    created = await post(client, run_schemas.RUNNING_RUN)
    for patch, where in BAD_PATCHES:
        with subtests.test(repr(patch)):
            answer = await client.patch(f"/v1/runs/{created['id']}", json=patch)
            assert answer.status_code == 422
            assert where in faults(answer.json())
    assert (await client.get(f"/v1/runs/{created['id']}")).json()["state"] == "running"


async def test_a_deleted_run_is_gone_and_its_key_free(client: httpx.AsyncClient) -> None:
    created = await post(client, run(run_id="r"))
    path = f"/v1/runs/{created['id']}"
    answer = await client.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.delete(path)).status_code == (await client.get(path)).status_code == 404
    assert (await client.patch(path, json={})).status_code == 404
    assert (await post(client, run(run_id="r", state="failed")))["status"] == "created"


async def test_an_id_that_is_none_is_refused(client: httpx.AsyncClient, subtests: pytest.Subtests) -> None:
    for id_ in ("1", "9" * 22, "x", "..%2f..%2fetc%2fpasswd", str(uuid4()) + "0"):
        with subtests.test(id_):
            assert (await client.get(f"/v1/runs/{id_}")).status_code in {404, 422}


# ---------------------------------------------------------------- the documentation


async def test_every_documented_example_works_as_it_stands(client: httpx.AsyncClient) -> None:
    for request in run_schemas.RUN_REQUESTS.values():
        await post(client, request["value"])
    assert (await post_batch(client, run_schemas.BATCH))["rejected"] == 0
    assert (await post_batch(client, run_schemas.STREAM, NDJSON))["duplicates"] == 2
    run_schemas.RunRecord.model_validate(run_schemas.RUN_RECORD)
    run_schemas.BatchReceipt.model_validate(run_schemas.BATCH_RECEIPT)


async def test_the_batch_is_documented_in_both_forms(app: FastAPI) -> None:
    document = app.openapi()
    body = document["paths"]["/v1/runs/batch"]["post"]["requestBody"]
    assert body["content"].keys() == {JSON, NDJSON}
    assert body["content"][JSON]["schema"] == {"$ref": "#/components/schemas/RunBatch"}
    assert "RunBatch" in document["components"]["schemas"]
