"""What a search may use."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Timer
from types import TracebackType

import numpy as np

from app.search.tables import Tables
from app.space.columns import BoolArray


@dataclass(frozen=True)
class Means:
    """Tables shared with other questions, threads, and a flag (1,) that ends the search: `with` a budget, or any time.

    A search that is ended answers with what it has found.
    """

    tables: Tables = field(default_factory=Tables)
    threads: int = 1
    stop: BoolArray = field(default_factory=lambda: np.zeros(1, np.bool_))

    def end(self) -> None:
        self.stop[0] = True

    def within(self, seconds: float) -> _Budget:
        """A block after whose time the search is ended."""
        return _Budget(self, seconds)


class _Budget:
    def __init__(self, means: Means, seconds: float) -> None:
        self._timer = Timer(seconds, means.end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()
