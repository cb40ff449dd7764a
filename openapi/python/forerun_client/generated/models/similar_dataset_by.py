from typing import Literal

SimilarDatasetBy = Literal["meta_features", "own_runs"]

SIMILAR_DATASET_BY_VALUES: set[SimilarDatasetBy] = {
    "meta_features",
    "own_runs",
}


def check_similar_dataset_by(value: str) -> SimilarDatasetBy:
    if value in SIMILAR_DATASET_BY_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {SIMILAR_DATASET_BY_VALUES!r}")
