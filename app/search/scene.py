"""One dataset as the meta-learner sees it after its own runs: what every candidate is scored with."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from app.featurise.fidelity import inputs_with_end
from app.featurise.frame import columns_of
from app.learn.boosting import FOLDED_FROM
from app.learn.gaussian_process import matern
from app.learn.meta_learner import MetaLearner
from app.search import acquisition, feasibility
from app.search.adaptation import AdaptedTarget, adapt
from app.search.question import Question
from app.search.stages import stage
from app.search.tables import Tables
from app.space import CandidateList, Columns
from app.space.columns import BoolArray, Float32Array, FloatArray, make_column, n_rows, take

CHUNK = 16_384
"""Candidates that are encoded at once: bounds the memory of a request."""


class Scene:
    """A question's dataset, context and own runs, encoded once; targets are adapted when first asked for."""

    @stage("adapt")
    def __init__(self, question: Question, learner: MetaLearner, tables: Tables | None = None) -> None:
        self.question, self.learner = question, learner
        self._tables = tables or Tables()
        self.sampled = False  # whether the space has more near copies of a candidate than anybody could list
        self.X_own = self._encode(columns_of([inputs_with_end(run) for run in question.own]), len(question.own))
        in_context = [{**question.context, **configuration} for configuration in question.pending]
        self.X_pending = self._encode(columns_of(in_context), len(in_context))
        self._targets: dict[str, AdaptedTarget] = {}
        self.objectives = [self.target(o.metric) for o in question.objectives if o.metric in learner.targets]

    @cached_property
    def dataset_row(self) -> Float32Array:
        """The row of X (d,) that tells the dataset and nothing of a configuration."""
        return np.asarray(self._encode({}, 1)[0])

    @cached_property
    def fixed(self) -> tuple[Float32Array, BoolArray]:
        """What no parameter of the space can change: a row of X (d,), and where in it that is (d,)."""
        given, context = self.question.space.input_paths, self.question.context
        paths = [feature.path + "." for feature in self.learner.featuriser.features]
        free = [any(path.startswith(p + ".") or p.startswith(path) for p in given) for path in paths]
        columns = {path: make_column([value]) for path, value in context.items()}
        return self._encode(columns, 1)[0] if context else self.dataset_row, ~np.array(free, np.bool_)

    @property
    def _shared(self) -> tuple[Float32Array, BoolArray]:
        """What is the same for all candidates, as `fixed`; nothing where they are too few for deciding it to pay."""
        space = self.question.space
        few = (space.size() or 0) < FOLDED_FROM if isinstance(space, CandidateList) else self.question.samples
        return (self.dataset_row, np.zeros(len(self.dataset_row), np.bool_)) if few else self.fixed

    def target(self, name: str) -> AdaptedTarget:
        """A target with the dataset's own runs taken in. Utilities of what is no objective are of no meaning."""
        if name not in self._targets:
            sign = next((o.sign for o in self.question.objectives if o.metric == name), 1.0)
            anyone = self.dataset_row[None, :]
            learner, own = self.learner.targets[name], self.question.own
            self._targets[name] = adapt(name, learner, sign, self.X_own, own, anyone, self._shared, self._tables)
        return self._targets[name]

    def failure(self, X: Float32Array) -> FloatArray:
        """The probability that each candidate fails, as history has it and own failures correct it. Shapes: (n, d)."""
        history, failed = self.learner.failure(X), np.array([run.state == "failed" for run in self.question.own], bool)
        if not failed.any():
            return history
        lead = self.objectives[0].learner
        apart = cdist(lead.prior.space(X), lead.prior.space(self.X_own)) / lead.kernel.length
        return feasibility.after_own_runs(history, matern(apart), failed)

    def encode(self, candidates: Columns) -> Float32Array:
        """Candidates as X (n, d): their parameters, and the context for all of them."""
        n = n_rows(candidates)
        everywhere = np.zeros(n, dtype=np.int64)
        context = {path: make_column([value]).take(everywhere) for path, value in self.question.context.items()}
        return self._encode(context | dict(self.question.space.inputs(candidates)), n)

    @property
    def adapted(self) -> bool:
        """Whether own runs have a say."""
        return any(target.incumbent is not None for target in self.objectives)

    def promise(self, candidates: Columns, *, by_history: bool = False) -> FloatArray:
        """How much a candidate deserves a closer look (n,), higher better; several objectives are summed.

        `by_history` leaves own runs aside, which is ten times quicker.
        """
        n, parts = n_rows(candidates), [np.zeros(0)]
        for start in range(0, n, CHUNK):
            X = self.encode(take(candidates, np.arange(start, min(start + CHUNK, n))))
            parts.append(np.asarray(sum(self._merit(target, X, by_history) for target in self.objectives)))
        return np.concatenate(parts)

    def _merit(self, target: AdaptedTarget, X: Float32Array, by_history: bool) -> FloatArray:
        """Merit under the strategy (n,), in units of the dataset's scale."""
        if target.incumbent is None or by_history:
            return target.scores(X)
        points = target.points(X)
        if self.question.strategy == "best":
            utility = target.mean(points)
        elif self.question.strategy == "improve" and len(self.objectives) == 1:
            utility = acquisition.improvement(target, points)
        else:
            utility = target.optimism(points)
        return utility / target.prior.scale

    def _encode(self, inputs: Columns, n: int) -> Float32Array:
        if not n:
            return np.zeros((0, len(self.learner.featuriser.encoders)), dtype=np.float32)
        one_dataset = np.zeros(n, dtype=np.int64)
        return self.learner.featuriser.transform(inputs, [self.question.meta_features], one_dataset).X
