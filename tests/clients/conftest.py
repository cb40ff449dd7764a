"""A running service, for all the clients that go round the loop against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.service import Service, service


@pytest.fixture(scope="session")
def live_service() -> Iterator[Service]:
    """With its worker and its database; each client has projects of its own."""
    with service() as made:
        made.start()
        yield made
