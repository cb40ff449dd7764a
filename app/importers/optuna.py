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

from sqlalchemy import Connection, Row

from app.importers import database
from app.importers.record import CurveValue, Record, Stage
from app.importers.recover import finite
from app.importers.rules import Rules
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
_CHOSEN: Final = "study_id IN :studies"
_TRIALS: Final = f"""SELECT trial_id, number, study_id, state, datetime_start, datetime_complete FROM trials
    WHERE {_CHOSEN} AND trial_id > :after ORDER BY trial_id LIMIT :limit"""
_OF_TRIALS: Final = f"trial_id IN (SELECT trial_id FROM trials WHERE trial_id BETWEEN :first AND :last AND {_CHOSEN})"
_PARAMETERS: Final = f"SELECT trial_id, param_name, param_value, distribution_json FROM trial_params WHERE {_OF_TRIALS}"
_VALUES: Final = f"SELECT trial_id, objective, value, value_type FROM trial_values WHERE {_OF_TRIALS}"
_ATTRIBUTES: Final = f"SELECT trial_id, key, value_json FROM trial_user_attributes WHERE {_OF_TRIALS}"
_CURVES: Final = f"""SELECT trial_id, step, intermediate_value, intermediate_value_type
    FROM trial_intermediate_values WHERE {_OF_TRIALS}"""
_DISTRIBUTIONS: Final = f"""SELECT DISTINCT param_name, distribution_json
    FROM trial_params JOIN trials USING (trial_id) WHERE {_CHOSEN}"""


@dataclass(frozen=True, slots=True)
class Study:
    """What the trials of a study have in common."""

    name: str
    metrics: tuple[str, ...]
    attributes: Mapping[str, Any]


def open_storage(
    url: str, rules: Rules, project: str, *, study: str | None = None, metrics: Sequence[str] = ()
) -> Source:
    """The trials of one study, or of all; `metrics` names their objectives where the studies do not.

    Raises: CannotImport.
    """
    with database.reading(url) as connection:
        studies = _studies(connection, study, metrics)
        counted = f"SELECT count(*) FROM trials WHERE {_CHOSEN}"
        total: int = database.rows(connection, counted, studies=list(studies))[0][0]
    names = ", ".join(sorted(one.name for one in studies.values())[:5]) + (", ..." if len(studies) > 5 else "")
    return Source(
        title=f"Optuna {'study' if len(studies) == 1 else 'studies'} {names} in {database.shown(url)}",
        identity=f"optuna {database.shown(url)} {study or '*'}",
        total=total,
        read=partial(_read, url, studies, rules, project),
        notes=_notes(studies, rules),
        search_space=partial(_search_space, url, studies),
    )


def _studies(connection: Connection, wanted: str | None, metrics: Sequence[str]) -> dict[int, Study]:
    found = database.rows(connection, "SELECT study_id, study_name FROM studies ORDER BY study_id")
    chosen = {row.study_id: row.study_name for row in found if wanted in (None, row.study_name)}
    if not chosen:
        there = ", ".join(repr(row.study_name) for row in found[:20]) or "none"
        raise CannotImport(f"there is no study {wanted!r}; there is {there}" if wanted else "there is no study")
    objectives = database.rows(
        connection, f"SELECT study_id, objective FROM study_directions WHERE {_CHOSEN}", studies=list(chosen)
    )
    named = database.rows(
        connection,
        f"SELECT study_id, value_json FROM study_system_attributes WHERE {_CHOSEN} AND key = 'study:metric_names'",
        studies=list(chosen),
    )
    own = {row.study_id: tuple(json.loads(row.value_json)) for row in named}
    attributes = database.grouped(
        database.rows(
            connection,
            f"SELECT study_id, key, value_json FROM study_user_attributes WHERE {_CHOSEN}",
            studies=list(chosen),
        )
    )
    counts = {study_id: len(rows) for study_id, rows in database.grouped(objectives).items()}
    return {
        study_id: Study(
            name,
            _metric_names(name, counts.get(study_id, 1), own.get(study_id, ()), metrics),
            {row.key: json.loads(row.value_json) for row in attributes.get(study_id, ())},
        )
        for study_id, name in chosen.items()
    }


def _metric_names(study: str, count: int, own: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """The names of a study's objectives. Raises: CannotImport."""
    if given and len(given) != count:
        raise CannotImport(f"study {study!r} has {count} objectives, but {len(given)} are named: {', '.join(given)}")
    if given or own:
        return tuple(given or own)
    return ("objective",) if count == 1 else tuple(f"objective_{i}" for i in range(count))


def _notes(studies: Mapping[int, Study], rules: Rules) -> tuple[str, ...]:
    notes = []
    if any(name.startswith("objective") for study in studies.values() for name in study.metrics):
        notes.append("the objectives have no names in Optuna; `--objective accuracy` names them")
    if rules.only("dataset") is None:
        notes.append("a study's name is taken for its dataset; `--dataset NAME` or `--dataset-column ATTRIBUTE` names it")
    return tuple(notes)


def _read(url: str, studies: Mapping[int, Study], rules: Rules, project: str, cursor: Cursor) -> Iterator[Chunk]:
    after = int(cursor or 0)
    with database.reading(url) as connection:
        chosen = list(studies)
        while trials := database.rows(connection, _TRIALS, studies=chosen, after=after, limit=CHUNK):
            first, after = trials[0].trial_id, trials[-1].trial_id
            parameters, values, attributes, curves = (
                database.grouped(database.rows(connection, query, studies=chosen, first=first, last=after))
                for query in (_PARAMETERS, _VALUES, _ATTRIBUTES, _CURVES)
            )
            records = (
                _record(trial, studies[trial.study_id], *(part.get(trial.trial_id, ()) for part in parts))
                for trial in trials
                if (parts := (parameters, values, attributes, curves))
            )
            yield chunk_of(records, rules, project, after)


def _record(
    trial: Row[Any],
    study: Study,
    parameters: Sequence[Row[Any]],
    values: Sequence[Row[Any]],
    attributes: Sequence[Row[Any]],
    curve: Sequence[Row[Any]],
) -> Record:
    tags = {**study.attributes, **{key: json.loads(value) for _, key, value in attributes}}
    return Record(
        run_id=f"{study.name}-{trial.number}",
        dataset=study.name,
        stage=STAGES[trial.state],
        hyperparameters={name: decoder(distribution)(value) for _, name, value, distribution in parameters},
        metrics={study.metrics[i]: _number(value, kind) for _, i, value, kind in values},
        tags={**tags, "optuna_study": study.name},
        curve=_curve(curve, study.metrics[0]),
        started_at=database.time_of(trial.datetime_start),
        finished_at=database.time_of(trial.datetime_complete),
    )


def _curve(points: Sequence[Row[Any]], metric: str) -> Iterator[CurveValue]:
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
    with database.reading(url) as connection:
        found = database.rows(connection, _DISTRIBUTIONS, studies=list(studies))
    distributions: dict[str, list[Any]] = {}
    for row in found:
        distributions.setdefault(row.param_name, []).append(json.loads(row.distribution_json))
    return optuna_space.merged(distributions)
