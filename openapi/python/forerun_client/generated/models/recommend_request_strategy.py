from typing import Literal

RecommendRequestStrategy = Literal["best", "explore", "improve"]

RECOMMEND_REQUEST_STRATEGY_VALUES: set[RecommendRequestStrategy] = {
    "best",
    "explore",
    "improve",
}


def check_recommend_request_strategy(value: str) -> RecommendRequestStrategy:
    if value in RECOMMEND_REQUEST_STRATEGY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECOMMEND_REQUEST_STRATEGY_VALUES!r}")
