"""Runs as they come in, ready to be stored: their documents as text, and the digests that know them again.

A digest is equal for equal bodies: names in any order, defaults given or left out, 1 or 1.0, a time in any zone. Inputs
are as they were posted; all else has a type: 1 has been read as 1.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple, get_args
from uuid import UUID, uuid4

from app.store import documents
from app.types import INPUT_KINDS, Run, State

DOCUMENTS: Final = (*INPUT_KINDS, "metrics", "resources", "tags", "learning_curve")
_N_INPUTS: Final = len(INPUT_KINDS)


class Arrival(NamedTuple):
    """A named tuple, since one is made for each run: a frozen dataclass costs five times as much."""

    project: str
    run_id: str
    dataset: str
    meta_features: Mapping[str, float]
    state: State
    documents: tuple[bytes, ...]  # JSON, one for each of DOCUMENTS
    recommendation_id: UUID | None
    started_at: datetime | None
    finished_at: datetime | None
    digest: bytes

    @property
    def key(self) -> tuple[str, str]:
        """What makes a run the same run."""
        return self.project, self.run_id


class Reference(NamedTuple):
    """A dataset as a run names it."""

    name: str
    meta_features: Mapping[str, float]
    text: bytes
    """Both as digests have them."""


def reference(name: str, meta_features: Mapping[str, float]) -> Reference:
    return Reference(name, meta_features, documents.dump((name, meta_features))[1:-1])


def arrival_of(run: Run) -> Arrival:
    """A run that was validated by its model."""
    values = [[getattr(run, name)] for name in DOCUMENTS[:-1]]
    curve = [{"step": point.step, "metrics": point.metrics} for point in run.learning_curve]
    dataset, times = reference(run.dataset.name, run.dataset.meta_features), (run.started_at, run.finished_at)
    columns = ([run.project], [run.run_id], [dataset], [run.state], [*values, [curve]], [run.recommendation_id])
    return arrivals(*columns, [times])[0]


def arrivals(
    projects: Iterable[str],
    run_ids: Iterable[str | None],
    references: Sequence[Reference],
    states: Sequence[State],
    values: Sequence[Sequence[Any]],
    follows: Iterable[UUID | None],
    times: Sequence[tuple[datetime | None, datetime | None]],
) -> list[Arrival]:
    """Runs as columns; what is not given may be anything that is false, and a run without a key is given one.

    `values`: what becomes the documents, in their order; times in UTC.
    """
    texts = [
        documents.dump_each(column, _EMPTY.get(name, b"{}")) for name, column in zip(DOCUMENTS, values, strict=True)
    ]
    inputs = map(documents.canonical_each, texts[:_N_INPUTS])
    follows = [each or None for each in follows]
    about = map(_about, references, states, follows, times)
    digests = [sha256(b"\n".join(parts)).digest() for parts in zip(*inputs, *texts[_N_INPUTS:], about, strict=True)]
    keys = [run_id or str(uuid4()) for run_id in run_ids]
    names, features, _ = zip(*references, strict=True)
    rows = zip(
        projects,
        keys,
        names,
        features,
        states,
        zip(*texts, strict=True),
        follows,
        *zip(*times, strict=True),
        digests,
        strict=True,
    )
    return list(map(Arrival._make, rows))


_EMPTY: Final[Mapping[str, bytes]] = {"learning_curve": b"[]"}


def _about(
    dataset: Reference, state: State, follows: UUID | None, times: tuple[datetime | None, datetime | None]
) -> bytes:
    """The rest of what a digest is of, as JSON."""
    ends = _ENDS[state] if follows is None and times == _NO_TIMES else documents.dump((state, follows, *times))[1:]
    return b"[%b,%b" % (dataset.text, ends)


_NO_TIMES: Final = (None, None)
_ENDS: Final = {state: documents.dump((state, None, None, None))[1:] for state in get_args(State)}
"""Of most runs."""
