"""CSV, Parquet and ARFF tables -> runs: a row is a run, by a mapping of columns that is guessed and overridden.

A row's `run_id` is that of its column, else the digest of its values (the n-th of equal rows is the n-th run), so that
a file that was moved, sorted or grown gives the same runs again.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from app.importers.body import is_name
from app.importers.guess import NAMES, Guess, guesses
from app.importers.record import Record, Stage
from app.importers.recover import finite, recovered, seconds_of
from app.importers.rules import Plan
from app.importers.source import CHUNK, CannotImport, Chunk, Column, Cursor, Source, chunk_of

Row = Mapping[str, Any]
SAMPLE: Final = 1_000
"""Rows that a guess looks at."""
_WORDS: Final[Mapping[Stage, tuple[str, ...]]] = {
    "completed": ("completed", "complete", "finished", "success", "succeeded", "successful", "ok", "done", "1", "true"),
    "failed": ("failed", "fail", "crashed", "error", "crash", "oom", "0", "false"),
    "stopped": ("stopped", "pruned", "killed", "cancelled", "canceled", "early_stopped", "timeout", "preempted"),
    "running": ("running", "active"),
    "waiting": ("waiting", "pending", "queued", "scheduled"),
}
STAGES: Final = {word: stage for stage, words in _WORDS.items() for word in words}


def open_table(path: Path, plan: Plan, file_format: str | None = None) -> Source:
    """Raises: CannotImport."""
    form = file_format or path.suffix.removeprefix(".").lower()
    if form not in _READERS:
        raise CannotImport(f"{path}: {', '.join(_READERS)} tables are read, not {form or 'files without an ending'}")
    rows = partial(_READERS[form], path)
    sample = list(islice(rows(), SAMPLE))
    if not sample:
        raise CannotImport(f"{path} has no row")
    columns = list(dict.fromkeys(name for row in sample for name in row))
    mapping = _mapping(path, columns, sample, plan)
    stat = path.stat()
    return Source(
        title=f"{path.name}, {len(columns)} columns",
        identity=f"{form} {path.resolve()} {stat.st_size} {stat.st_mtime_ns}",
        total=_COUNTS[form](path),
        read=partial(_read, rows, mapping, path.stem, plan),
        columns=tuple(_column(name, mapping[name], sample) for name in columns),
        notes=_notes(mapping, path.stem, plan),
    )


# ---------------------------------------------------------------- what the columns are


def _mapping(path: Path, columns: Sequence[str], sample: Sequence[Row], plan: Plan) -> dict[str, Guess]:
    """The guess, where the rules do not know better. Raises: CannotImport."""
    rules = plan.rules
    named = {name for names in rules.patterns.values() for name in names if not set(name) & set("*?[")}
    if missing := sorted(named - set(columns)):
        raise CannotImport(f"{path.name} has no column {missing[0]!r}; it has {', '.join(map(repr, columns[:30]))}")
    mapping = guesses(columns, sample)
    for kind in NAMES:
        if rules.only(kind) is not None:  # a guess gives way
            mapping |= {c: Guess("tags", c) for c, guess in mapping.items() if guess.kind == kind}
    for column in columns:
        ruled = rules.kind_of(column)
        if ruled is not None:
            name = mapping[column].name if mapping[column].kind == ruled else _bare(column, ruled)
            mapping[column] = Guess(ruled, name)
    if not any(guess.kind == "metrics" for guess in mapping.values()):
        raise CannotImport(
            f"no column of {path.name} looks like a metric; name one with --metric, such as --metric score"
        )
    return mapping


def _bare(column: str, kind: str) -> str:
    """The name without the kind that it begins with."""
    for prefix in (f"{kind}.", f"{kind}/", f"{kind}_"):
        if column.startswith(prefix) and len(column) > len(prefix):
            return column[len(prefix) :]
    return column


def _column(name: str, guess: Guess, sample: Sequence[Row]) -> Column:
    shown = dict.fromkeys(_short(row[name]) for row in sample if row.get(name) not in (None, ""))
    single = guess.kind in NAMES or guess.kind == "ignored"
    return Column(name, guess.kind if single else f"{guess.kind}.{guess.name}", tuple(islice(shown, 3)))


def _short(value: Any) -> str:
    read = recovered(value)
    return f"{read:.6g}" if isinstance(read, float) else str(value)[:40]


def _notes(mapping: Mapping[str, Guess], stem: str, plan: Plan) -> tuple[str, ...]:
    kinds = {guess.kind for guess in mapping.values()}
    notes = []
    if "dataset" not in kinds and plan.dataset is None:
        notes.append(
            f"no column names the dataset: all runs are on {stem!r}; --dataset-column or --dataset says otherwise"
        )
    if "run_id" not in kinds:
        notes.append("no column names the run: the digest of its row does")
    return tuple(notes)


# ---------------------------------------------------------------- rows to runs


def _read(
    rows: Callable[[], Iterator[Row]], mapping: Mapping[str, Guess], stem: str, plan: Plan, cursor: Cursor
) -> Iterator[Chunk]:
    seen: Counter[str] = Counter()
    kinds = {guess.kind: column for column, guess in mapping.items() if guess.kind in NAMES}
    fields = [(column, guess.kind, guess.name) for column, guess in mapping.items() if guess.kind not in NAMES]
    unruled = Plan(
        plan.project, dataset=plan.dataset, running=plan.running, curves=False
    )  # the mapping has said it all
    done, begin, rest = 0, int(cursor or 0), rows()
    while chunk := list(islice(rest, CHUNK)):
        names = [_run_id(row, kinds, seen) for row in chunk]
        done += len(chunk)
        if done > begin:
            records = (_record(row, name, kinds, fields, stem) for row, name in zip(chunk, names, strict=True))
            yield chunk_of(records, unruled, done)


def _run_id(row: Row, kinds: Mapping[str, str], seen: Counter[str]) -> str:
    given = row.get(kinds.get("run_id", ""))
    if given not in (None, "") and is_name(str(given)):
        return str(given)
    said = {name: value for name, value in row.items() if value not in (None, "") and value == value}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:24]
    seen[digest] += 1
    return f"row-{digest}" if seen[digest] == 1 else f"row-{digest}-{seen[digest]}"


def _record(
    row: Row, run_id: str, kinds: Mapping[str, str], fields: Sequence[tuple[str, str, str]], stem: str
) -> Record:
    parts: dict[str, dict[str, Any]] = {}
    for column, kind, name in fields:
        value = row.get(column)
        if kind == "ignored" or value is None or value == "":
            continue
        if isinstance(value, float) and value != value and kind != "metrics":
            continue  # absent, as pandas writes it
        parts.setdefault(kind, {})[name] = (
            value if kind != "resources" or (seconds := seconds_of(value)) is None else seconds
        )
    special = {kind: row.get(column) for kind, column in kinds.items()}
    return Record(
        run_id=run_id,
        dataset=str(special.get("dataset") or stem),
        stage=_stage(special.get("state")),
        hyperparameters=parts.pop("hyperparameters", {}),
        metrics=parts.pop("metrics", {}),
        resources=parts.pop("resources", {}),
        tags=parts.pop("tags", {}),
        other=parts,
        started_at=_time(special.get("started_at")),
        finished_at=_time(special.get("finished_at")),
    )


def _stage(value: Any) -> Stage:
    """What has no state has ended well; a word that nobody knows is taken for a failure."""
    word = str(value).strip().lower().removeprefix("trialstate.").replace(" ", "_") if value not in (None, "") else "ok"
    return STAGES.get(word, "failed")


def _time(value: Any) -> datetime | None:
    """RFC 3339, ISO 8601 or POSIX (milli)seconds; without a zone UTC."""
    read = recovered(value)
    try:
        if isinstance(read, (int, float)) and not isinstance(read, bool):
            return datetime.fromtimestamp(read / 1e3 if abs(read) > 1e11 else read, UTC)
        time = read if isinstance(read, datetime) else datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


# ---------------------------------------------------------------- files


def _csv_rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            dialect = _dialect(file.read(65_536))
            file.seek(0)
            for row in csv.DictReader(file, dialect=dialect):
                row.pop(None, None)  # what stands beyond the header's columns
                yield row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CannotImport(f"{path}: {error}") from None


def _dialect(text: str) -> type[csv.Dialect]:
    try:
        return csv.Sniffer().sniff(text.partition("\n")[0], delimiters=",;\t|")
    except csv.Error:
        return csv.excel


def _parquet_rows(path: Path) -> Iterator[Row]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(CHUNK):
                yield from ({name: _plain(value) for name, value in row.items()} for row in batch.to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise CannotImport(f"{path}: {error}") from None


def _plain(value: Any) -> Any:
    """Times and durations stay what they are for `_time`; a NaN is what a float column lacks."""
    if hasattr(value, "total_seconds"):
        return value.total_seconds()
    return value if isinstance(value, (datetime, float)) else finite(value)


def _arff_rows(path: Path) -> Iterator[Row]:
    import arff  # of the extra `openml`

    try:
        with path.open(encoding="utf-8") as file:
            read = arff.load(file, return_type=arff.DENSE_GEN)
            names = [name for name, _ in read["attributes"]]
            yield from (dict(zip(names, row, strict=True)) for row in read["data"])
    except (OSError, UnicodeDecodeError, arff.ArffException) as error:
        raise CannotImport(f"{path}: {error}") from None


_READERS: Final[Mapping[str, Callable[[Path], Iterator[Row]]]] = {
    "csv": _csv_rows,
    "tsv": _csv_rows,
    "parquet": _parquet_rows,
    "arff": _arff_rows,
}


def _lines(path: Path) -> int | None:
    """An estimate: quoted values may hold line ends."""
    with path.open("rb") as file:
        return max(sum(block.count(b"\n") for block in iter(partial(file.read, 1 << 20), b"")) - 1, 0) or None


_COUNTS: Final[Mapping[str, Callable[[Path], int | None]]] = {
    "csv": _lines,
    "tsv": _lines,
    "parquet": lambda path: int(pq.read_metadata(path).num_rows),
    "arff": lambda path: None,
}
