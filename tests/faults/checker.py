"""The ledger against the table, read by SQL: nobody's word is taken for what is stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from tests.faults.ledger import PROJECT, Ledger, fingerprint


@dataclass(frozen=True)
class Row:
    id: str
    run_id: str
    fingerprint: str


@dataclass(frozen=True)
class Findings:
    """The `run_id`s of what is wrong; all are empty when every promise was kept."""

    lost: list[str]
    doubled: list[str]
    changed: list[str]
    """Stored with another content, or under another id, than was acknowledged."""
    unexpected: list[str]

    def __bool__(self) -> bool:
        return bool(self.lost or self.doubled or self.changed or self.unexpected)


def stored(url: str) -> list[Row]:
    """The table as it is."""
    statement = """
        SELECT runs.id::text, run_id, datasets.name AS dataset, state, hyperparameters, metrics
        FROM runs JOIN datasets ON datasets.id = dataset_id JOIN projects ON projects.id = runs.project_id
        WHERE projects.name = %s
    """
    with psycopg.connect(url) as connection:
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        return [Row(row["id"], row["run_id"], fingerprint(row)) for row in cursor.execute(statement, [PROJECT])]


def check(ledger: Ledger, rows: Iterable[Row]) -> Findings:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.run_id].append(row)
    changed = [
        run_id
        for run_id, entry in ledger.entries.items()
        for row in found[run_id]
        if row.fingerprint != entry.fingerprint or not entry.ids <= {row.id}
    ]
    return Findings(
        lost=[run_id for run_id, entry in ledger.entries.items() if entry.acknowledged and not found[run_id]],
        doubled=[run_id for run_id, copies in found.items() if len(copies) > 1],
        changed=changed,
        unexpected=[run_id for run_id, copies in found.items() if copies and run_id not in ledger.entries],
    )
