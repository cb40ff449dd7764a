from __future__ import annotations

import pytest

from app.learn.bundle import from_bytes
from app.learn.meta_learner import MetaLearner
from app.learn.train import Trained, train
from tests.histories import history, table


@pytest.fixture(scope="session")
def trained() -> Trained:
    """Ten datasets with thirty runs each; dataset 5 is held out."""
    return train(table(history([d for d in range(11) if d != 5], 30, failing=True)), seed=0, threads=2)


@pytest.fixture(scope="session")
def learner(trained: Trained) -> MetaLearner:
    return from_bytes(trained.content)
