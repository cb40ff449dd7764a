"""The method with one part removed or changed, for `tests.quality.transfer`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy.optimize import nnls

from app.learn.boosting import Members
from app.learn.meta_learner import TargetLearner
from app.learn.train import train
from app.space.columns import Float32Array, FloatArray, IntArray
from app.types import RunTable

Patch = Callable[[], AbstractContextManager[Any]]


def _same(learner: TargetLearner) -> TargetLearner:
    return learner


@dataclass(frozen=True)
class Variant:
    """What is patched while the method is fitted, and while it answers; what is changed of what was fitted.

    `fit_name` names the fit: variants that fit alike share it.
    """

    fit_name: str = "whole"
    fitting: tuple[Patch, ...] = ()
    answering: tuple[Patch, ...] = ()
    change: Callable[[TargetLearner], TargetLearner] = field(default=_same)

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


def _without_prior(learner: TargetLearner) -> TargetLearner:
    return replace(learner, prior=replace(learner.prior, blend=np.zeros_like(learner.prior.blend)))


def _alike(E: FloatArray, group: IntArray, *_: object) -> FloatArray:
    """Every input matters as much as any other."""
    return np.ones(E.shape[1])


def _as_they_came(X: Float32Array, z: FloatArray, fold: IntArray, _meta: object) -> tuple[Any, ...]:
    """Every run once, with the meta-features its dataset has."""
    return X, z, fold


def _all_trees(members: Members, *_: object) -> Members:
    """Members with every tree that was grown."""
    return members


def _trees(A: FloatArray, b: FloatArray) -> tuple[FloatArray, float]:
    """The blend of trees alone: the mean response is the last component."""
    blend, rest = nnls(A[:, :-1], b)
    return np.append(blend, 0.0), float(rest)


def _responses(A: FloatArray, b: FloatArray) -> tuple[FloatArray, float]:
    """The mean response alone."""
    return np.append(np.zeros(A.shape[1] - 1), 1.0), 0.0


VARIANTS: dict[str, Variant] = {
    "the method": Variant(),
    "no pruning of trees": Variant("unpruned", (setting("app.learn.boosting.Members.pruned", _all_trees),)),
    "all inputs matter alike": Variant("alike", (setting("app.learn.prior.relevance", _alike),)),
    "no runs without their meta-features": Variant("seen", (setting("app.learn.prior._half_blind", _as_they_came),)),
    "no mean response in the prior": Variant("trees", (setting("app.learn.prior.nnls", _trees),)),
    "no trees in the prior": Variant("responses", (setting("app.learn.prior.nnls", _responses),)),
    "no prior, the kernel alone": Variant(change=_without_prior),
    "no kernel over how datasets differ": _without_kernel_part("across"),
    "no kernel over the prior's components": _without_kernel_part("components"),
    "no Matérn kernel": _without_kernel_part("amplitude"),
    "no caution about the scale": Variant(answering=(setting("app.learn.gaussian_process.CAUTION", 1.0),)),
}
