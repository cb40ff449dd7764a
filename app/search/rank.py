"""The step on one page: a question and a meta-learner in, an ordered answer out."""

from __future__ import annotations

import numpy as np
from threadpoolctl import ThreadpoolController

from app.learn.meta_learner import MetaLearner
from app.search import answer
from app.search.candidates import Candidates, gather, refine
from app.search.cold_start import rank_cold
from app.search.explanation import similar_datasets
from app.search.order import order
from app.search.question import Question, Ranking
from app.search.scene import Scene
from app.space import CodedColumn, Columns
from app.space.columns import n_rows, take
from app.types import OwnRun

HEAD = 2_048
"""Candidates that are compared in every respect: all were scored, and the rest lies behind these."""
ADAPTED = 65_536
"""Candidates that own runs may reorder: of more, those that history rates best."""
SHOWN_UNKNOWNS = 5
CHECKED = 64
"""Candidates whose numbers are compared with the history's; choices are all compared."""
_BLAS = ThreadpoolController()


def rank(question: Question, learner: MetaLearner | None) -> Ranking:
    """Rank a space's configurations for a dataset.

    Raises: NoFeasibleConfiguration where the space allows none.
    """
    with _BLAS.limit(limits=1):  # matrices are small here: a second BLAS thread costs more than it gives
        return _rank(question, learner)


def _rank(question: Question, learner: MetaLearner | None) -> Ranking:
    tried = [run.inputs for run in question.own if _at_this_fidelity(run, question)] + list(question.pending)
    found = gather(question.space, tried, question.seed)
    if learner is None or question.objectives[0].metric not in learner.targets:
        return rank_cold(question, found)
    scene = Scene(question, learner, sampled=found.enumeration == "sampled")
    found = refine(question.space, found, scene.promise, tried, question.seed)
    candidates, n_scored = found.columns, len(found)
    if n_scored > ADAPTED and scene.adapted:
        candidates = take(candidates, answer.head(scene.promise(candidates, by_history=True), ADAPTED))
    if n_rows(candidates) > (size := max(HEAD, 4 * question.top_k)):
        candidates = take(candidates, answer.head(scene.promise(candidates), size))
    X = scene.encode(candidates)
    ordered = order(scene, X)
    return Ranking(
        basis="zero_shot" if scene.objectives[0].incumbent is None else "few_shot",
        n_own_runs=len(question.own),
        enumeration=found.enumeration,
        space_size=found.space_size,
        candidates_ranked=n_scored,
        configurations=answer.configurations(scene, candidates, X, ordered),
        warnings=_warnings(scene, found, ordered.n_acceptable),
        similar_datasets=similar_datasets(scene) if question.explain else None,
    )


def _every_level(columns: Columns) -> Columns:
    """A few rows in which every choice occurs that occurs at all."""
    coded = [column.codes for column in columns.values() if isinstance(column, CodedColumn)]
    firsts = [np.unique(codes, return_index=True)[1] for codes in coded]
    return take(columns, np.unique(np.concatenate([np.arange(min(n_rows(columns), CHECKED)), *firsts])))


def _at_this_fidelity(run: OwnRun, question: Question) -> bool:
    """Whether a run tells all that training its configuration again would: not if it was cut to another fidelity."""
    asked = {path: value for path, value in question.context.items() if path.startswith("fidelity.")}
    return all(run.inputs.get(path, value) == value for path, value in asked.items())


def _warnings(scene: Scene, found: Candidates, n_acceptable: int) -> list[str]:
    """What the reader should know before believing the answer."""
    question, learner = scene.question, scene.learner
    out = []
    if not len(found):
        return ["every configuration of the search space has been run or is being run"]
    if len(found) < question.top_k:
        out.append(f"only {len(found)} configurations are left to rank")
    if len(found) > ADAPTED and scene.adapted:
        out.append(f"history scored all {len(found)} configurations; own runs reordered the {ADAPTED} it rates best")
    if n_acceptable < min(question.top_k, len(found)):
        out.append(
            f"only {n_acceptable} of the candidates are expected to keep the outcome constraints and to succeed; "
            "the others follow, the likeliest first"
        )
    out += [f"the history has no runs that report {name!r}" for name in _unreported(scene)]
    unknown = learner.featuriser.unknown(dict(question.space.inputs(_every_level(found.columns))))
    if unknown:
        more = f" and {len(unknown) - SHOWN_UNKNOWNS} more" if len(unknown) > SHOWN_UNKNOWNS else ""
        out.append(f"the history has not seen {', '.join(unknown[:SHOWN_UNKNOWNS])}{more}: predictions ignore it")
    if not question.meta_features and learner.featuriser.meta_features:
        out.append("the dataset has no meta-features: it is ranked as an average dataset")
    return out


def _unreported(scene: Scene) -> list[str]:
    """Targets that the question names and the meta-learner does not know."""
    named = [o.metric for o in scene.question.objectives] + [c.metric for c in scene.question.outcome_constraints]
    return sorted(set(named) - scene.learner.targets.keys())
