from typing import Literal

RefitState = Literal["failed", "queued", "running", "succeeded"]

REFIT_STATE_VALUES: set[RefitState] = {
    "failed",
    "queued",
    "running",
    "succeeded",
}


def check_refit_state(value: str) -> RefitState:
    if value in REFIT_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REFIT_STATE_VALUES!r}")
