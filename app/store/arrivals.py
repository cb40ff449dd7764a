"""One run as it comes in, ready to be stored: its documents as text, and the digest that knows it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple
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


def arrival_of(run: Run) -> Arrival:
    """A run that was validated by its model."""
    values = [getattr(run, name) for name in DOCUMENTS[:-1]]
    curve = [{"step": point.step, "metrics": point.metrics} for point in run.learning_curve]
    reference, times = run.dataset, (run.started_at, run.finished_at)
    return arrival(
        run.project, run.run_id, reference.name, reference.meta_features, run.state,
        [*values, curve], run.recommendation_id, times,
    )  # fmt: skip


def arrival(
    project: str,
    run_id: str | None,
    dataset: str,
    meta_features: Mapping[str, float],
    state: State,
    values: Sequence[Any],
    recommendation_id: UUID | None,
    times: tuple[datetime | None, datetime | None],
) -> Arrival:
    """`values`: what becomes the documents, in their order; times in UTC. A run without a key is given one."""
    texts = tuple([documents.dump(value) if value else _EMPTY[type(value)] for value in values])
    digest = _digest(texts, (dataset, meta_features, state, recommendation_id, *times))
    return Arrival(
        project, run_id or str(uuid4()), dataset, meta_features, state, texts, recommendation_id, *times, digest
    )


_EMPTY: Final[Mapping[type, bytes]] = {dict: b"{}", list: b"[]"}


def _digest(texts: Sequence[bytes], rest: tuple[Any, ...]) -> bytes:
    """Equal for equal bodies: names in any order, defaults given or left out, 1 or 1.0, a time in any zone.

    Inputs are as they were posted; all else has a type: 1 has been read as 1.0.
    """
    inputs = map(documents.canonical, texts[:_N_INPUTS])
    return sha256(b"\n".join([*inputs, *texts[_N_INPUTS:], documents.dump(rest)])).digest()
