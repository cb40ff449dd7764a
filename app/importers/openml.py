"""OpenML's runs, as its client keeps them on disk, and its evaluations as a table.

Files are read, the server is not asked: the `description.xml` of runs that `openml.runs.get_run` downloaded (its cache
has a folder for each), and tables of evaluations (CSV, Parquet, ARFF), which `table` reads. A task's number stands for
its dataset where the run does not name one. Source: openml/runs/run.py, openml/runs/functions.py.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from app.importers import table
from app.importers.record import Record
from app.importers.rules import Plan
from app.importers.source import CHUNK, CannotImport, Chunk, Cursor, Source, chunk_of

NAMESPACE: Final = "{http://openml.org/openml}"
DESCRIPTION: Final = "description.xml"
_RESOURCES: Final = {
    "usercpu_time_millis": ("duration_seconds", 1e-3),
    "wall_clock_time_millis": ("wall_clock_seconds", 1e-3),
}
"""OpenML's measures that are resources, in our units."""


def open_files(path: Path, plan: Plan) -> Source:
    """A folder of run descriptions, one of them, or a table. Raises: CannotImport."""
    if path.is_file() and path.suffix != ".xml":
        return table.open_table(path, plan)
    paths = [path] if path.is_file() else sorted(path.rglob(DESCRIPTION)) or sorted(path.rglob("*.xml"))
    if not paths:
        raise CannotImport(f"{path} holds no {DESCRIPTION} of a run")
    return Source(
        title=f"OpenML, {len(paths):,} run descriptions in {path}",
        identity=f"openml {path.resolve()}",
        total=len(paths),
        read=partial(_read, paths, plan),
        notes=() if plan.dataset else ("a run whose dataset is not named is on `openml-task-N`",),
    )


def _read(paths: Sequence[Path], plan: Plan, cursor: Cursor) -> Iterator[Chunk]:
    rest = iter(path for path in paths if str(path) > str(cursor or ""))
    while chunk := list(islice(rest, CHUNK)):
        yield chunk_of(map(_record, chunk), plan, str(chunk[-1]))


def _record(path: Path) -> Record:
    from defusedxml import DefusedXmlException  # of the extra `importers`
    from defusedxml.ElementTree import ParseError, parse

    try:
        root = parse(path).getroot()
    except (ParseError, DefusedXmlException, OSError) as error:
        raise CannotImport(f"{path}: {error}") from None
    if root is None or root.tag != f"{NAMESPACE}run":
        raise CannotImport(f"{path} describes no OpenML run")
    return _of(root, path)


def _of(root: Any, path: Path) -> Record:
    def text(name: str) -> str | None:
        found: str | None = root.findtext(f".//{NAMESPACE}{name}")
        return found.strip() if found else None

    task, flow = text("task_id"), text("flow_name") or text("flow_id") or "unknown flow"
    measures = _measures(root)
    resources = {name: measures.pop(key) * unit for key, (name, unit) in _RESOURCES.items() if key in measures}
    return Record(
        run_id=f"openml-{text('run_id') or path.parent.name}",
        dataset=_dataset(root) or f"openml-task-{task}",
        stage="failed" if text("error_message") or text("error") else "completed",
        hyperparameters={"flow": flow, **_settings(root)},
        metrics=measures,
        resources=resources,
        tags={
            "openml_task": task,
            "openml_flow": text("flow_id"),
            "openml_setup": text("setup_id"),
            "uploader": text("uploader_name"),
        },
    )


def _dataset(root: Any) -> str | None:
    data = root.find(f".//{NAMESPACE}input_data/{NAMESPACE}dataset")
    name = data.findtext(f"{NAMESPACE}name") if data is not None else None
    return str(name) if name else None


def _value(text: str) -> str:
    """The scikit-learn flows write values as JSON, where a text has quotes."""
    try:
        value = json.loads(text) if text.startswith('"') else text
    except ValueError:
        return text
    return str(value)


def _settings(root: Any) -> dict[str, str]:
    """The parameters by name; under the number of their component where two components share one."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for setting in root.iter(f"{NAMESPACE}parameter_setting"):
        name = setting.findtext(f"{NAMESPACE}name")
        value, component = (setting.findtext(f"{NAMESPACE}{part}") or "" for part in ("value", "component"))
        if name:
            found[name][component] = _value(value)
    return {
        name if len(values) == 1 else f"{component}.{name}": value
        for name, values in found.items()
        for component, value in values.items()
    }


def _measures(root: Any) -> dict[str, float]:
    """Each measure over all folds: the server's own mean, else the mean of what was measured fold by fold."""
    whole: dict[str, float] = {}
    folds: defaultdict[str, list[float]] = defaultdict(list)
    for evaluation in root.iter(f"{NAMESPACE}evaluation"):
        name, value = (evaluation.findtext(f"{NAMESPACE}{part}") for part in ("name", "value"))
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if evaluation.get("fold") is None:
            whole[name] = number
        else:
            folds[name].append(number)
    return {name: sum(values) / len(values) for name, values in folds.items()} | whole
