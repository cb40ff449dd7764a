from typing import Literal

OutcomeState = Literal["completed", "failed", "running", "stopped"]

OUTCOME_STATE_VALUES: set[OutcomeState] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_outcome_state(value: str) -> OutcomeState:
    if value in OUTCOME_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OUTCOME_STATE_VALUES!r}")
