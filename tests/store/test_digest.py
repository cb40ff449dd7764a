"""A retry is recognised by what it says and not by how it is written; whatever it says else makes it another run."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.api.strict_json import loads
from app.errors import ForerunError
from app.store.arrivals import arrival_of
from app.types import Run
from tests.hostile.test_documents import nearly, runs


def digest(text: str) -> bytes:
    return arrival_of(Run.model_validate(loads(text.encode()))).digest


def shuffled(document: Any, rng: random.Random) -> Any:
    """The same document with the names of every object in another order."""
    if isinstance(document, list):
        return [shuffled(item, rng) for item in document]
    if not isinstance(document, dict):
        return document
    names = list(document)
    rng.shuffle(names)
    return {name: shuffled(document[name], rng) for name in names}


@settings(max_examples=60, deadline=None)
@given(run=runs(), rng=st.randoms(use_true_random=False), indent=st.sampled_from([None, 2]), escaped=st.booleans())
def test_order_and_blanks_and_escapes_do_not_matter(
    run: dict[str, Any], rng: random.Random, indent: int | None, escaped: bool
) -> None:
    again = json.dumps(shuffled(run, rng), indent=indent, ensure_ascii=escaped)
    assert digest(again) == digest(json.dumps(run))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), run=runs())
def test_whatever_is_read_as_another_run_has_another_digest(data: st.DataObject, run: dict[str, Any]) -> None:
    other = data.draw(nearly(st.just(run)))
    try:
        read = Run.model_validate(loads(json.dumps(other).encode()))
    except (ValueError, ForerunError):
        assume(False)
    one = Run.model_validate(loads(json.dumps(run).encode()))
    assume(read.project == one.project)
    assert (digest(json.dumps(other)) == digest(json.dumps(run))) == (canonical(read) == canonical(one))


def canonical(run: Run) -> str:
    return json.dumps(_alike(run.model_dump(mode="json")), sort_keys=True)


def _alike(value: Any) -> Any:
    """1 and 1.0 are one number."""
    if isinstance(value, list):
        return [_alike(item) for item in value]
    if isinstance(value, dict):
        return {name: _alike(item) for name, item in value.items()}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
