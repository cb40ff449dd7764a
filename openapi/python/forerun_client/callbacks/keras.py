"""Keras: `model.fit(..., callbacks=[ForerunCallback(run)])`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from forerun_client.run import Run


class ForerunCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Logs what Keras measured at the end of every epoch."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._run.log(logs, step=epoch + 1)
