"""Step 1 on one page: what the history looks like (`fit`), and everything to numbers by it (`transform`).

    inputs (columns) ──flat_columns──> leaves ──encode──> features of each path ─┐
    meta-features (per dataset) ──encode_meta_features──> gathered by dataset ───┴──> X

History and candidates take the same way, so that a configuration makes the same row of X whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, get_args

import numpy as np

from app.featurise import architecture, environment, fidelity, hyperparameters
from app.featurise.dataset import encode_meta_features, infer_meta_features
from app.featurise.encoder import Encoder, encode
from app.featurise.frame import flat_columns
from app.featurise.schema import InputSchema, Source, infer
from app.space.columns import CodedColumn, Column, Columns, Float32Array, IntArray, JsonValue
from app.types import Feature, FeatureFrame, InputKind, RunTable

SOURCES: Mapping[str, Source] = {
    module.SOURCE.kind: module.SOURCE for module in (hyperparameters, architecture, environment, fidelity)
}
_KIND_ORDER = get_args(InputKind)


@dataclass(frozen=True)
class Featuriser:
    """How inputs become X. Open to names and categories it has not seen: they change nothing, and `unknown` tells."""

    meta_features: tuple[Encoder, ...]
    inputs: tuple[InputSchema, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        return tuple(encoder.feature for encoder in self.encoders)

    @cached_property
    def encoders(self) -> tuple[Encoder, ...]:
        return self.meta_features + tuple(encoder for schema in self.inputs for encoder in schema.encoders)

    @classmethod
    def fit(cls, table: RunTable) -> Featuriser:
        """The schema of a history, independent of the order of its runs."""
        columns = flat_columns(table.inputs)
        paths = sorted(columns, key=lambda path: (_KIND_ORDER.index(_kind(path)), path))
        schemas = [infer(path, columns[path], SOURCES[_kind(path)]) for path in paths]
        unscaled = cls(infer_meta_features(table.meta_features), tuple(schemas))
        return unscaled._with_scales(table)

    def transform(
        self, inputs: Columns, meta_features: Sequence[Mapping[str, float]], dataset: IntArray
    ) -> FeatureFrame:
        """The features of n configurations, the only way to a `FeatureFrame`.

        Shapes: inputs n rows each, a path that is missing is absent in every row; meta_features one per dataset;
        dataset (n,) rows of meta_features, which become the groups.
        """
        n = len(dataset)
        X = np.zeros((n, len(self.encoders)), dtype=np.float32, order="F")
        of_datasets = encode_meta_features(self.meta_features, meta_features)
        for j in range(of_datasets.shape[1]):
            X[:, j] = of_datasets[:, j][dataset]
        self._fill(X[:, of_datasets.shape[1] :], flat_columns(inputs))
        return FeatureFrame(X, self.features, dataset)

    def _fill(self, X: Float32Array, columns: Mapping[str, Column]) -> None:
        start = 0
        for schema, absence in zip(self.inputs, self._absence, strict=True):
            end = start + len(schema.encoders)
            if schema.path not in columns:
                X[:, start:end] = absence
            elif schema.encoders:
                _encode(schema, columns[schema.path], X[:, start:end])
            start = end

    @cached_property
    def _absence(self) -> tuple[Float32Array, ...]:
        """What each path's features (1, f) are where it has no value."""
        rows = [np.zeros((1, len(schema.encoders)), dtype=np.float32) for schema in self.inputs]
        for schema, row in zip(self.inputs, rows, strict=True):
            if schema.encoders:
                _encode(schema, _NOTHING, row)
        return tuple(rows)

    def _with_scales(self, table: RunTable) -> Featuriser:
        """Each number's spread: over datasets for a meta-feature, over runs for an input."""
        datasets = encode_meta_features(self.meta_features, table.meta_features)
        X = self.transform(table.inputs, table.meta_features, table.dataset).X
        scaled = [_with_scale(encoder, datasets[:, j]) for j, encoder in enumerate(self.meta_features)]
        schemas, j = [], len(scaled)
        for schema in self.inputs:
            encoders = [_with_scale(encoder, X[:, j + k]) for k, encoder in enumerate(schema.encoders)]
            schemas.append(replace(schema, encoders=tuple(encoders)))
            j += len(encoders)
        return Featuriser(tuple(scaled), tuple(schemas))

    def unknown(self, inputs: Columns) -> list[str]:
        """Paths ("fidelity.epochs") and values ("environment.accelerator=B200") that the history has not seen."""
        known = {schema.path: schema for schema in self.inputs}
        found: list[str] = []
        for path, column in sorted(flat_columns(inputs).items()):
            found += [path] if path not in known else [f"{path}={value}" for value in known[path].unseen(column)]
        return found

    def to_json(self) -> dict[str, JsonValue]:
        """Everything `transform` depends on, as JSON; numbers survive exactly."""
        return {
            "meta_features": [_encoder_to_json(encoder) for encoder in self.meta_features],
            "inputs": [_schema_to_json(schema) for schema in self.inputs],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Featuriser:
        """The featuriser that `to_json` wrote down."""
        return cls(
            tuple(_encoder_from_json(encoder) for encoder in document["meta_features"]),
            tuple(_schema_from_json(schema) for schema in document["inputs"]),
        )


_NOTHING = CodedColumn(np.full(1, -1, dtype=np.int32), ())


def _encode(schema: InputSchema, column: Column, out: Float32Array) -> None:
    encode(schema.encoders, SOURCES[_kind(schema.path)].statistics, column, out)


def _encoder_to_json(encoder: Encoder) -> dict[str, JsonValue]:
    return asdict(encoder)


def _encoder_from_json(document: Mapping[str, Any]) -> Encoder:
    return Encoder(**{**document, "feature": Feature(**document["feature"])})


def _schema_to_json(schema: InputSchema) -> dict[str, JsonValue]:
    levels: list[JsonValue] | None = None if schema.levels is None else [*sorted(schema.levels)]
    return asdict(schema) | {"encoders": [_encoder_to_json(e) for e in schema.encoders], "levels": levels}


def _schema_from_json(document: Mapping[str, Any]) -> InputSchema:
    encoders = tuple(_encoder_from_json(encoder) for encoder in document["encoders"])
    levels = None if document["levels"] is None else frozenset(document["levels"])
    return InputSchema(**{**document, "encoders": encoders, "levels": levels})


def _kind(path: str) -> InputKind:
    kind = path.partition(".")[0]
    if kind not in SOURCES:
        raise ValueError(f"{path!r} is under none of {', '.join(SOURCES)}")
    return SOURCES[kind].kind


def _with_scale(encoder: Encoder, x: Float32Array) -> Encoder:
    if encoder.feature.encoding not in ("number", "log"):
        return encoder
    finite = np.sort(x[~np.isnan(x)]).astype(np.float64)  # sorted: the sum must not depend on the order of the runs
    spread = float(finite.std()) if len(finite) else 0.0
    return replace(encoder, feature=replace(encoder.feature, scale=spread if spread > 0 else 1.0))
