"""What the campaign against workers finds where something is wrong; the campaign itself is `make faults`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.workers import Findings, Refit, judge

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIRST = Refit("p", "succeeded", 1, 40, 1, NOON, NOON + timedelta(seconds=5))
SECOND = replace(FIRST, n_runs=41, attempts=3, started_at=NOON + timedelta(seconds=6), finished_at=NOON + timedelta(9))


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert judge([FIRST, SECOND], {"p": 41}) == Findings([], [])


@pytest.mark.parametrize(
    ("refits", "lost", "doubled"),
    [
        ([], 1, 0),
        ([FIRST], 1, 0),
        ([FIRST, replace(SECOND, state="failed", n_learners=1)], 1, 0),
        ([FIRST, replace(SECOND, n_learners=0)], 0, 1),
        ([FIRST, SECOND, replace(SECOND, started_at=SECOND.finished_at)], 0, 1),
        ([FIRST, replace(SECOND, started_at=NOON + timedelta(seconds=1))], 0, 1),
    ],
)
def test_a_planted_fault_is_found(refits: list[Refit], lost: int, doubled: int) -> None:
    found = judge(refits, {"p": 41})
    assert (len(found.lost), len(found.doubled)) == (lost, doubled)
