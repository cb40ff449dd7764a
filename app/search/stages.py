"""The stages of an answer, announced to whoever times them: the method itself knows no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import TypeAlias

Observer: TypeAlias = Callable[[str], AbstractContextManager[object]]

observer: ContextVar[Observer] = ContextVar("observer", default=nullcontext)
"""Entered with the name of each stage. It holds for one request: threads are given their caller's context."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """The block, or as a decorator the function, is a stage of this name."""
    with observer.get()(name):
        yield
