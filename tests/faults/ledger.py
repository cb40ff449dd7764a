"""What the clients know: each run that was sent, and the answers that promised to keep it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

Body = dict[str, Any]
PROJECT = "faults"
CONTENT = ("dataset", "state", "hyperparameters", "metrics")
"""What of a run is compared with the table."""


def made_up(seed: int, client: int, number: int) -> Body:
    """A run like no other, always the same for the same three numbers."""
    rng = np.random.default_rng((seed, client, number))
    return {
        "project": PROJECT,
        "run_id": f"client{client}-{number}",
        "dataset": f"data-{number % 20}",
        "state": "completed",
        "hyperparameters": {"depth": int(rng.integers(1, 16)), "rate": float(rng.random()), "note": "é" * (number % 5)},
        "metrics": {"accuracy": float(rng.random())},
    }


def fingerprint(content: Body) -> str:
    kept = {name: content[name] for name in CONTENT}
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


@dataclass
class Entry:
    """One run: what it says, and the ids under which it was acknowledged (None: by a count alone)."""

    fingerprint: str
    acknowledged: bool = False
    ids: set[str] = field(default_factory=set)


@dataclass
class Ledger:
    """Written by all clients."""

    entries: dict[str, Entry] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    """Answers that nothing justifies."""
    answers: list[tuple[float, float]] = field(default_factory=list)
    """Of each acknowledgement: when its request was sent, and when the answer came (seconds, monotonic)."""
    n_requests: int = 0
    n_refused: int = 0
    n_cut: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sent(self, runs: Iterable[Body]) -> None:
        with self.lock:
            self.n_requests += 1
            for run in runs:
                self.entries.setdefault(run["run_id"], Entry(fingerprint(run)))

    def acknowledged(self, runs: Sequence[Body], ids: Sequence[str | None], sent: float, answered: float) -> None:
        with self.lock:
            self.answers.append((sent, answered))
            for run, found in zip(runs, ids, strict=True):
                entry = self.entries[run["run_id"]]
                entry.acknowledged = True
                if found is not None:
                    entry.ids.add(found)

    def surprise(self, what: str) -> None:
        with self.lock:
            self.surprises.append(what)

    def n_acknowledged(self) -> int:
        with self.lock:
            return sum(entry.acknowledged for entry in self.entries.values())

    def first_answer_after(self, moment: float) -> float | None:
        """When the first request was answered that was sent after a moment."""
        with self.lock:
            return min((answered for sent, answered in self.answers[-500:] if sent >= moment), default=None)

    def longest_silence(self) -> float:
        """Seconds between two acknowledgements, at most."""
        times = np.sort([answered for _, answered in self.answers])
        return float(np.diff(times).max()) if len(times) > 1 else 0.0
