from typing import Literal

BatchResultStatus = Literal["conflict", "created", "duplicate", "rejected"]

BATCH_RESULT_STATUS_VALUES: set[BatchResultStatus] = {
    "conflict",
    "created",
    "duplicate",
    "rejected",
}


def check_batch_result_status(value: str) -> BatchResultStatus:
    if value in BATCH_RESULT_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {BATCH_RESULT_STATUS_VALUES!r}")
