from typing import Literal

RecommendationBasis = Literal["cold_start", "few_shot", "zero_shot"]

RECOMMENDATION_BASIS_VALUES: set[RecommendationBasis] = {
    "cold_start",
    "few_shot",
    "zero_shot",
}


def check_recommendation_basis(value: str) -> RecommendationBasis:
    if value in RECOMMENDATION_BASIS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECOMMENDATION_BASIS_VALUES!r}")
