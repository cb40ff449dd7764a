"""Dataset: its meta-features, one row per dataset, gathered to the runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from app.featurise.encoder import Encoder, scaled
from app.featurise.schema import LOG_SPAN, is_log_like, number_encoder
from app.space.columns import Float32Array, FloatArray

PREFIX = "dataset."


def infer_meta_features(meta_features: Sequence[Mapping[str, float]]) -> tuple[Encoder, ...]:
    """One feature for each meta-feature that differs between datasets; a new dataset may lack any of them."""
    return tuple(_encoders(meta_features))


def encode_meta_features(encoders: Sequence[Encoder], meta_features: Sequence[Mapping[str, float]]) -> Float32Array:
    """The features of datasets. Shape: (number of datasets, number of encoders), NaN where one lacks a meta-feature."""
    X = np.empty((len(meta_features), len(encoders)), dtype=np.float32, order="F")
    for j, encoder in enumerate(encoders):
        X[:, j] = scaled(encoder, _column(meta_features, encoder.feature.path.removeprefix(PREFIX)))
    return X


def _encoders(meta_features: Sequence[Mapping[str, float]]) -> Iterator[Encoder]:
    for name in sorted({name for row in meta_features for name in row}):
        values = _column(meta_features, name)
        present = np.sort(values[~np.isnan(values)])
        if len(present) and present[0] < present[-1]:
            yield number_encoder("dataset", PREFIX + name, present, _is_log)


def _column(meta_features: Sequence[Mapping[str, float]], name: str) -> FloatArray:
    return np.array([row.get(name, np.nan) for row in meta_features], dtype=np.float64)


def _is_log(numbers: FloatArray) -> bool:
    """Log-like, or so skewed that the largest dataset is far beyond the usual one."""
    return bool(numbers.min() >= 0 and numbers.max() > LOG_SPAN * np.median(numbers)) or is_log_like(numbers)
