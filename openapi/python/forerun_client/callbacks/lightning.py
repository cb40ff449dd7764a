"""PyTorch Lightning: `Trainer(..., callbacks=[ForerunCallback(run)])`, of `lightning` and of `pytorch_lightning`."""

from __future__ import annotations

from typing import Any

try:
    from lightning.pytorch import Callback
except ImportError:  # the same under its older name
    from pytorch_lightning import Callback

from forerun_client.run import Run


class ForerunCallback(Callback):  # type: ignore[misc]  # lightning may not be there to give types
    """Logs what the model logged, at the end of every epoch.

    Ctrl-C, which Lightning swallows, makes the run `stopped`.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._log(trainer)

    def on_validation_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._log(trainer)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if isinstance(exception, KeyboardInterrupt):
            self._run.stop()

    def _log(self, trainer: Any) -> None:
        self._run.log(trainer.callback_metrics, step=trainer.current_epoch + 1)
