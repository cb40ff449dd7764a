from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import CorruptBundle
from app.featurise.frame import columns_of
from app.learn import bundle
from tests.histories import configuration, meta_features


def some_inputs(n: int) -> list[dict[str, object]]:
    rng = np.random.default_rng(7)
    return [{f"hyperparameters.{k}": v for k, v in configuration(rng).items()} for _ in range(n)]


def predictions(learner, n: int = 40) -> np.ndarray:
    frame = learner.featuriser.transform(columns_of(some_inputs(n)), [meta_features(5)], np.zeros(n, dtype=np.int64))
    parts = [learner.failure(frame.X)]
    for target in learner.targets.values():
        points = target.prior.points(frame.X)
        prior = target.dataset_prior(frame.X)
        zero = target.zero_shot(points.f, prior)
        posterior = target.posterior(prior, points.take(np.arange(5)), np.linspace(0.5, 0.9, 5), 1.0)
        few = target.few_shot(points, posterior, 1.0)
        parts += [zero.mean, zero.lower, zero.upper, few.mean, few.std]
    return np.column_stack(parts)


def test_bytes_and_back_predict_the_same_to_the_last_bit(learner):
    again = bundle.from_bytes(bundle.to_bytes(learner))
    assert np.array_equal(predictions(again), predictions(learner))


def test_the_same_meta_learner_gives_the_same_bytes(trained, learner):
    assert bundle.to_bytes(learner) == trained.content


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_any_changed_byte_is_refused(trained, data):
    at = data.draw(st.integers(0, len(trained.content) - 1))
    damaged = bytearray(trained.content)
    damaged[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptBundle):
        bundle.from_bytes(bytes(damaged))


@pytest.mark.parametrize(
    "content", [b"", b"forerun", b"PK\x03\x04 something else entirely", b"forerun\0\xff\xff" + b"0" * 64]
)
def test_what_is_no_bundle_is_refused(content):
    with pytest.raises(CorruptBundle):
        bundle.from_bytes(content)


def test_a_truncated_bundle_is_refused(trained):
    with pytest.raises(CorruptBundle):
        bundle.from_bytes(trained.content[:-1])
