"""What posted runs are answered with."""

from __future__ import annotations

from typing import Any, Final

from app.api import problems
from app.api.dependencies import Json
from app.errors import ForerunError
from app.flows.ingest import Tally
from app.store.upsert import Outcome

MAX_FAULTS: Final = 5
"""Faults that are told of one run of a batch: there may be thousands of runs."""


def receipt(outcome: Outcome) -> dict[str, Any]:
    """What a run that is stored is answered with."""
    return {"id": outcome.id, "run_id": outcome.run_id, "status": outcome.status}


def status_of(outcome: Outcome) -> int:
    """The HTTP status of such an answer."""
    return 201 if outcome.status == "created" else 200


def receipts(tally: Tally, root: str) -> Json:
    """What became of many runs; `root` is the pointer of them all, where their faults' pointers begin with it."""
    return Json(
        {
            "created": tally.created,
            "duplicates": tally.duplicates,
            "rejected": tally.rejected,
            "results": [_result(outcome, root and f"{root}/{outcome.index}") for outcome in tally.results],
            "results_omitted": tally.results_omitted,
        }
    )


def _result(outcome: Outcome, where: str) -> dict[str, Any]:
    """`where` is the pointer of the run itself, which the pointers of its faults begin with."""
    result: dict[str, Any] = {"index": outcome.index, "status": outcome.status}
    if outcome.id is not None:
        result["id"] = outcome.id
    if outcome.error is not None:
        result["error"] = _error(outcome.error, where)
    return result


def _error(error: ForerunError, where: str) -> dict[str, Any]:
    faults = [problems.told(fault, where) for fault in error.faults[:MAX_FAULTS]]
    return {"code": error.code, "detail": problems.clean(error.detail), "errors": faults}
