"""A training as it happens: timed, measured, and posted at its end, however it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self, TypeAlias

from forerun_client.hardware import PeakMemory, environment
from forerun_client.values import Json, finite

log = logging.getLogger("forerun_client.run")

State: TypeAlias = Literal["completed", "failed", "stopped"]


class Run:
    """What `client.run(...)` gives to its block.

    A block that ends is `completed`; one that raises is `failed` and the exception goes on its way; Ctrl-C and `stop()`
    make it `stopped`. Nothing that goes wrong with posting it disturbs the training.
    """

    def __init__(self, body: Json, submit: Callable[[Json], object], environment_given: Mapping[str, Any]) -> None:
        self.run_id: str = body["run_id"]
        self.metrics: dict[str, float] = {}
        """The last value of each metric: what the run is judged by."""
        self.resources: dict[str, float] = {}
        """Measured besides duration and memory, such as energy; what stands here wins."""
        self._body = {**body, "environment": {**environment(), **environment_given}}
        self._submit = submit
        self._curve: dict[float, dict[str, float]] = {}
        self._not_finite: set[str] = set()
        self._state: State = "completed"

    def log(self, metrics: Mapping[str, Any] | None = None, /, *, step: float | None = None, **more: Any) -> None:
        """Record metrics, those of a `step` as a point of the learning curve.

        NaN and infinity cannot be sent: such a metric is forgotten, and the run tagged with its name.
        """
        kept, lost = finite({**(metrics or {}), **more})
        for name in lost:
            self.metrics.pop(name, None)
        self._not_finite |= set(lost)
        self.metrics |= kept
        if step is not None:
            self._curve.setdefault(float(step), {}).update(kept)

    def stop(self) -> None:
        """The training ends before its time, on purpose: pruned, or out of budget."""
        self._state = "stopped"

    def __enter__(self) -> Self:
        self._started_at = datetime.now(UTC)
        self._started = time.perf_counter()
        self._memory = PeakMemory()
        self._memory.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self._started
        self._memory.__exit__(kind, error, traceback)
        try:
            self._submit(self._finished(seconds, error))
        except Exception:  # the training is done, or its own exception is under way: neither may suffer
            log.exception("run %s was not recorded", self.run_id)

    def _finished(self, seconds: float, error: BaseException | None) -> Json:
        tags = dict(self._body.get("tags", {}))
        if error is not None:
            tags["error"] = f"{type(error).__name__}: {error}"[:200]
        if self._not_finite:
            tags["not_finite"] = ", ".join(sorted(self._not_finite))[:200]
        return {
            **self._body,
            "state": self._final_state(error),
            "metrics": self.metrics,
            "resources": {"duration_seconds": seconds, **self._memory.resources(), **self.resources},
            "learning_curve": [{"step": step, "metrics": each} for step, each in sorted(self._curve.items()) if each],
            "started_at": self._started_at.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "tags": tags,
        }

    def _final_state(self, error: BaseException | None) -> State:
        if isinstance(error, Exception):
            return "failed"
        if error is not None or self.metrics or self._state == "stopped":
            return self._state if error is None else "stopped"
        if self._not_finite:
            return "failed"  # it diverged: nothing that was measured is a number
        log.warning("run %s ended without a metric; it is posted as stopped", self.run_id)
        return "stopped"
