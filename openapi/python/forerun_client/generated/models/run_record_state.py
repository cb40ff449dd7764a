from typing import Literal

RunRecordState = Literal["completed", "failed", "running", "stopped"]

RUN_RECORD_STATE_VALUES: set[RunRecordState] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_run_record_state(value: str) -> RunRecordState:
    if value in RUN_RECORD_STATE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RUN_RECORD_STATE_VALUES!r}")
