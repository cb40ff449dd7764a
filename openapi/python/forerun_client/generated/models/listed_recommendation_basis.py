from typing import Literal

ListedRecommendationBasis = Literal["cold_start", "few_shot", "zero_shot"]

LISTED_RECOMMENDATION_BASIS_VALUES: set[ListedRecommendationBasis] = {
    "cold_start",
    "few_shot",
    "zero_shot",
}


def check_listed_recommendation_basis(value: str) -> ListedRecommendationBasis:
    if value in LISTED_RECOMMENDATION_BASIS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LISTED_RECOMMENDATION_BASIS_VALUES!r}")
