"""What must be kept of a history to learn on from a meta-learner without reading that history again.

Old runs are replayed so that they are not forgotten: a sample of them is kept, encoded. And a new run of a known
dataset has a rank among all of that dataset's runs: a sketch of each dataset's values is kept, 21 quantiles a target.

Shapes: t datasets, r replayed runs, d features.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from app.errors import CorruptBundle
from app.learn.scores import rows_by_dataset
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

REPLAYED = 2_000
"""Old runs that every increment sees again."""
LEVELS = np.linspace(-2.5, 2.5, 21)
"""Normal quantiles at which a dataset's values are remembered."""


@dataclass(frozen=True)
class Sketch:
    """How one target's values lie in each dataset. Shapes: counts (t,) of reference runs, values (t, 21) at LEVELS."""

    counts: IntArray
    values: FloatArray

    @classmethod
    def of(cls, v: FloatArray, dataset: IntArray, reference: BoolArray, n_datasets: int) -> Sketch:
        """Shapes: v, dataset, reference (n,)."""
        nothing = cls(np.zeros(n_datasets, np.int64), np.zeros((n_datasets, len(LEVELS))))
        return nothing.with_more(v, dataset, reference, n_datasets)

    def with_more(self, v: FloatArray, dataset: IntArray, reference: BoolArray, n_datasets: int) -> Sketch:
        """With new runs taken in; there may be datasets that are new. Shapes: v, dataset, reference (n,)."""
        added = n_datasets - len(self.counts)
        counts = np.append(self.counts, np.zeros(added, np.int64))
        values = np.vstack([self.values, np.zeros((added, len(LEVELS)))])
        for rows in rows_by_dataset(dataset):
            i, new = dataset[rows[0]], v[_reference(rows, reference)]
            values[i] = _quantiles(values[i], int(counts[i]), new)
            counts[i] += len(new)
        return Sketch(counts, values)

    def scores(self, v: FloatArray, dataset: IntArray, reference: BoolArray) -> FloatArray:
        """Normal quantiles of the ranks of new runs among old and new ones of their dataset: as `rank_scores` of all.

        Shapes: v, dataset (may be beyond the t that are known), reference all (n,) -> (n,).
        """
        z = np.zeros(len(v))
        for rows in rows_by_dataset(dataset):
            new = np.sort(v[_reference(rows, reference)])
            ahead = (np.searchsorted(new, v[rows], "left") + np.searchsorted(new, v[rows], "right")) / 2
            n_old = self.n_old(int(dataset[rows[0]]))
            if n_old:
                ahead = ahead + n_old * np.interp(v[rows], self.values[dataset[rows[0]]], ndtr(LEVELS))
            z[rows] = ndtri((ahead + 0.5) / (n_old + len(new) + 1))
        return z

    def n_old(self, dataset: int) -> int:
        return int(self.counts[dataset]) if dataset < len(self.counts) else 0


def evenly(n: int, kept: int) -> BoolArray:
    """Which of n rows to keep: evenly spread, at most `kept` of them. Shape: (n,)."""
    found = np.zeros(n, dtype=np.bool_)
    found[np.linspace(0, n - 1, min(n, max(kept, 0))).round().astype(np.int64)] = True
    return found


def _reference(rows: IntArray, reference: BoolArray) -> IntArray:
    full = rows[reference[rows]]
    return full if len(full) else rows


def _quantiles(old: FloatArray, n_old: int, new: FloatArray) -> FloatArray:
    """At LEVELS, of what a sketch stands for and new values together. Shapes: old (21,), new (n,) -> (21,)."""
    edges = np.concatenate([[0.0], ndtr((LEVELS[1:] + LEVELS[:-1]) / 2), [1.0]])
    values = np.concatenate([old, new]) if n_old else new
    weights = np.concatenate([n_old * np.diff(edges), np.ones(len(new))]) if n_old else np.ones(len(new))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return np.asarray(np.interp(ndtr(LEVELS), reached / weights.sum(), values[order]))


@dataclass(frozen=True)
class Replay:
    """A sample of old runs, encoded. Shapes: X (r, d), dataset (r,), reference (r,), targets (r,) each."""

    X: Float32Array
    dataset: IntArray  # rows of the continuation's datasets
    reference: BoolArray
    targets: Mapping[str, FloatArray]

    def take(self, rows: IntArray) -> Replay:
        targets = {name: y[rows] for name, y in self.targets.items()}
        return Replay(np.asfortranarray(self.X[rows]), self.dataset[rows], self.reference[rows], targets)

    def joined(self, other: Replay) -> Replay:
        targets = {name: np.concatenate([y, other.targets[name]]) for name, y in self.targets.items()}
        return Replay(
            np.asfortranarray(np.vstack([self.X, other.X])),
            np.concatenate([self.dataset, other.dataset]),
            np.concatenate([self.reference, other.reference]),
            targets,
        )


@dataclass(frozen=True)
class Continuation:
    """All of that, and how far it is from the last full refit."""

    datasets: tuple[str, ...]
    sketches: Mapping[str, Sketch]  # of the metrics; of a resource new runs only tell how they differ
    replay: Replay
    n_runs: int
    n_runs_at_full: int
    n_increments: int = 0

    def to_bytes(self) -> bytes:
        """As NumPy arrays, without object arrays, and JSON."""
        manifest: dict[str, Any] = {
            "datasets": self.datasets,
            "sketches": sorted(self.sketches),
            "targets": sorted(self.replay.targets),
            "counts": [self.n_runs, self.n_runs_at_full, self.n_increments],
        }
        arrays: dict[str, Any] = {
            "X": self.replay.X,
            "dataset": self.replay.dataset,
            "reference": self.replay.reference,
        }
        arrays |= {f"y{i}": self.replay.targets[name] for i, name in enumerate(manifest["targets"])}
        for i, name in enumerate(sorted(self.sketches)):
            arrays |= {f"counts{i}": self.sketches[name].counts, f"values{i}": self.sketches[name].values}
        text = np.frombuffer(json.dumps(manifest).encode(), np.uint8)
        out = io.BytesIO()
        np.savez_compressed(out, allow_pickle=False, manifest=text, **arrays)
        return out.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Continuation:
        """Raises: CorruptBundle."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            manifest = json.loads(arrays["manifest"].tobytes())
            targets = {name: arrays[f"y{i}"] for i, name in enumerate(manifest["targets"])}
            replay = Replay(np.asfortranarray(arrays["X"]), arrays["dataset"], arrays["reference"], targets)
            sketches = {
                name: Sketch(arrays[f"counts{i}"], arrays[f"values{i}"]) for i, name in enumerate(manifest["sketches"])
            }
            return cls(tuple(manifest["datasets"]), sketches, replay, *manifest["counts"])
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise CorruptBundle("these bytes are nothing that can be learned on from") from error
