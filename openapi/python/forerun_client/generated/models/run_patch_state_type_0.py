from typing import Literal

RunPatchStateType0 = Literal["completed", "failed", "running", "stopped"]

RUN_PATCH_STATE_TYPE_0_VALUES: set[RunPatchStateType0] = {
    "completed",
    "failed",
    "running",
    "stopped",
}


def check_run_patch_state_type_0(value: str) -> RunPatchStateType0:
    if value in RUN_PATCH_STATE_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RUN_PATCH_STATE_TYPE_0_VALUES!r}")
