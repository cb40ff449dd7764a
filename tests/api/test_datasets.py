"""`/v1/datasets` over HTTP."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from app.api import run_schemas


async def put(
    client: httpx.AsyncClient, name: str, meta_features: dict[str, Any], status: int = 200, **query: str
) -> Any:
    answer = await client.put(f"/v1/datasets/{name}", json={"meta_features": meta_features}, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_dataset_is_described_and_described_anew(client: httpx.AsyncClient) -> None:
    first = await put(client, "adult", {"n_rows": 48842, "n_classes": 2})
    assert first.keys() == run_schemas.DatasetRecord.model_fields.keys()
    assert (first["project"], first["n_runs"]) == ("default", 0)
    second = await put(client, "adult", {"n_rows": 5})
    assert (second["meta_features"], second["created_at"]) == ({"n_rows": 5.0}, first["created_at"])
    assert (await client.get("/v1/datasets/adult")).json() == second
    assert (await client.get("/v1/datasets/adult", params={"project": "other"})).status_code == 404


async def test_runs_tell_about_their_dataset(client: httpx.AsyncClient) -> None:
    await put(client, "adult", {"n_rows": 5, "n_classes": 2})
    run = {"dataset": {"name": "adult", "meta_features": {"n_rows": 6}}, "state": "failed"}
    created = (await client.post("/v1/runs", json=run)).json()
    known = (await client.get("/v1/datasets/adult")).json()
    assert (known["meta_features"], known["n_runs"]) == ({"n_rows": 6.0, "n_classes": 2.0}, 1)
    stored = (await client.get(f"/v1/runs/{created['id']}")).json()
    assert stored["dataset"] == {"name": "adult", "meta_features": known["meta_features"]}


async def test_any_name_has_a_path(client: httpx.AsyncClient) -> None:
    for name in ("a b", "a/b", "%2e%2e", "\u00e9\u4e2d", "a%23b?"):
        path = quote(name, safe="")
        assert (await put(client, path, {}))["name"] == name
        assert (await client.get(f"/v1/datasets/{path}")).json()["name"] == name


async def test_datasets_are_listed(client: httpx.AsyncClient) -> None:
    for project in "pq":
        for i in range(3):
            await put(client, f"d{i}", {"i": i}, project=project)
    first = (await client.get("/v1/datasets", params={"project": "p", "limit": 2})).json()
    assert [dataset["name"] for dataset in first["datasets"]] == ["d2", "d1"]
    query = {"project": "p", "limit": 2, "cursor": first["next_cursor"]}
    second = (await client.get("/v1/datasets", params=query)).json()
    assert ([dataset["name"] for dataset in second["datasets"]], second["next_cursor"]) == (["d0"], None)
    assert len((await client.get("/v1/datasets")).json()["datasets"]) == 6
    assert (await client.get("/v1/datasets", params={"cursor": "x"})).json()["code"] == "invalid_cursor"


BAD_DESCRIPTIONS: list[tuple[Any, str]] = [
    ({"meta_features": {"x": "1"}}, "/meta_features/x"),
    ({"meta_features": {"": 1}}, "/meta_features/"),
    ({"metafeatures": {}}, "/metafeatures"),
    ([], ""),
]


async def test_a_bad_description_is_refused(client: httpx.AsyncClient) -> None:
    for body, where in BAD_DESCRIPTIONS:
        answer = await client.put("/v1/datasets/adult", json=body)
        assert answer.status_code == 422
        assert where in {fault["pointer"] for fault in answer.json()["errors"]}
    assert (await client.get("/v1/datasets/adult")).status_code == 404
