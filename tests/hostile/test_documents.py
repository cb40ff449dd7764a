"""Generated documents: what is valid is taken, what is nearly valid is refused and said why, and nothing is a 5xx."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.api.problems import Problem
from app.types import composed
from tests import strategies
from tests.hostile.served import Served

FEW = settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).map(composed)
NUMBERS = st.floats(-1e300, 1e300) | st.integers(-(2**53), 2**53)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
OFFSETS = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=OFFSETS).map(datetime.isoformat)
INPUTS = st.dictionaries(NAMES, VALUES, max_size=4)


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    """A run document that is valid."""
    targets = draw(st.dictionaries(NAMES, NUMBERS, min_size=1, max_size=4))
    names = sorted(targets)
    cut = draw(st.integers(1, len(names)))
    whole = {
        "project": draw(st.sampled_from(["default", "p", "P"])),
        "dataset": draw(NAMES | st.fixed_dictionaries({"name": NAMES, "meta_features": st.just({"n_rows": 10})})),
        "state": draw(st.sampled_from(["completed", "failed", "running", "stopped"])),
        "metrics": {name: targets[name] for name in names[:cut]},
        "resources": {name: targets[name] for name in names[cut:]},
    }
    inputs = dict.fromkeys(("hyperparameters", "architecture", "environment", "fidelity"), INPUTS)
    curve = st.lists(st.fixed_dictionaries({"step": NUMBERS, "metrics": st.just({"m": 1.0})}), max_size=3)
    more = {"learning_curve": curve, "started_at": TIMES, "tags": st.dictionaries(NAMES, TEXTS, max_size=2)}
    return whole | draw(st.fixed_dictionaries({}, optional={**inputs, **more}))


WRONG = (None, True, "1", 1e301, 2**53 + 1, -1, [], {}, "", "\x00", "x" * 5_000, [{}], {"": 1}, "NaN")


@st.composite
def nearly(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """A document with one thing changed: a value that is another, a part that is missing, or one too many."""
    document = copy.deepcopy(draw(documents))
    parent, key = draw(st.sampled_from(list(_places(document))))
    match draw(st.sampled_from(["other", "missing", "more"])):
        case "other":
            parent[key] = draw(st.sampled_from(WRONG))
        case "missing":
            del parent[key]
        case "more" if isinstance(parent, dict):
            parent[f"{key}_"] = parent[key]
        case "more":
            parent.append(parent[key])
    return document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    keys = document if isinstance(document, dict) else range(len(document)) if isinstance(document, list) else ()
    for key in keys:
        yield document, key
        yield from _places(document[key])


@pytest.fixture(scope="module")
def client(victim: Served) -> Iterator[httpx.Client]:
    with victim.client() as client:
        yield client


@FEW
@given(run=runs())
def test_a_valid_run_is_stored_and_shown_as_it_was_sent(run: dict[str, Any], client: httpx.Client) -> None:
    assume(all(isinstance(value, (int, float)) for value in run["metrics"].values()))
    answer = client.post("/v1/runs", content=json.dumps(run), headers={"Content-Type": "application/json"})
    assert answer.status_code == 201, answer.text
    shown = client.get(f"/v1/runs/{answer.json()['id']}").json()
    for kind in ("metrics", "resources", "hyperparameters", "architecture", "environment", "fidelity", "tags"):
        assert shown[kind] == run.get(kind, {})


@FEW
@given(run=nearly(runs()))
def test_a_run_that_is_nearly_valid_is_taken_or_told_why_not(run: Any, client: httpx.Client) -> None:
    assert_taken_or_told(client.post("/v1/runs", content=json.dumps(run), headers=JSON), {200, 201})


@FEW
@given(case=strategies.spaces(continuous=True))
def test_a_valid_space_is_searched(case: strategies.Case, client: httpx.Client) -> None:
    answer = client.post("/v1/recommend", content=json.dumps(_question(case.raw)), headers=JSON)
    if answer.status_code != 200:
        assert answer.json()["code"] == "no_feasible_configuration", answer.text


@FEW
@given(space=nearly(strategies.spaces(continuous=True).map(lambda case: case.raw)))
def test_a_space_that_is_nearly_valid_is_searched_or_told_why_not(space: Any, client: httpx.Client) -> None:
    assert_taken_or_told(client.post("/v1/recommend", content=json.dumps(_question(space)), headers=JSON), {200})


JSON = {"Content-Type": "application/json"}


def _question(space: Any) -> dict[str, Any]:
    objectives = [{"metric": "m", "direction": "maximize"}]
    return {"project": "none", "dataset": "d", "objectives": objectives, "search_space": space, "top_k": 3}


def assert_taken_or_told(answer: httpx.Response, taken: set[int]) -> None:
    if answer.status_code not in taken:
        assert answer.status_code in {400, 409, 422}, answer.text
        assert Problem.model_validate_json(answer.content).errors
