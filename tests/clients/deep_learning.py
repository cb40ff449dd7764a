"""`python -m tests.clients.deep_learning keras|lightning`: the callbacks in real trainings, where those are installed.

Keras: `pip install keras jax`, with KERAS_BACKEND=jax. Lightning: `pip install lightning torch`.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import numpy as np

from forerun_client import Forerun, Run

N_EPOCHS = 3


def with_keras(run: Run) -> list[float]:
    import keras

    from forerun_client.callbacks.keras import ForerunCallback

    model = keras.Sequential([keras.layers.Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    history = model.fit(x, y, epochs=N_EPOCHS, validation_split=0.25, verbose=0, callbacks=[ForerunCallback(run)])
    losses: list[float] = history.history["val_loss"]
    return losses


def with_lightning(run: Run) -> list[float]:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from forerun_client.callbacks.lightning import Callback, ForerunCallback

    lightning: Any = sys.modules[Callback.__module__.partition(".")[0]]
    lightning = getattr(lightning, "pytorch", lightning)
    losses: list[float] = []

    class Model(lightning.LightningModule):  # type: ignore[misc]  # the library may not be there
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def on_train_epoch_end(self) -> None:
            losses.append(float(self.trainer.callback_metrics["val_loss"]))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.05)

    x = torch.randn(64, 4)
    loader = DataLoader(TensorDataset(x, x[:, :1]), batch_size=16)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = lightning.Trainer(max_epochs=N_EPOCHS, accelerator="cpu", callbacks=[ForerunCallback(run)], **quiet)
    trainer.fit(Model(), loader, loader)
    return losses


def main(library: str) -> None:
    """Train, and compare what was logged with what the library itself recorded."""
    submitted: list[Any] = []
    with tempfile.TemporaryDirectory() as spool, Forerun(spool=spool) as client:
        client.submit = submitted.append  # type: ignore[method-assign, assignment]  # a spy
        with client.run(dataset="made-up") as run:
            recorded = {"keras": with_keras, "lightning": with_lightning}[library](run)
    (posted,) = submitted
    assert [point["metrics"]["val_loss"] for point in posted["learning_curve"]] == recorded, posted
    assert [point["step"] for point in posted["learning_curve"]] == [1, 2, 3]
    assert posted["state"] == "completed"
    print(f"{library}: {posted['learning_curve']}")  # noqa: T201  # a command


if __name__ == "__main__":
    main(sys.argv[1])
