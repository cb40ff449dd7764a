"""Real search spaces, as people send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.space import SearchSpace, parse_search_space
from app.space.columns import n_rows, present
from tests.space.reference import is_allowed

CORPUS = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "corpus").glob("*.json"))}

CONSTRAINTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "mlp": lambda c: all(c[f"units_{i + 1}"] <= c[f"units_{i}"] for i in range(1, c["n_layers"])),
    "nas_cells": lambda c: (
        c["architecture.n_cells"] * c["architecture.width"] <= 512
        and (
            not c["architecture.attention"]
            or c["architecture.heads"] * c["architecture.head_width"] <= 4 * c["architecture.width"]
        )
    ),
    "lightgbm": lambda c: c["max_depth"] == -1 or c["num_leaves"] <= 2 ** c["max_depth"],
    "mixture": lambda c: round(sum(c.values()), 9) == 1 and c["share_web"] >= 0.1,
    "finetune": lambda c: (
        c["batch_size"] % c["environment.n_accelerators"] == 0
        and (c["warmup-ratio"] == 0 or c["fidelity.epochs"] > 1)
        and (c["freeze"] != "all but head" or c["learning_rate"] >= 3e-5)
    ),
    "variants": lambda c: c.get("learning_rate", 0) <= 0.1,
}
"""What the constraints of a space say, in Python."""


@pytest.fixture(params=CORPUS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def space_of(name: str) -> SearchSpace:
    space = parse_search_space(CORPUS[name]["search_space"])
    assert isinstance(space, SearchSpace)
    return space


def check(name: str, configurations: list[dict[str, Any]]) -> None:
    raw = CORPUS[name]["search_space"]
    for configuration in configurations:
        assert is_allowed(raw, (), configuration)
        assert CONSTRAINTS.get(name, lambda c: True)(configuration)
    assert ("constraints" in raw) == (name in CONSTRAINTS)


def test_sizes(name: str) -> None:
    size = CORPUS[name]["size"]
    assert space_of(name).size() == (int(size) if isinstance(size, str) else size)


def test_everything_listed_sampled_and_near_is_allowed(name: str) -> None:
    space = space_of(name)
    sample = space.sample(200, seed=1)
    near = space.neighbours(sample, 2, seed=2)
    assert n_rows(sample) == 200 or n_rows(sample) == space.size()
    assert n_rows(near) > 30
    for columns in (sample, near):
        check(name, space.decode(columns, range(n_rows(columns))))
    if (size := space.size()) is not None and size <= 2_000:
        listed = space.enumerate(2_000)
        assert listed is not None
        check(name, space.decode(listed, range(size)))


def test_examples_belong_and_others_do_not(name: str) -> None:
    space = space_of(name)
    allowed, refused = CORPUS[name]["allowed"], CORPUS[name]["refused"]
    columns = space.encode([*allowed, *refused])
    rows = [any(present(column)[row] for column in columns.values()) for row in range(len(allowed) + len(refused))]
    assert rows == [True] * len(allowed) + [False] * len(refused)
    assert space.allowed(columns)[: len(allowed)].all()
