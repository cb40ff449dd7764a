"""A short campaign of mutated requests; `python -m tests.hostile.fuzz` is the long one."""

from __future__ import annotations

from itertools import islice

from tests.hostile import fuzz
from tests.hostile.served import Served
from tests.hostile.test_corpus import assert_well

N_REQUESTS = 2_000


async def test_no_mutation_of_a_body_breaks_anything(victim: Served) -> None:
    victim.settle()
    assert_well(victim)
    campaign = await fuzz.run(victim, N_REQUESTS, seed=1)
    assert campaign.tried == N_REQUESTS
    assert not campaign.failures, campaign.failures[0]
    assert not campaign.hung, campaign.slowest
    assert campaign.memory_peak - campaign.memory_before < fuzz.MAX_GROWTH_BYTES
    assert (
        sum(campaign.statuses[status] for status in (200, 201, 202)) > N_REQUESTS // 20
    )  # mutations are not all alike
    assert_well(victim)


def test_the_same_seed_makes_the_same_requests() -> None:
    assert list(islice(fuzz.requests(7), 50)) == list(islice(fuzz.requests(7), 50))
    assert len(set(islice(fuzz.requests(7), 500))) > 450
