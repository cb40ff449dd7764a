"""A live service to import into, and foreign histories made by the libraries that they are of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.config import Settings
from app.importers.post import Tally, post
from app.importers.source import Source
from app.main import create_app
from tests.api.conftest import served

Json = dict[str, Any]


@pytest.fixture
def service(settings: Settings) -> Iterator[httpx.Client]:
    with served(create_app(settings)) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.fixture
def imported(service: httpx.Client) -> Callable[[Source], tuple[Tally, dict[str, Json]]]:
    """Imports a whole source; what came of it, and every stored run by its run_id."""

    def send(source: Source, *, refresh: bool = False) -> tuple[Tally, dict[str, Json]]:
        tally = post(service, source.read(None), lambda cursor, tally: None, refresh=refresh)
        return tally, stored(service)

    return send


def stored(client: httpx.Client) -> dict[str, Json]:
    runs: list[Json] = []
    cursor: str | None = None
    while True:
        page = client.get("/v1/runs", params={"limit": 1000} | ({"cursor": cursor} if cursor else {})).json()
        runs += page["runs"]
        cursor = page["next_cursor"]
        if cursor is None:
            return {run["run_id"]: run for run in runs}
