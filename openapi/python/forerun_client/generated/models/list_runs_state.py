from typing import Literal

ListRunsState = Literal["completed", "failed", "running", "stopped"]

LIST_RUNS_STATE_VALUES: set[ListRunsState] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_list_runs_state(value: str) -> ListRunsState:
    if value in LIST_RUNS_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_RUNS_STATE_VALUES!r}")
