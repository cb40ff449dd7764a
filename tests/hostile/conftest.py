"""A served process for each module, with a run that is still running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import _database
from tests.hostile.served import Served, served


@pytest.fixture(scope="module")
def victim(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory: Path = tmp_path_factory.mktemp("hostile")
    with contextmanager(_database)(server_url, template) as url, served(url, directory) as process:
        yield process


@pytest.fixture(scope="module")
def running_run(victim: Served) -> str:
    """The id of a run that may still be patched."""
    body = {"project": "hostile", "dataset": "d", "state": "running", "run_id": "running"}
    with victim.client() as client:
        identifier: str = client.post("/v1/runs", json=body).json()["id"]
    return identifier
