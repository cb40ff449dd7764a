"""The k best of a sum of tables, against all of its sums; and what is claimed when there was no time to finish."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.search import branch_and_bound, buckets
from app.search.branch_and_bound import GLANCE, STEADY, UNTIL_PROVEN, top_k
from app.search.grid import Factors
from app.search.network import make_network
from app.search.shift import PATIENTLY, shifted, with_hubs
from tests.ensembles import examples, points, seeds


def made_factors(seed: int, sizes: tuple[int, ...], n_factors: int, *, ties: bool, excluded: float = 0.0) -> Factors:
    """Tables over up to four dimensions, coarser than their values, whose entries add up exactly."""
    rng = np.random.default_rng(seed)
    scopes, maps, tables = [], [], []
    for _ in range(n_factors):
        scope = tuple(sorted(rng.choice(len(sizes), rng.integers(1, min(4, len(sizes)) + 1), replace=False).tolist()))
        own = tuple(np.minimum(rng.integers(0, 3, sizes[d]), sizes[d] - 1) for d in scope)
        table = rng.integers(-3, 4, [3] * len(scope)) / (1.0 if ties else 2.0**-10)
        if not ties:
            table = rng.integers(-(2**20), 2**20, table.shape) / 2.0**20
        scopes.append(scope)
        maps.append(own)
        tables.append(np.where(rng.random(table.shape) < excluded, -np.inf, table))
    return Factors(sizes, 0.5, tuple(scopes), tuple(maps), tuple(tables))


def listed(factors: Factors, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best points in order, and their scores."""
    x = points(factors.sizes)
    f = factors(x)
    order = np.lexsort((*x.T[::-1], -f))[:k]
    order = order[np.isfinite(f[order])]
    return x[order], f[order]


cases = st.fixed_dictionaries(
    {
        "seed": seeds,
        "sizes": st.lists(st.integers(1, 7), min_size=1, max_size=5).map(tuple),
        "n_factors": st.integers(0, 12),
        "ties": st.booleans(),
        "excluded": st.sampled_from([0.0, 0.0, 0.2, 0.7]),
    }
)


@pytest.mark.parametrize("hurried", [False, True])
@settings(max_examples=examples(200), deadline=None)
@given(case=cases, k=st.integers(1, 60))
def test_the_best_are_those_of_a_full_list(hurried: bool, case: dict, k: int) -> None:
    """`hurried` leaves the first bounds so little that shifted ones and the ladder have to finish."""
    factors = made_factors(**case)
    with pytest.MonkeyPatch.context() as patch:
        if hurried:
            patch.setattr(branch_and_bound, "SMALL", 4)
            patch.setattr(branch_and_bound, "LARGE", 16)
            patch.setattr(branch_and_bound, "PATIENT", 1)
            patch.setattr(branch_and_bound, "MANY", 1)
            patch.setattr(branch_and_bound, "STEP", 1)
            patch.setattr(branch_and_bound, "BUFFER", 2)
            patch.setattr(branch_and_bound, "WIDE", 2)
        found = top_k(factors, k)
    x, f = listed(factors, k)
    np.testing.assert_array_equal(found.scores, f)
    np.testing.assert_array_equal(found.indices, x)
    assert found.proven


@pytest.mark.parametrize("effort", [GLANCE, STEADY, UNTIL_PROVEN])
@settings(max_examples=examples(200), deadline=None)
@given(case=cases, k=st.integers(1, 20), after=st.integers(0, 30))
def test_a_search_that_ends_early_claims_no_more_than_it_knows(effort: int, case: dict, k: int, after: int) -> None:
    """Interrupted, or because no more effort was to be spent on it."""
    factors = made_factors(**case)
    asked = iter(range(after))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(branch_and_bound, "LITTLE", 4)
        patch.setattr(branch_and_bound, "BRIEF", 4)
        patch.setattr(branch_and_bound, "QUICK", 4)
        patch.setattr(branch_and_bound, "NARROW", 1)
        patch.setattr(branch_and_bound, "STEP", 1)
        patch.setattr(branch_and_bound, "SMALL", 4)
        patch.setattr(branch_and_bound, "PATIENT", 4)
        patch.setattr(branch_and_bound, "WIDE", 1)
        found = top_k(factors, k, effort=effort, stop=lambda: next(asked, None) is None)
    x = points(factors.sizes)
    f = factors(x)
    answered = (x[:, None] == found.indices[None]).all(2).any(1)
    np.testing.assert_array_equal(factors(found.indices), found.scores)
    missed = f[~answered].max(initial=-np.inf)
    assert missed <= found.bound
    if found.proven:
        np.testing.assert_array_equal(found.scores, listed(factors, k)[1])


@settings(max_examples=examples(100), deadline=None)
@given(case=cases, wanted=st.integers(2, 5))
def test_what_a_filter_refuses_is_never_answered(case: dict, wanted: int) -> None:
    factors = made_factors(**case)
    apart = [(d,) for d in range(len(factors.sizes))]
    factors = Factors(
        factors.sizes,
        factors.constant,
        (*factors.scopes, *apart),
        (*factors.maps, *((np.arange(size),) for size in factors.sizes)),
        (*factors.tables, *(np.zeros(size) for size in factors.sizes)),
    )
    found = top_k(factors, 10, accept=lambda x, _: x.sum(1) % wanted == 0)
    x, f = listed(factors, 10**6)
    kept = x.sum(1) % wanted == 0
    np.testing.assert_array_equal(found.indices, x[kept][:10])
    np.testing.assert_array_equal(found.scores, f[kept][:10])


@settings(max_examples=examples(100), deadline=None)
@given(case=cases)
def test_shifting_changes_no_sum_and_loosens_no_bound(case: dict) -> None:
    factors = made_factors(**case | {"excluded": 0.0})
    network = make_network(factors)
    hubs = with_hubs(network, PATIENTLY)
    after = shifted(hubs).network
    whole = 10**9
    assert buckets.eliminate(after, whole).root == buckets.eliminate(network, whole).root

    def loose(n):
        return sum(int(n.data[a:b].max()) for a, b in zip(n.offsets[:-1], n.offsets[1:], strict=True))

    assert loose(after) <= loose(hubs.network)
    assert network.scores(np.array(buckets.eliminate(network, whole).root)) == factors(points(factors.sizes)).max()


def test_ties_beyond_counting_come_in_the_order_of_enumeration() -> None:
    """A sum that is the same everywhere: 10^30 configurations, of which the first ones are answered."""
    factors = Factors((1000,) * 10, 1.5, (), (), ())
    found = top_k(factors, 5)
    assert found.proven
    np.testing.assert_array_equal(found.indices[:, :9], 0)
    np.testing.assert_array_equal(found.indices[:, 9], range(5))
    np.testing.assert_array_equal(found.scores, 1.5)
