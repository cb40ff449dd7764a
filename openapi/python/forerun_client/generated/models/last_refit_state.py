from typing import Literal

LastRefitState = Literal["failed", "queued", "running", "succeeded"]

LAST_REFIT_STATE_VALUES: set[LastRefitState] = {
    "failed",
    "queued",
    "running",
    "succeeded",
}


def check_last_refit_state(value: str) -> LastRefitState:
    if value in LAST_REFIT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LAST_REFIT_STATE_VALUES!r}")
