"""The OpenAPI document is the truth: generated requests, right and wrong ones, against a real server.

All checks of schemathesis run: no server error, declared status, media type, headers and shape; wrong requests are
refused, right ones accepted, other methods answered with 405. Where a schema cannot say what the service means, the
exception is spelled out below with its reason. The cases are derived from the document alone (no random seed, no
database of examples): a failure today is the same failure tomorrow.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, CheckFunction, Response, SerializationContext
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from app.config import Settings
from app.flows.access import create_key
from app.main import create_app
from app.store.database import connect
from tests.api.conftest import served
from tests.conftest import _database

MAX_EXAMPLES = 20
CHAINS, STEPS = 15, 8
schema = schemathesis.openapi.from_dict(create_app(Settings()).openapi())

MEANT_OTHERWISE = {
    "invalid_cursor": ("",),  # a cursor is an opaque text
    "invalid_search_space": ("",),  # bounds in order, parents that exist, constraints that parse
    "no_feasible_configuration": ("",),  # constraints that leave something
    "unknown_metric": ("",),  # what has been reported so far
    "invalid_request": (
        "an integer must lie within",  # the limits of free-form JSON values
        "the number is out of range",
        "holds a NUL character",
        "nested deeper than",
        "the project has no such recommendation",  # a reference to what is stored
        "a completed run needs at least one metric",  # one field decides about another
        "stands in both metrics and resources",
        "finished_at is before started_at",
        "a metric has one direction",  # unique by one member
        "is an objective already",
        "names no objective",  # the project may declare them
        "weighs improvement against a resource",  # `per` means something with one strategy, and one objective
    ),
}
"""Why a request that fits the schema may yet be refused: by code, what the detail says."""


@schemathesis.serializer("application/x-ndjson")
def as_it_is(context: SerializationContext, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


@schemathesis.check
def refused_only_for_what_no_schema_can_say(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """`positive_data_acceptance`, but for the reasons above."""
    if None in case.path_parameters.values():  # a link that was followed from null, such as a project's champion
        return None
    if response.status_code == 422:
        problem = response.json()
        if any(reason in problem["detail"] for reason in MEANT_OTHERWISE.get(problem["code"], ())):
            return None
    return positive_data_acceptance(ctx, response, case)


@pytest.fixture(scope="module")
def service(server_url: str, template: str) -> Iterator[tuple[str, str]]:
    """A server of this module's own that asks for keys, on a database that fills up with whatever is accepted."""
    with (
        contextmanager(_database)(server_url, template) as url,
        served(create_app(Settings(database_url=url, worker=False, auth="required"))) as base_url,
    ):
        yield base_url, key_for(url)


def key_for(url: str) -> str:
    async def make() -> str:
        database = connect(url, pool_size=1)
        async with database.transaction() as connection:
            _, text = await create_key(connection, "schemathesis", ["admin"])
        await database.close()
        return text

    with asyncio.Runner() as runner:
        return runner.run(make())


@schema.parametrize()
@settings(max_examples=MAX_EXAMPLES, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_request_is_answered_otherwise_than_documented(case: Case, service: tuple[str, str]) -> None:
    base_url, key = service
    headers = {"Authorization": f"Bearer {key}"}
    case.call_and_validate(base_url=base_url, headers=headers, excluded_checks=excluded(case))


def excluded(case: Case) -> list[CheckFunction]:
    checks = [positive_data_acceptance]  # in favour of the check above
    if case.operation.path == "/v1/runs/batch":
        # Its path is one of /v1/runs/{id} too, whose methods answer that `batch` is no id: 422, not 405.
        checks += [unsupported_method, allow_header_conformance]
        # One bad run never rejects the others: the answer is 200, and says what is wrong with which.
        checks += [negative_data_rejection]
    return checks


def test_requests_that_follow_each_other_are_answered_as_documented(service: tuple[str, str]) -> None:
    """Chains: what one request made is looked at, changed and deleted by the next, by the ids in its answer."""
    base_url, key = service
    followed: Counter[tuple[str, int]] = Counter()

    chains = schemathesis.openapi.from_dict(create_app(Settings()).openapi()).as_state_machine()

    class Chain(chains):  # type: ignore[misc, valid-type]  # it is made as the tests run
        def get_call_kwargs(self, case: Case) -> dict[str, Any]:
            return {"base_url": base_url, "headers": {"Authorization": f"Bearer {key}"}}

        def step(self, input: StepInput) -> StepOutput:  # noqa: A002  # its name there
            output: StepOutput = super().step(input)
            if input.transition is not None:
                followed[input.case.operation.label, output.response.status_code] += 1
            return output

        def validate_response(
            self, response: Response, case: Case, additional_checks: list[CheckFunction] | None = None, **kwargs: Any
        ) -> None:
            case.validate_response(response, excluded_checks=excluded(case), transport_kwargs=kwargs)

    Chain.run(
        settings=settings(
            max_examples=CHAINS, stateful_step_count=STEPS, derandomize=True, deadline=None,
            suppress_health_check=list(HealthCheck),
        )
    )  # fmt: skip
    assert [label for label, status in followed if status < 400], followed  # what was made has been found
