from typing import Literal

RealisedState = Literal["completed", "failed", "running", "stopped"]

REALISED_STATE_VALUES: set[RealisedState] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_realised_state(value: str) -> RealisedState:
    if value in REALISED_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REALISED_STATE_VALUES!r}")
