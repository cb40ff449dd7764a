from typing import Literal

ObservationState = Literal["completed", "failed", "running", "stopped"]

OBSERVATION_STATE_VALUES: set[ObservationState] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_observation_state(value: str) -> ObservationState:
    if value in OBSERVATION_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OBSERVATION_STATE_VALUES!r}")
