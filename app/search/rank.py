"""The step on one page: a question and a meta-learner in, an ordered answer out."""

from __future__ import annotations

import numpy as np
from threadpoolctl import ThreadpoolController

from app.learn.meta_learner import MetaLearner
from app.search import answer, exact, missed
from app.search.candidates import CENTRES, FEW_CENTRES, SAMPLE, Candidates, gather, refine
from app.search.cold_start import rank_cold
from app.search.explanation import similar_datasets
from app.search.means import Means
from app.search.order import order
from app.search.question import Question, Ranking
from app.search.scene import Scene
from app.space import CodedColumn, Columns
from app.space.columns import FloatArray, n_rows, take

HEAD = 2_048
"""Candidates that are compared in every respect: all were scored, and the rest lies behind these."""
ADAPTED = 65_536
"""Candidates that own runs may reorder: of more, those that history rates best."""
HURRIED = 512
"""Random configurations where there is no time for more."""
SHOWN_UNKNOWNS = 5
CHECKED = 64
"""Candidates whose numbers are compared with the history's; choices are all compared."""
_BLAS = ThreadpoolController()


def rank(question: Question, learner: MetaLearner | None, means: Means | None = None) -> Ranking:
    """Rank a space's configurations for a dataset.

    Raises: NoFeasibleConfiguration where the space allows none.
    """
    means = means or Means()
    # matrices are small here: a second BLAS thread costs more than it gives
    with means.within(question.budget_ms / 1_000), _BLAS.limit(limits=1):
        return _rank(question, learner, means)


def _rank(question: Question, learner: MetaLearner | None, means: Means) -> Ranking:
    if learner is None or question.objectives[0].metric not in learner.targets:
        return rank_cold(question, gather(question.space, question.tried, question.seed))
    scene, size = Scene(question, learner, means.tables), max(HEAD, 4 * question.top_k)
    best = exact.shortlist(scene, max(exact.SHORTLIST, size) if scene.adapted else size, means)
    found = best.found if best is not None else _sampled(scene, best)
    scene.sampled = found.enumeration == "sampled" or found.space_size is None
    candidates, promise, n_scored = _considered(scene, best, found, size, means)
    X = scene.encode(candidates)
    ordered = order(scene, X, None if scene.adapted else promise)
    enumeration, gap = found.enumeration, None
    if best is not None:
        enumeration, gap = missed.claim(scene, best, ordered)
        n_scored = (found.space_size or 0) - len(question.tried) if enumeration == "exhaustive" else n_scored
    return Ranking(
        basis="zero_shot" if scene.objectives[0].incumbent is None else "few_shot",
        n_own_runs=len(question.own),
        enumeration=enumeration,
        space_size=found.space_size,
        candidates_ranked=n_scored,
        configurations=answer.configurations(scene, candidates, X, ordered),
        similar_datasets=similar_datasets(scene) if question.explain else None,
        warnings=_warnings(scene, found, best, ordered.n_acceptable),
        gap=gap,
    )


def _considered(
    scene: Scene, best: exact.Shortlist | None, found: Candidates, size: int, means: Means
) -> tuple[Columns, FloatArray | None, int]:
    """At most `size` candidates that are compared in every respect, their promise if it was needed, and of how many.

    The best by history are all that counts where it alone decides. Elsewhere, and where time ended, what lies around
    the best own runs, a sample of the space, and the neighbourhoods of the best of all of these take part.
    """
    question, columns = scene.question, found.columns
    if best is not None and scene.adapted:
        columns = exact.with_neighbours(scene, columns)
    elif len(found) > ADAPTED and scene.adapted:
        columns = take(columns, answer.head(scene.promise(columns, by_history=True), ADAPTED))
    if _decided(scene, found):
        n = n_rows(columns) if best is not None else len(found)
        return (*(_head(columns, scene.promise(columns), size) if n_rows(columns) > size else (columns, None)), n)
    ends: Columns = {}
    if best is not None and not _ordered_by_history(scene):
        columns = exact.with_new(scene, columns, _sampled(scene, best).columns)
    elif best is None and len(scene.objectives) > 1:
        ends = exact.starts(scene, means)
        columns = exact.with_new(scene, ends, columns)
    columns, promise = refine(
        question.space, columns, scene.promise, question.tried, question.seed, _spent(scene, best)[1]
    )
    promise[: n_rows(ends)] = np.inf  # the best by one objective takes part, whatever the others say of it
    return (*_head(columns, promise, size), n_rows(columns))


def _head(columns: Columns, promise: FloatArray, size: int) -> tuple[Columns, FloatArray]:
    rows = answer.head(promise, size)
    return take(columns, rows), promise[rows]


def _sampled(scene: Scene, best: exact.Shortlist | None) -> Candidates:
    return gather(scene.question.space, scene.question.tried, scene.question.seed, _spent(scene, best)[0])


def _spent(scene: Scene, best: exact.Shortlist | None) -> tuple[int, int]:
    """How many configurations are drawn from the space at large, and of how many the neighbourhoods are looked at."""
    few = min(CENTRES, max(FEW_CENTRES, scene.question.top_k))
    if scene.question.hurried:
        return HURRIED, few
    if best is None or scene.adapted:
        return SAMPLE, CENTRES
    return SAMPLE // 4, few if _ordered_by_history(scene) else CENTRES  # the best by history are there already


def _ordered_by_history(scene: Scene) -> bool:
    """Whether history's score alone says what is answered, and in which order.

    Then what a sample of the space adds to the best of all of it is never answered: their neighbours are better.
    """
    question = scene.question
    limited = question.outcome_constraints or scene.learner.failure.model is not None
    return question.strategy == "best" and not scene.adapted and not limited


def _decided(scene: Scene, found: Candidates) -> bool:
    """Whether nothing but what was found can be among the answers, whatever its neighbours score.

    In an infinite space the best are near copies of the very best: whoever asks for several has them from elsewhere.
    So has whoever limits outcomes: what keeps the limits may be far from the best.
    """
    question = scene.question
    if found.enumeration in ("bounded", "sampled") or (found.enumeration == "exact" and question.outcome_constraints):
        return False
    return not scene.sampled or (question.strategy == "best" and question.top_k == 1 and not scene.adapted)


def _every_level(columns: Columns) -> Columns:
    """A few rows in which every choice occurs that occurs at all."""
    coded = [column.codes for column in columns.values() if isinstance(column, CodedColumn)]
    firsts = [np.unique(codes, return_index=True)[1] for codes in coded]
    return take(columns, np.unique(np.concatenate([np.arange(min(n_rows(columns), CHECKED)), *firsts])))


def _warnings(scene: Scene, found: Candidates, best: exact.Shortlist | None, n_acceptable: int) -> list[str]:
    """What the reader should know before believing the answer."""
    question, learner = scene.question, scene.learner
    out = []
    if not len(found):
        return ["every configuration of the search space has been run or is being run"]
    if len(found) < question.top_k:
        out.append(f"only {len(found)} configurations are left to rank")
    ranked_whole = found.enumeration in ("exhaustive", "exact") and not scene.sampled
    if scene.adapted and ranked_whole and (best is not None or len(found) > ADAPTED):
        n, size = (len(found), found.space_size) if best is not None else (ADAPTED, len(found))
        out.append(f"history scored all {size} configurations; own runs reordered the {n} it rates best")
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
