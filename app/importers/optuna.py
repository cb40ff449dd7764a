"""Optuna's RDB storages -> runs: a trial is a run, its user attributes are tags unless the rules say otherwise.

The tables are read, not the library's objects, which are made all at once and several for each value. Times are UTC,
as Optuna 5 keeps them (before, they were the writing machine's, which no table names). Source:
optuna/storages/_rdb/models.py (schema 12), optuna/distributions.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

from sqlalchemy import Connection, TableClause, select

from app.importers import database
from app.importers.database import AnyRow, Query, named
from app.importers.record import CurveValue, Record, Stage
from app.importers.recover import finite
from app.importers.rules import Plan
from app.importers.source import CHUNK, CannotImport, Chunk, Cursor, Source, chunk_of
from app.importers.spaces import optuna as optuna_space
from app.importers.spaces.translation import Translation

STAGES: Final[Mapping[str, Stage]] = {
    "COMPLETE": "completed",
    "PRUNED": "stopped",
    "FAIL": "failed",
    "RUNNING": "running",
    "WAITING": "waiting",
}
_BEYOND: Final = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
_STUDIES: Final = named("studies", "study_id", "study_name")
_DIRECTIONS: Final = named("study_directions", "study_id", "objective")
_SYSTEM: Final = named("study_system_attributes", "study_id", "key", "value_json")
_STUDY_ATTRIBUTES: Final = named("study_user_attributes", "study_id", "key", "value_json")
_TRIALS: Final = named("trials", "trial_id", "number", "study_id", "state", "datetime_start", "datetime_complete")
_PARAMETERS: Final = named("trial_params", "trial_id", "param_name", "param_value", "distribution_json")
_VALUES: Final = named("trial_values", "trial_id", "objective", "value", "value_type")
_ATTRIBUTES: Final = named("trial_user_attributes", "trial_id", "key", "value_json")
_CURVES: Final = named("trial_intermediate_values", "trial_id", "step", "intermediate_value", "intermediate_value_type")
_PARTS: Final = (_PARAMETERS, _VALUES, _ATTRIBUTES, _CURVES)


@dataclass(frozen=True, slots=True)
class Study:
    """What the trials of a study have in common."""

    name: str
    metrics: tuple[str, ...]
    attributes: Mapping[str, Any]


def open_storage(url: str, plan: Plan, *, study: str | None = None, metrics: Sequence[str] = ()) -> Source:
    """The trials of one study, or of all; `metrics` names their objectives where the studies do not.

    Raises: CannotImport.
    """
    with database.reading(url) as connection:
        studies = _studies(connection, study, metrics)
        total = database.count(connection, _trials(studies))
    names = ", ".join(sorted(one.name for one in studies.values())[:5]) + (", ..." if len(studies) > 5 else "")
    return Source(
        title=f"Optuna {'study' if len(studies) == 1 else 'studies'} {names} in {database.shown(url)}",
        identity=f"optuna {database.shown(url)} {study or '*'}",
        total=total,
        read=partial(_read, url, studies, plan),
        notes=_notes(studies, plan),
        search_space=partial(_search_space, url, studies),
    )


def _studies(connection: Connection, wanted: str | None, metrics: Sequence[str]) -> dict[int, Study]:
    there = {row.study_id: row.study_name for row in connection.execute(select(_STUDIES))}
    chosen = {key: name for key, name in there.items() if wanted in (None, name)}
    if not chosen:
        names = ", ".join(sorted(map(repr, there.values()))[:20]) or "none"
        raise CannotImport(f"there is no study {wanted!r}; there is {names}" if wanted else "there is no study")

    def of_studies(part: TableClause) -> Mapping[int, Sequence[AnyRow]]:
        return database.grouped(connection, select(part).where(part.c.study_id.in_(chosen)))

    directions, system, attributes = map(of_studies, (_DIRECTIONS, _SYSTEM, _STUDY_ATTRIBUTES))
    return {
        key: Study(
            name,
            _metric_names(name, len(directions[key]), system.get(key, ()), metrics),
            {attribute: json.loads(value) for _, attribute, value in attributes.get(key, ())},
        )
        for key, name in chosen.items()
    }


def _metric_names(study: str, count: int, system: Sequence[AnyRow], given: Sequence[str]) -> tuple[str, ...]:
    """The names of a study's objectives. Raises: CannotImport."""
    own = next((json.loads(value) for _, key, value in system if key == "study:metric_names"), ())
    if given and len(given) != count:
        raise CannotImport(f"study {study!r} has {count} objectives, but {len(given)} are named: {', '.join(given)}")
    if given or own:
        return tuple(given or own)
    return ("objective",) if count == 1 else tuple(f"objective_{i}" for i in range(count))


def _notes(studies: Mapping[int, Study], plan: Plan) -> tuple[str, ...]:
    notes = []
    if any(name.startswith("objective") for study in studies.values() for name in study.metrics):
        notes.append("the objectives have no names in Optuna; `--objective accuracy` names them")
    if plan.dataset is None and plan.rules.only("dataset") is None:
        notes.append(
            "a study's name is taken for its dataset; `--dataset NAME` or `--dataset-column ATTRIBUTE` names it"
        )
    return tuple(notes)


def _trials(studies: Mapping[int, Study]) -> Query:
    return select(_TRIALS).where(_TRIALS.c.study_id.in_(studies))


def _read(url: str, studies: Mapping[int, Study], plan: Plan, cursor: Cursor) -> Iterator[Chunk]:
    after, key = int(cursor or 0), _TRIALS.c.trial_id
    with database.reading(url) as connection:
        while trials := connection.execute(_trials(studies).where(key > after).order_by(key).limit(CHUNK)).all():
            within = _trials(studies).where(key.between(trials[0].trial_id, trials[-1].trial_id)).with_only_columns(key)
            parts = [database.grouped(connection, select(part).where(part.c.trial_id.in_(within))) for part in _PARTS]
            records = [
                _record(trial, studies[trial.study_id], *(part.get(trial.trial_id, ()) for part in parts))
                for trial in trials
            ]
            after = trials[-1].trial_id
            yield chunk_of(records, plan, after)


def _record(
    trial: AnyRow,
    study: Study,
    parameters: Sequence[AnyRow],
    values: Sequence[AnyRow],
    attributes: Sequence[AnyRow],
    curve: Sequence[AnyRow],
) -> Record:
    """The run. Its id has the time that the trial began, which tells studies of one name apart."""
    started = database.time_of(trial.datetime_start)
    tags = {**study.attributes, **{key: json.loads(value) for _, key, value in attributes}}
    return Record(
        run_id=f"{study.name}-{trial.number}" + (f"-{started:%Y%m%dT%H%M%S}" if started else ""),
        dataset=study.name,
        stage=STAGES[trial.state],
        hyperparameters={name: decoder(distribution)(value) for _, name, value, distribution in parameters},
        metrics={study.metrics[i]: _number(value, kind) for _, i, value, kind in values},
        tags={**tags, "optuna_study": study.name},
        curve=_curve(curve, study.metrics[0]),
        started_at=started,
        finished_at=database.time_of(trial.datetime_complete),
    )


def _curve(points: Sequence[AnyRow], metric: str) -> Iterator[CurveValue]:
    return ((float(step), metric, _number(value, kind)) for _, step, value, kind in points)


def _number(value: float | None, kind: str) -> float:
    return _BEYOND[kind] if value is None else value


@lru_cache(maxsize=4_096)
def decoder(distribution: str) -> Callable[[float], Any]:
    """What turns a stored number into the parameter's value, by the JSON of its distribution."""
    document = json.loads(distribution)
    name, attributes = document["name"], document["attributes"]
    if name == "CategoricalDistribution":
        choices = [finite(choice) for choice in attributes["choices"]]
        return lambda value: choices[int(value)]
    return int if name.startswith("Int") else float


def _search_space(url: str, studies: Mapping[int, Study]) -> Translation:
    """Every distribution that the trials drew from, as one space."""
    query = select(_PARAMETERS.c.param_name, _PARAMETERS.c.distribution_json).distinct()
    trials = _trials(studies).with_only_columns(_TRIALS.c.trial_id)
    with database.reading(url) as connection:
        found = database.grouped(connection, query.where(_PARAMETERS.c.trial_id.in_(trials)))
    return optuna_space.merged({name: [json.loads(row[1]) for row in rows] for name, rows in found.items()}).checked()
