"""MLflow's database, read from its tables: the tracking API makes objects of every value, some hundred runs a second.

Source: mlflow/store/tracking/dbmodels/models.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection, TableClause, select

from app.importers import database
from app.importers.database import AnyRow, Query, named
from app.importers.mlflow import run
from app.importers.mlflow.run import Found
from app.importers.rules import Plan
from app.importers.source import CHUNK, Chunk, Cursor, Source, chunk_of

_EXPERIMENTS: Final = named("experiments", "experiment_id", "name", "lifecycle_stage")
_RUNS: Final = named("runs", "run_uuid", "experiment_id", "status", "start_time", "end_time", "lifecycle_stage")
_PARAMS: Final = named("params", "run_uuid", "key", "value")
_TAGS: Final = named("tags", "run_uuid", "key", "value")
_METRICS: Final = named("latest_metrics", "run_uuid", "key", "value", "is_nan")
_CURVES: Final = named("metrics", "run_uuid", "step", "key", "value", "is_nan", "timestamp")
_INPUTS: Final = named("inputs", "input_uuid", "source_type", "source_id", "destination_type", "destination_id")
_DATASETS: Final = named("datasets", "dataset_uuid", "name", "dataset_profile")


def open_tables(url: str, plan: Plan, experiments: Sequence[str]) -> Source:
    """Raises: CannotImport."""
    active = select(_EXPERIMENTS).where(_EXPERIMENTS.c.lifecycle_stage == "active")
    with database.reading(url) as connection:
        there = {str(row.experiment_id): row.name for row in connection.execute(active)}
        chosen = run.chosen(there, experiments)
        total = database.count(connection, _runs(chosen))
    return Source(
        title=f"MLflow, {len(chosen)} of {len(there)} experiments in {database.shown(url)}",
        identity=f"mlflow {database.shown(url)} {sorted(experiments)}",
        total=total,
        read=partial(_read, url, chosen, plan),
        notes=run.notes(chosen, plan),
    )


def _runs(experiments: Mapping[str, str]) -> Query:
    return select(_RUNS).where(_RUNS.c.experiment_id.in_(map(int, experiments)), _RUNS.c.lifecycle_stage == "active")


def _read(url: str, experiments: Mapping[str, str], plan: Plan, cursor: Cursor) -> Iterator[Chunk]:
    after, key = str(cursor or ""), _RUNS.c.run_uuid
    with database.reading(url) as connection:
        while runs := connection.execute(_runs(experiments).where(key > after).order_by(key).limit(CHUNK)).all():
            within = _runs(experiments).where(key.between(runs[0].run_uuid, runs[-1].run_uuid)).with_only_columns(key)
            parts = _Parts(connection, within, plan)
            records = [run.record(parts.found(row, experiments[str(row.experiment_id)]), plan) for row in runs]
            after = runs[-1].run_uuid
            yield chunk_of(records, plan, after)


class _Parts:
    """What the other tables hold of some runs."""

    def __init__(self, connection: Connection, runs: Query, plan: Plan) -> None:
        def by_run(part: TableClause, *order: str) -> Mapping[str, Sequence[AnyRow]]:
            query = select(part).where(part.c.run_uuid.in_(runs)).order_by(*(part.c[name] for name in order))
            return database.grouped(connection, query)

        self.params, self.tags, self.metrics = map(by_run, (_PARAMS, _TAGS, _METRICS))
        self.curves = by_run(_CURVES, "timestamp") if plan.curves else {}
        self.inputs = database.grouped(
            connection,
            select(_INPUTS.c.destination_id, _DATASETS.c.name, _DATASETS.c.dataset_profile)
            .join_from(_INPUTS, _DATASETS, _DATASETS.c.dataset_uuid == _INPUTS.c.source_id)
            .where(_INPUTS.c.source_type == "DATASET", _INPUTS.c.destination_type == "RUN")
            .where(_INPUTS.c.destination_id.in_(runs))
            .order_by(_INPUTS.c.input_uuid),
        )

    def found(self, row: AnyRow, experiment: str) -> Found:
        key = row.run_uuid
        inputs = self.inputs.get(key)
        return Found(
            key,
            experiment,
            row.status,
            row.start_time,
            row.end_time,
            params={name: value for _, name, value in self.params.get(key, ())},
            metrics={name: run.metric_value(value, nan) for _, name, value, nan in self.metrics.get(key, ())},
            tags={name: value for _, name, value in self.tags.get(key, ())},
            dataset=(inputs[0].name, inputs[0].dataset_profile) if inputs else None,
            curve=((float(s), name, run.metric_value(v, nan)) for _, s, name, v, nan, _ in self.curves.get(key, ())),
        )
