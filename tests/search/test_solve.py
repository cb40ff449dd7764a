"""Whole spaces solved exactly, against brute force: every configuration listed and scored by the trees themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from app.errors import NoFeasibleConfiguration
from app.featurise.featuriser import SOURCES, Featuriser
from app.featurise.frame import flat_columns
from app.featurise.schema import infer
from app.learn.trees import Trees, summed
from app.search.axes import make_axes
from app.search.solve import solve
from app.space import Columns, SearchSpace, parse_search_space
from app.space.columns import n_rows
from tests.ensembles import examples
from tests.strategies import Case, spaces


def featuriser_of(space: SearchSpace) -> Featuriser:
    """As a history of random configurations would have made it."""
    columns = flat_columns(space.inputs(space.sample(128, seed=0)))
    return Featuriser((), tuple(infer(p, column, SOURCES[p.partition(".")[0]]) for p, column in columns.items()))


def encoder_of(space, featuriser):
    def encode(columns: Columns):
        inputs = space.inputs(columns)
        return featuriser.transform(inputs, [{}], np.zeros(n_rows(columns), np.int64)).X

    return encode


def random_trees(seed: int, X, n_trees: int, depth: int, leaves: str) -> Trees:
    """Oblivious trees that split at (and between) values that occur; `leaves` few: many configurations tie."""
    rng = np.random.default_rng(seed)
    d = X.shape[1]
    depths = rng.integers(1, depth + 1, n_trees) if d else np.zeros(0, np.int64)
    feature = rng.integers(0, max(d, 1), int(depths.sum()))
    border = np.zeros(len(feature), np.float32)
    for i, j in enumerate(feature):
        seen = X[~np.isnan(X[:, j]), j]
        border[i] = rng.choice(seen) - rng.choice([0.0, 0.01, 0.5]) if len(seen) else 0.5
    n_leaves = int((2**depths).sum())
    values = rng.integers(-2, 3, n_leaves) / 4 if leaves == "few" else rng.normal(size=n_leaves)
    firsts = [np.concatenate([[0], np.cumsum(size)]) for size in (depths, 2**depths)]
    above = rng.integers(0, 2, max(d, 1)).astype(bool)[feature]
    return summed([(1.0, Trees(0.5, firsts[0], feature, border, above, firsts[1], values.astype(float)))])


def places(space: SearchSpace, axes, columns: Columns) -> np.ndarray:
    """The entry of each axis (n, axes) that each configuration holds."""
    out = np.full((n_rows(columns), len(axes)), -1)
    for a, axis in enumerate(axes):
        mine = [column_bytes(columns, axis, i) for i in range(n_rows(columns))]
        index = {column_bytes(axis.columns, axis, w): w for w in range(len(axis) - 1, -1, -1)}
        out[:, a] = [index[m] for m in mine]
    return out


def column_bytes(columns, axis, i):
    parts = []
    for p in axis.variants:
        c = columns[p.key]
        parts.append(np.nan_to_num(c.values[i], nan=-1e301) if hasattr(c, "values") else int(c.codes[i]))
    return tuple(parts)


models = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**32 - 1),
        "n_trees": st.integers(0, 12),
        "depth": st.integers(1, 5),
        "leaves": st.sampled_from(["few", "many"]),
    }
)


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=spaces(), model=models, k=st.integers(1, 40))
def test_finite_spaces_are_solved_as_if_listed(case: Case, model, k: int) -> None:
    space = parse_search_space(case.raw)
    assert isinstance(space, SearchSpace)
    try:
        listed = space.enumerate(20_000)
    except NoFeasibleConfiguration:
        listed = None
        assume(False)
    assume(listed is not None)
    featuriser = featuriser_of(space)
    encode = encoder_of(space, featuriser)
    X = encode(listed)
    trees = random_trees(model["seed"], X, model["n_trees"], model["depth"], model["leaves"])
    solution = solve(space, featuriser, encode, trees, k)
    if solution is None:
        return
    f = trees.predict(X)
    axes = make_axes(space, featuriser, trees)
    where = places(space, axes, listed)
    order = np.lexsort((*where.T[::-1], -f))[:k]
    assert solution.enumeration == "exact"
    assert solution.gap == 0
    np.testing.assert_array_equal(solution.scores, f[order])
    np.testing.assert_array_equal(places(space, axes, solution.columns), where[order])


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(case=spaces(continuous=True), model=models, k=st.integers(1, 20))
def test_no_configuration_of_a_continuous_space_beats_the_answer(case: Case, model, k: int) -> None:
    space = parse_search_space(case.raw)
    assert isinstance(space, SearchSpace)
    try:
        sampled = space.sample(512, seed=1)
    except NoFeasibleConfiguration:
        return
    featuriser = featuriser_of(space)
    encode = encoder_of(space, featuriser)
    X = encode(sampled)
    trees = random_trees(model["seed"], X, model["n_trees"], model["depth"], model["leaves"])
    solution = solve(space, featuriser, encode, trees, k)
    if solution is None:
        return
    assert space.allowed(solution.columns).all()
    np.testing.assert_array_equal(trees.predict(encode(solution.columns)), solution.scores)
    assert (np.diff(solution.scores) <= 0).all()
    f = trees.predict(X)
    worst = solution.scores[-1] if len(solution.scores) == k else -np.inf
    missed = f[(f > worst) & ~np.isin(f, solution.scores)]
    assert missed.max(initial=-np.inf) <= (worst if solution.enumeration == "exact" else solution.bound)
