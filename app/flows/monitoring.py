"""What `/metrics` says beyond what its process counted: read from the database at each scrape.

Workers answer no requests, so what they do is told by the tables they write, and every API process tells the same:
take the maximum over instances, not the sum. A histogram that is made of rows grows like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from app.config import Settings
from app.errors import Unavailable
from app.store import monitoring, refits
from app.store.database import Database
from app.store.monitoring import ProjectFacts, Queue, Refits

REFIT_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
MOST_TARGETS: Final = 8
"""Targets of a project that get series: the declared objectives first."""
REPORTED: Final = ("rank_correlation", "coverage", "median_relative_error")
"""Figures of a validation report that are one number for a target."""


async def facts(database: Database, settings: Settings) -> list[Metric]:
    """Of an unreachable database only that it is."""
    pool = _pool(database)
    try:
        async with database.snapshot() as connection:
            states = await refits.count_by_state(connection)
            finished = await monitoring.refits(connection, REFIT_SECONDS)
            queues = await monitoring.queues(connection)
            listeners = await monitoring.n_listeners(connection, settings.refit_lease_seconds)
            projects = await monitoring.projects(connection, settings.metrics_projects)
    except Unavailable:
        return [pool, _gauge("database_up", "Whether the database answered this scrape.", 0)]
    return [
        pool,
        _gauge("database_up", "Whether the database answered this scrape.", 1),
        _gauge("queue_listeners", "Who listens to the queue; every worker does so twice.", listeners),
        _by_state(states),
        _refit_durations(finished),
        *_queues(queues),
        *_projects(projects),
        *_targets(projects),
    ]


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"forerun_{name}", documentation, value=value)


def _pool(database: Database) -> Metric:
    told = "Connections of this process to the database: in_use, idle, and the most that it may have."
    family = GaugeMetricFamily("forerun_database_connections", told, labels=["state"])
    for state, n in database.connections().items():
        family.add_metric([state], n)
    return family


def _by_state(states: dict[str, int]) -> Metric:
    family = GaugeMetricFamily("forerun_refits", "Refits on record, by state.", labels=["state"])
    for state, n in states.items():
        family.add_metric([state], n)
    return family


def _refit_durations(finished: Sequence[Refits]) -> Metric:
    told = "Time from the start of a refit to its end, by outcome: its meta-learner promoted or not (kept), or failed."
    family = HistogramMetricFamily("forerun_refit_duration_seconds", told, labels=["outcome"])
    bounds = [*map(str, REFIT_SECONDS), "+Inf"]
    for refit in finished:
        so_far = [sum(refit.counts[: i + 1]) for i in range(len(bounds))]
        family.add_metric([refit.outcome], buckets=list(zip(bounds, so_far, strict=True)), sum_value=refit.seconds)
    return family


def _queues(queues: Sequence[Queue]) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("forerun_queue_jobs", "What waits for a worker and could be begun.", labels=["queue"])
    age = GaugeMetricFamily("forerun_queue_age_seconds", "How long the oldest of it has waited.", labels=["queue"])
    for queue in queues:
        jobs.add_metric([queue.name], queue.n)
        age.add_metric([queue.name], queue.age_seconds)
    yield from (jobs, age)


def _projects(projects: Sequence[ProjectFacts]) -> Iterator[Metric]:
    told: dict[str, tuple[str, Callable[[ProjectFacts], float | None]]] = {
        "runs": ("Finished runs of a project, as a worker counted them last.", lambda p: p.n_runs),
        "last_run_age_seconds": ("Time since a project's newest run was posted.", lambda p: p.silence_seconds),
        "champion_version": ("Version of the meta-learner that serves.", lambda p: p.version),
        "champion_age_seconds": ("Time since the meta-learner that serves was fitted.", lambda p: p.age_seconds),
        "champion_new_runs": ("Finished runs that the meta-learner that serves has not seen.", _n_new_runs),
    }
    for name, (documentation, value_of) in told.items():
        family = GaugeMetricFamily(f"forerun_project_{name}", documentation, labels=["project"])
        for project in projects:
            if (value := value_of(project)) is not None:
                family.add_metric([project.name], value)
        yield family


def _n_new_runs(project: ProjectFacts) -> int | None:
    return None if project.n_runs_learned is None else max(0, project.n_runs - project.n_runs_learned)


def _targets(projects: Sequence[ProjectFacts]) -> Iterator[Metric]:
    labels = ["project", "target"]
    report = GaugeMetricFamily(
        "forerun_champion_figure", "Validation of the meta-learner that serves.", labels=[*labels, "figure"]
    )
    inside = GaugeMetricFamily(
        "forerun_interval_coverage", "Share of realised results inside their 90 % interval.", labels=labels
    )
    n = GaugeMetricFamily("forerun_interval_outcomes", "Realised results that this share is of.", labels=labels)
    drifting = GaugeMetricFamily(
        "forerun_interval_drifting", "1 where results miss their intervals too often to be chance.", labels=labels
    )
    for project in projects:
        for target in _shown(project):
            where = [project.name, target]
            for figure in REPORTED:
                value = (project.targets or {}).get(target, {}).get(figure)
                if isinstance(value, int | float):
                    report.add_metric([*where, figure], value)
            if (held := project.intervals.get(target)) is not None:
                inside.add_metric(where, held["inside"])
                n.add_metric(where, held["n"])
                drifting.add_metric(where, float(held["drifting"]))
    yield from (report, inside, n, drifting)


def _shown(project: ProjectFacts) -> list[str]:
    known = sorted({*(project.targets or {}), *project.intervals})
    first = [name for name in project.objectives if name in known]
    return [*first, *(name for name in known if name not in first)][:MOST_TARGETS]
