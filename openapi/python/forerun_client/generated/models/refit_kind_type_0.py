from typing import Literal

RefitKindType0 = Literal["full", "incremental"]

REFIT_KIND_TYPE_0_VALUES: set[RefitKindType0] = {
    "full",
    "incremental",
}


def check_refit_kind_type_0(value: str) -> RefitKindType0:
    if value in REFIT_KIND_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REFIT_KIND_TYPE_0_VALUES!r}")
