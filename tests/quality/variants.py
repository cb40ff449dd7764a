"""The method with one part removed or changed, for `tests.quality.transfer`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import numpy as np

from app.learn.gaussian_process import Points
from app.learn.meta_learner import TargetLearner
from app.learn.train import train
from app.types import RunTable

Patch = Callable[[], AbstractContextManager[Any]]


def _same(learner: TargetLearner) -> TargetLearner:
    return learner


def _all(points: Points) -> Points:
    return points


@dataclass(frozen=True)
class Variant:
    """What is patched while the method is fitted, and while it answers; what is changed of what was fitted.

    `fit_name` names the fit: variants that fit alike share it.
    """

    fit_name: str = "whole"
    fitting: tuple[Patch, ...] = ()
    answering: tuple[Patch, ...] = ()
    change: Callable[[TargetLearner], TargetLearner] = field(default=_same)
    points: Callable[[Points], Points] = field(default=_all)

    def fit(self, table: RunTable) -> bytes:
        with within(self.fitting):
            return train(table, threads=1).content


def within(patches: tuple[Patch, ...]) -> AbstractContextManager[ExitStack]:
    """All patches at once, undone in the end."""
    stack = ExitStack()
    for made in patches:
        stack.enter_context(made())
    return stack


def setting(name: str, value: object) -> Patch:
    """A constant or function of the method, by dotted name, replaced."""
    return lambda: patch(name, value)


def _without_kernel_part(name: str) -> Variant:
    return Variant(change=lambda learner: replace(learner, kernel=replace(learner.kernel, **{name: 0.0})))


def _without_prior(points: Points) -> Points:
    return replace(points, f=np.zeros(len(points)))


VARIANTS: dict[str, Variant] = {
    "the method": Variant(),
    "no kernel over how datasets differ": _without_kernel_part("across"),
    "no kernel over the prior's components": _without_kernel_part("components"),
    "no Matérn kernel": _without_kernel_part("amplitude"),
    "no caution about the scale": Variant(answering=(setting("app.learn.gaussian_process.CAUTION", 1.0),)),
}
