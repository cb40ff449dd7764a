from typing import Literal

RecommendationRecordBasis = Literal["cold_start", "few_shot", "zero_shot"]

RECOMMENDATION_RECORD_BASIS_VALUES: set[RecommendationRecordBasis] = {
    "cold_start",
    "few_shot",
    "zero_shot",
}


def check_recommendation_record_basis(value: str) -> RecommendationRecordBasis:
    if value in RECOMMENDATION_RECORD_BASIS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECOMMENDATION_RECORD_BASIS_VALUES!r}")
