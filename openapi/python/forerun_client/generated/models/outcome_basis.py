from typing import Literal

OutcomeBasis = Literal["cold_start", "few_shot", "zero_shot"]

OUTCOME_BASIS_VALUES: set[OutcomeBasis] = {
    "cold_start",
    "few_shot",
    "zero_shot",
}


def check_outcome_basis(value: str) -> OutcomeBasis:
    if value in OUTCOME_BASIS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OUTCOME_BASIS_VALUES!r}")
