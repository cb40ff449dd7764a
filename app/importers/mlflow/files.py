"""MLflow's file store: `mlruns/<experiment>/<run>/`, a file for each parameter, metric and tag.

Source: mlflow/store/tracking/file_store.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from app.importers.mlflow import run
from app.importers.mlflow.run import Found
from app.importers.record import CurveValue
from app.importers.rules import Plan
from app.importers.source import CHUNK, CannotImport, Chunk, Cursor, Source, chunk_of
from app.importers.yaml import read_yaml

_STATUSES: Final = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
META: Final = "meta.yaml"


def open_folder(folder: Path, plan: Plan, experiments: Sequence[str]) -> Source:
    """Raises: CannotImport."""
    there = {
        path.parent.name: str(meta["name"])
        for path in sorted(folder.glob(f"*/{META}"))
        if (meta := _meta(path)).get("lifecycle_stage") == "active"
    }
    if not there:
        raise CannotImport(f"{folder} holds no MLflow experiment: no */{META}")
    chosen = run.chosen(there, experiments)
    paths = sorted(path.parent for key in chosen for path in (folder / key).glob(f"*/{META}") if _is_run(path.parent))
    return Source(
        title=f"MLflow, {len(chosen)} of {len(there)} experiments in {folder}",
        identity=f"mlflow {folder.resolve()} {sorted(experiments)}",
        total=len(paths),
        read=partial(_read, paths, chosen, plan),
        notes=run.notes(chosen, plan),
    )


def _is_run(folder: Path) -> bool:
    """An experiment's folder holds others, too: traces, datasets, models."""
    return (folder / "metrics").is_dir() or (folder / "params").is_dir()


def _read(paths: Sequence[Path], experiments: Mapping[str, str], plan: Plan, cursor: Cursor) -> Iterator[Chunk]:
    rest = iter(path for path in paths if str(path) > str(cursor or ""))
    while chunk := list(islice(rest, CHUNK)):
        found = [one for path in chunk if (one := _found(path, experiments[path.parent.name], plan)) is not None]
        yield chunk_of((run.record(one, plan) for one in found), plan, str(chunk[-1]))


def _found(folder: Path, experiment: str, plan: Plan) -> Found | None:
    """The run of a folder; None if it was deleted."""
    meta = _meta(folder / META)
    if meta.get("lifecycle_stage") != "active":
        return None
    histories = {name: _history(text) for name, text in _texts(folder / "metrics")}
    return Found(
        folder.name,
        experiment,
        _STATUSES.get(meta.get("status", 0), "FAILED"),
        meta.get("start_time"),
        meta.get("end_time"),
        params=dict(_texts(folder / "params")),
        metrics={name: max(points)[2] for name, points in histories.items() if points},
        tags=dict(_texts(folder / "tags")),
        dataset=_dataset(folder),
        curve=_curve(histories) if plan.curves else (),
    )


def _meta(path: Path) -> dict[str, Any]:
    """Raises: CannotImport."""
    try:
        meta = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CannotImport(f"{path}: {error}") from None
    return meta if isinstance(meta, dict) else {}


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Files by name; a name with slashes is a path."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path.read_text(encoding="utf-8")


def _history(text: str) -> list[tuple[int, int, float]]:
    """Step, time and value of each line `time value step`, where lines of old versions have no step."""
    parts = (line.split(" ") for line in text.splitlines() if line.strip())
    return [(int(part[2]) if len(part) > 2 else 0, int(part[0]), float(part[1])) for part in parts]


def _curve(histories: Mapping[str, list[tuple[int, int, float]]]) -> Iterator[CurveValue]:
    for name, points in histories.items():
        for step, _, value in sorted(points):
            yield float(step), name, value


def _dataset(folder: Path) -> tuple[str, str | None] | None:
    for path in sorted(folder.glob(f"inputs/*/{META}")):
        described = folder.parent / "datasets" / str(_meta(path).get("source_id")) / META
        if described.is_file():
            meta = _meta(described)
            return str(meta["name"]), meta.get("profile")
    return None
