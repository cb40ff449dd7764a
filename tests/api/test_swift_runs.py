"""The swift reader of runs says the same as the strict reader and the model, or nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api import swift_runs
from app.api.strict_json import Limits, loads
from app.errors import ForerunError
from app.store.arrivals import Arrival, arrival_of
from app.types import Run
from tests.hostile.test_documents import nearly, runs

LIMITS = Limits()
RUN: dict[str, Any] = {
    "run_id": "r",
    "dataset": {"name": "adult", "meta_features": {"n_rows": 1}},
    "state": "completed",
    "hyperparameters": {"a": 1, "b": {"c": [1, {"d": "e:f"}]}, "device": "cuda:0"},
    "metrics": {"accuracy": 0.5},
    "learning_curve": [{"step": 1, "metrics": {"accuracy": 0.25}}],
    "started_at": "2026-03-02T10:14:07+01:00",
    "tags": {"team": "r{is}k"},
}


def carefully(body: bytes) -> Arrival | None:
    try:
        return arrival_of(Run.model_validate(loads(body)))
    except (ValueError, ForerunError):
        return None


@settings(max_examples=200, deadline=None)
@given(document=runs() | nearly(runs()), indent=st.sampled_from([None, 1]), escaped=st.booleans())
def test_it_agrees_with_the_careful_way_or_leaves_it_alone(document: Any, indent: int | None, escaped: bool) -> None:
    body = json.dumps(document, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    swift, careful = swift_runs.read(body), carefully(body)
    if swift is not None and careful is not None and not document.get("run_id"):
        swift = swift._replace(run_id=careful.run_id)
    assert swift is None or swift == careful


@settings(max_examples=40, deadline=None)
@given(documents=st.lists(runs() | nearly(runs()), min_size=1, max_size=40))
def test_together_they_read_as_each_alone(documents: list[Any]) -> None:
    bodies = [json.dumps(document).encode("utf-8", "surrogatepass") for document in documents]
    together, alone = swift_runs.read_all(bodies), [swift_runs.read(body) for body in bodies]
    assert [run and run._replace(run_id="") for run in together] == [run and run._replace(run_id="") for run in alone]


def test_one_in_doubt_is_no_doubt_about_the_others() -> None:
    good = [json.dumps({**RUN, "run_id": f"r{i}"}).encode() for i in range(100)]
    for what in ("a field twice", "beyond 2^53", "an accent by itself in a name", "nothing", "no metric"):
        bad = DOUBTFUL[what].encode()
        read = swift_runs.read_all([*good[:50], bad, *good[50:]])
        names = [run and run.run_id for run in read]
        assert names == [*(f"r{i}" for i in range(50)), None, *(f"r{i}" for i in range(50, 100))]


def test_what_clients_usually_send_is_read_swiftly() -> None:
    for document in (RUN, {**RUN, "dataset": "größe", "project": "p:q"}, {**RUN, "tags": {"a": "b\n\\"}}):
        for body in (json.dumps(document), json.dumps(document, ensure_ascii=False, separators=(",", ":"))):
            read = swift_runs.read(body.encode())
            assert (read is None) == ("\\u00" in body)
            assert read is None or read == carefully(body.encode())


TEXT = json.dumps(RUN)
DOUBTFUL = {
    "a field twice": TEXT.replace('"state"', '"state": "failed", "state"'),
    "an input twice": TEXT.replace('"a": 1', '"a": 1, "a": 1'),
    "a nested name twice": TEXT.replace('"d"', '"d": 0, "d"'),
    "a metric twice": TEXT.replace('"accuracy": 0.5', '"accuracy": 0.5, "accuracy": 0.5'),
    "a step twice": TEXT.replace('"step": 1', '"step": 1, "step": 1'),
    "the name of the dataset twice": TEXT.replace('"name"', '"name": "x", "name"'),
    "a colon in disguise": TEXT.replace('"a": 1', '"a": 1, "a": "\\u003a"'),
    "beyond 2^53": TEXT.replace('"a": 1', '"a": 9007199254740993'),
    "a long number": TEXT.replace("0.5", "0." + "5" * 70),
    "NUL": TEXT.replace("r{is}k", "\\u0000"),
    "a control character in a name": TEXT.replace('"a": 1', '"a\\n": 1'),
    "DEL in a name": TEXT.replace('"a": 1', '"a\x7f": 1'),
    "an accent by itself in a name": TEXT.replace('"a": 1', '"e\u0301": 1'),
    "an accent by itself in a nested name": TEXT.replace('"d"', '"e\u0301"'),
    "half a surrogate pair": TEXT.replace("r{is}k", "\\ud800"),
    "an empty name": TEXT.replace('"a": 1', '"": 1'),
    "a long name": TEXT.replace('"a": 1', f'"{"a" * 201}": 1'),
    "too deep": TEXT.replace('"a": 1', f'"a": {"[" * 31}{"]" * 31}'),
    "too many names": json.dumps({**RUN, "hyperparameters": {str(i): i for i in range(4_097)}}),
    "NaN": TEXT.replace("0.5", "NaN"),
    "infinite": TEXT.replace("0.5", "1e400"),
    "too large": TEXT.replace("0.5", "1e301"),
    "a byte order mark": "\ufeff" + TEXT,
    "no metric": json.dumps({**RUN, "metrics": {}}),
    "a name in both": json.dumps({**RUN, "resources": {"accuracy": 1}}),
    "ends before it starts": json.dumps({**RUN, "finished_at": "2026-03-02T09:14:06Z"}),
    "an empty time": json.dumps({name: RUN[name] for name in RUN if name != "started_at"} | {"finished_at": ""}),
    "a bare date": json.dumps({**RUN, "finished_at": "2026-03-02"}),
    "a field too many": json.dumps({**RUN, "metric": {}}),
    "nothing": "",
}


@pytest.mark.parametrize("what", DOUBTFUL)
def test_what_is_refused_is_in_doubt(what: str) -> None:
    assert DOUBTFUL[what] != TEXT
    assert swift_runs.read(DOUBTFUL[what].encode("utf-8", "surrogatepass")) is None


def test_deep_is_deep_wherever_it_stands() -> None:
    deep = TEXT.replace('"a": 1', f'"a": {"[" * 29}{"]" * 29}').encode()
    assert swift_runs.read(deep) is not None
    assert swift_runs.read(deep, around=2) is None


def batch(*runs: str, between: str = ",") -> bytes:
    return f'{{"runs":[{between.join(runs)}]}}'.encode()


@pytest.mark.parametrize("between", [",", ", ", " ,\n "])
def test_a_batch_is_taken_apart(between: str) -> None:
    taken = swift_runs.split(batch(TEXT, "1", "{}", between=between), LIMITS)
    assert taken == [TEXT.encode(), b"1", b"{}"]
    assert swift_runs.split(batch(TEXT, "1", between=between), LIMITS) is None  # what does not end as runs do
    assert swift_runs.split(batch(TEXT, TEXT, between=between), LIMITS) == [TEXT.encode()] * 2


@pytest.mark.parametrize(
    "body",
    [
        batch(TEXT)[:-1] + b',"runs":[]}',
        batch(TEXT)[:-1] + b',"runs":' + batch(TEXT)[8:-1] + b"}",
        batch(TEXT)[:-1] + b',"\\u0072uns":[{}]}',
        batch(TEXT)[:-1] + b',"more":[]}',
        batch(TEXT) + b"{}",
        b"\xef\xbb\xbf" + batch(TEXT),
        batch(),
        batch(*["{}"] * 10_001),
        b"[]",
        b"",
    ],
)
def test_a_batch_that_may_mean_something_else_is_in_doubt(body: bytes) -> None:
    assert swift_runs.split(body, LIMITS) is None


def test_two_lists_are_never_taken_for_one() -> None:
    """Whatever the lengths: what lies between the runs is counted where it is not one comma each."""
    for length in range(60):
        lost = "[" + " " * length + "]"
        body = f'{{"runs":{lost},"runs":[{", ".join([TEXT] * 30)}]}}'.encode()
        assert swift_runs.split(body, LIMITS) is None
