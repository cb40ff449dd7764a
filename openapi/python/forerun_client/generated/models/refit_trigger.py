from typing import Literal

RefitTrigger = Literal["new_runs", "periodic", "request"]

REFIT_TRIGGER_VALUES: set[RefitTrigger] = {
    "new_runs",
    "periodic",
    "request",
}


def check_refit_trigger(value: str) -> RefitTrigger:
    if value in REFIT_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REFIT_TRIGGER_VALUES!r}")
