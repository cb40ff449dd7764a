"""The story of a recommendation: load what is known, rank, save the answer. A page.

Everything is read in one snapshot; the champion's bundle comes from a cache under its immutable id, so a promotion
shows at the next request in every process. Ranking is maths and runs in a thread.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from threading import Event
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app import telemetry
from app.errors import CorruptBundle, Fault, InvalidRequest, NotFound, Unavailable, UnknownMetric, pointer
from app.featurise.frame import flatten, inputs_of
from app.featurise.targets import reached
from app.search.stages import observer
from app.space import JsonValue, parse_search_space
from app.space.paths import flatten as flatten_configuration
from app.store import datasets, meta_learners, projects, recommendations, runs
from app.store.database import AsyncConnection, Database
from app.types import INPUT_KINDS, Context, Objective, OwnRun, RecommendRequest, StoredRun

if TYPE_CHECKING:
    from app.learn.meta_learner import MetaLearner
    from app.search.means import Means
    from app.search.question import Question, Ranking
    from app.search.tables import Tables

# CatBoost and SciPy take longer to import than all the rest: they stand inside what needs them, `warm_up` imports them
# beside the first requests, and a process that was killed takes runs again a second earlier.

log = logging.getLogger("forerun.recommend")

MAX_OWN_RUNS = 1_000
"""The latest of a dataset's own runs; a thousand tell the Gaussian process all that it can use in 100 ms."""
FALLBACKS = 5
"""Earlier meta-learners that are tried where the champion's bundle turns out to be damaged."""
SAFE_INTEGER = 2**53
OFFLINE = (
    "the database cannot be reached: meta-learner version {}, the last one known here, answers without what is stored "
    "of this dataset"
)
NOT_STORED = "the database cannot be reached: this answer is not stored and has no recommendation_id"


class Bundles:
    """Unpacked meta-learners of this process by id, the least recently used going first. None can be stale.

    It also remembers who served each of these projects last, to answer while the database cannot be reached, and which
    champions turned out to be damaged.
    """

    def __init__(self, capacity: int, threads: int = 1) -> None:
        self.capacity = capacity
        self.threads = threads  # of one search
        self.damaged: set[UUID] = set()
        self._served: OrderedDict[str, Served] = OrderedDict()
        self._unpacked: OrderedDict[UUID, MetaLearner] = OrderedDict()
        self._unpacking: dict[UUID, asyncio.Task[MetaLearner]] = {}

    @cached_property
    def tables(self) -> Tables:
        """What was folded for earlier questions."""
        from app.search.tables import Tables

        return Tables()

    async def get(self, connection: AsyncConnection, meta_learner_id: UUID) -> MetaLearner:
        """The meta-learner, unpacked once however many ask for it at a time. Raises: CorruptBundle."""
        if meta_learner_id in self._unpacked:
            self._unpacked.move_to_end(meta_learner_id)
            return self._unpacked[meta_learner_id]
        if meta_learner_id not in self._unpacking:
            content = await meta_learners.load(connection, meta_learner_id)
            unpacking = asyncio.create_task(asyncio.to_thread(_unpack, content))
            self._unpacking[meta_learner_id] = unpacking
            unpacking.add_done_callback(lambda _: self._unpacking.pop(meta_learner_id, None))
        learner = await asyncio.shield(self._unpacking[meta_learner_id])
        self._unpacked[meta_learner_id] = learner
        while len(self._unpacked) > self.capacity:
            self._unpacked.popitem(last=False)
        return learner

    def remember(self, served: Served) -> None:
        self._served[served.project.name] = served
        self._served.move_to_end(served.project.name)
        while len(self._served) > self.capacity:
            self._served.popitem(last=False)

    def last_served(self, project: str) -> Served | None:
        return self._served.get(project)

    @property
    def served(self) -> Mapping[str, UUID]:
        """By project, who served it last, as far as this process knows."""
        return {name: served.champion.id for name, served in self._served.items()}


@dataclass(frozen=True, slots=True)
class Served:
    """A project as it was when it was last asked about, and who answered."""

    project: projects.Project
    champion: meta_learners.MetaLearner
    learner: MetaLearner


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored about the dataset that is asked about, and who answers."""

    objectives: tuple[Objective, ...]
    meta_features: Mapping[str, float]
    runs: list[StoredRun]
    champion: meta_learners.MetaLearner | None
    learner: MetaLearner | None
    warnings: list[str]
    offline: bool = False
    """Without the database: what this process remembered, and none of the dataset's stored runs."""


def warm_up(stopping: Event) -> None:
    """Import and compile what the first recommendation would otherwise wait for, unless the process is stopping."""
    import_module("app.learn.bundle")
    import_module("app.search.rank")
    from app.search.compiled import make_ready

    parse_search_space({"parameters": {"x": {"type": "float", "low": 0, "high": 1}}}).sample(2, seed=0)
    for _ in make_ready():
        if stopping.is_set():
            return
    telemetry.SEARCH_READY.set(1)


async def recommend(database: Database, bundles: Bundles, request: RecommendRequest) -> dict[str, Any]:
    """The answer of the HTTP contract, stored under its `recommendation_id`; null without a database to store it.

    Raises: InvalidSearchSpace, NoFeasibleConfiguration, UnknownMetric, InvalidRequest; Unavailable when there is no
    database and this process has not answered for the project before.
    """
    with telemetry.recommend_stage("load"):
        try:
            known = await _load(database, bundles, request)
        except Unavailable:
            if (served := bundles.last_served(request.project)) is None:
                raise
            known = _remembered(served, request)
    observer.set(telemetry.recommend_stage)  # of this request's task alone
    with telemetry.recommend_stage("rank"):
        ranking = await _in_thread(request, known, bundles)
    answer = _answer(request, known, ranking)
    with telemetry.recommend_stage("save"):
        kept = (
            await _saved(database, request, known, answer) if request.store else {"recommendation_id": None, **answer}
        )
    telemetry.RECOMMENDATIONS.labels(ranking.basis).inc()
    return kept


async def _load(database: Database, bundles: Bundles, request: RecommendRequest) -> Known:
    asked = tuple(request.objectives)
    given = dict(request.dataset.meta_features)
    async with database.snapshot() as connection:
        try:
            project = await projects.get(connection, request.project)
        except NotFound:
            return Known(_checked(asked), given, [], None, None, [f"project {request.project!r} has no runs yet"])
        objectives = _checked(asked or tuple(Objective.model_validate(o) for o in project.objectives))
        stored = await datasets.meta_features_of(connection, project.id, request.dataset.name)
        own = await runs.of_dataset(connection, project.id, request.dataset.name, MAX_OWN_RUNS)
        champion, learner, warnings = await champion_of(connection, bundles, project)
    if champion is not None and learner is not None:
        bundles.remember(Served(project, champion, learner))
    return Known(objectives, stored | given, own, champion, learner, warnings)


def _remembered(served: Served, request: RecommendRequest) -> Known:
    told = tuple(request.objectives) or tuple(Objective.model_validate(o) for o in served.project.objectives)
    warnings = [OFFLINE.format(served.champion.version)]
    given = dict(request.dataset.meta_features)
    return Known(_checked(told), given, [], served.champion, served.learner, warnings, offline=True)


def _checked(objectives: tuple[Objective, ...]) -> tuple[Objective, ...]:
    if not objectives:
        message = "the request names no objective and its project declares none"
        raise InvalidRequest.at("/objectives", message)
    names = [objective.metric for objective in objectives]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InvalidRequest.at(pointer("objectives", i, "metric"), f"{name!r} is an objective already")
    return objectives


async def champion_of(
    connection: AsyncConnection, bundles: Bundles, project: projects.Project
) -> tuple[meta_learners.MetaLearner | None, MetaLearner | None, list[str]]:
    """The champion; where its bundle is damaged, the newest meta-learner before it that is not."""
    if project.champion_id is None:
        return None, None, []
    champion = await meta_learners.get(connection, project.champion_id, with_report=False)
    if (learner := await _unpacked(connection, bundles, champion)) is not None:
        return champion, learner, []
    for earlier in await meta_learners.list_page(connection, project.id, FALLBACKS, champion.id):
        if earlier.verdict.get("promoted") and (learner := await _unpacked(connection, bundles, earlier)) is not None:
            return earlier, learner, [f"meta-learner version {champion.version} is damaged; an earlier one answers"]
    return None, None, [f"meta-learner version {champion.version} is damaged, and there is none to fall back on"]


async def _unpacked(
    connection: AsyncConnection, bundles: Bundles, candidate: meta_learners.MetaLearner
) -> MetaLearner | None:
    """None, and a line in the log, where the bundle is damaged."""
    try:
        return await bundles.get(connection, candidate.id)
    except CorruptBundle as error:
        told = (candidate.id, candidate.project, error.detail)
        log.error("meta-learner %s of project %r: %s", *told)  # noqa: TRY400  # a checksum has no traceback of interest
        telemetry.DAMAGED_BUNDLES.inc()
        bundles.damaged.add(candidate.id)
        return None


def _unpack(content: bytes) -> MetaLearner:
    from app.learn import bundle
    from app.learn.score_trees import n_uncompiled

    learner = bundle.from_bytes(content)
    telemetry.UNCOMPILED_VIEWS.inc(n_uncompiled(learner))
    return learner


async def _in_thread(request: RecommendRequest, known: Known, bundles: Bundles) -> Ranking:
    """The ranking, made in a thread that stops early if nobody waits for it any more."""
    means = await asyncio.to_thread(_means, bundles)
    try:
        return await asyncio.to_thread(_rank, request, known, means)
    finally:
        means.end()


def _means(bundles: Bundles) -> Means:
    from app.search.means import Means

    return Means(bundles.tables, bundles.threads)


def _rank(request: RecommendRequest, known: Known, means: Means) -> Ranking:
    """From the wire's nouns to the search's question, and its answer."""
    from app.search.question import Question
    from app.search.rank import rank

    context = _context(request.context)
    own = [_own_run(stored) for stored in known.runs if stored.run.state != "running"]
    own += [
        OwnRun(context | flatten_configuration(o.configuration), {**o.metrics, **o.resources}, o.state)
        for o in request.observations
    ]
    training = [inputs_of(stored.run) for stored in known.runs if stored.run.state == "running"]
    question = Question(
        space=parse_search_space(request.search_space),
        objectives=known.objectives,
        meta_features=known.meta_features,
        context=context,
        outcome_constraints=tuple(request.outcome_constraints),
        own=tuple(own),
        pending=(*training, *(flatten_configuration(c) for c in request.pending)),
        top_k=request.top_k,
        strategy=request.strategy,
        per=_per(request, known),
        seed=request.seed,
        explain=request.explain,
        budget_ms=request.budget_ms,
    )
    if known.learner is not None:
        _check_metrics(question, known.learner)
    return rank(question, known.learner, means)


def _per(request: RecommendRequest, known: Known) -> str | None:
    """What improvement is divided by. Raises: InvalidRequest where that means nothing."""
    if request.per is None:
        return None
    if request.strategy != "improve" or len(known.objectives) > 1:
        raise InvalidRequest.at("/per", "only `improve` with one objective weighs improvement against a resource")
    target = known.learner and known.learner.targets.get(request.per)
    if known.learner is not None and not (target and target.resource):
        resources = [name for name, target in known.learner.targets.items() if target.resource]
        raise InvalidRequest.at(
            "/per", f"no run has reported a resource {request.per!r}{_suggestion(request.per, resources)}"
        )
    return request.per


def _context(context: Context) -> dict[str, JsonValue]:
    return {path: value for kind in INPUT_KINDS for path, value in flatten(kind, getattr(context, kind)).items()}


def _own_run(stored: StoredRun) -> OwnRun:
    run = stored.run
    return OwnRun(inputs_of(run), {**reached(run), **run.metrics, **run.resources}, run.state)


def _check_metrics(question: Question, learner: MetaLearner) -> None:
    """Raises: UnknownMetric for a name that neither the history nor the dataset's own runs have reported."""
    reported = learner.targets.keys() | {name for run in question.own for name in run.targets}
    named = [("objectives", i, o.metric) for i, o in enumerate(question.objectives)]
    named += [("outcome_constraints", i, c.metric) for i, c in enumerate(question.outcome_constraints)]
    faults = [
        Fault(pointer(field, i, "metric"), f"no run has reported {name!r}{_suggestion(name, reported)}")
        for field, i, name in named
        if name not in reported
    ]
    if faults:
        raise UnknownMetric(faults[0].message, faults)


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(sorted(known)[:10])}"


def _kept(request: RecommendRequest) -> dict[str, Any]:
    """The request as it is stored: of a list of candidates only their number; the answer has those that count."""
    kept = request.model_dump(mode="json", exclude={"search_space", "store"})
    candidates = request.search_space.get("candidates")
    return kept | {"search_space": {"n_candidates": len(candidates)} if candidates else request.search_space}


def _answer(request: RecommendRequest, known: Known, ranking: Ranking) -> dict[str, Any]:
    champion = known.champion
    size = ranking.space_size
    return {
        "project": request.project,
        "dataset": request.dataset.name,
        "meta_learner": champion
        and {
            "id": str(champion.id),
            "version": champion.version,
            "fitted_at": champion.fitted_at.isoformat().replace("+00:00", "Z"),
            "n_runs": champion.n_runs,
            "n_datasets": champion.n_datasets,
        },
        "basis": ranking.basis,
        "n_own_runs": ranking.n_own_runs,
        "search": {
            "enumeration": ranking.enumeration,
            "space_size": str(size) if size is not None and size > SAFE_INTEGER else size,
            "candidates_ranked": ranking.candidates_ranked,
            "seed": request.seed,
            **({"gap": ranking.gap} if ranking.enumeration == "bounded" else {}),
        },
        "configurations": ranking.configurations,
        "warnings": known.warnings + ranking.warnings,
        **({} if ranking.similar_datasets is None else {"similar_datasets": ranking.similar_datasets}),
    }


async def _saved(database: Database, request: RecommendRequest, known: Known, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with its id; without one, and with a warning, where the database is not there to keep it."""
    try:
        kept = None if known.offline else str(await _save(database, request, known, answer))
    except Unavailable:
        kept = None
    if kept is None:
        answer = {**answer, "warnings": [*answer["warnings"], NOT_STORED]}
    return {"recommendation_id": kept, **answer}


async def _save(database: Database, request: RecommendRequest, known: Known, answer: dict[str, Any]) -> UUID:
    async with database.transaction() as connection:
        project_ids = await projects.ensure(connection, [request.project])
        return await recommendations.insert_one(
            connection,
            project_ids[request.project],
            dataset=request.dataset.name,
            meta_learner_id=known.champion.id if known.champion else None,
            request=_kept(request),
            answer=answer,
        )
