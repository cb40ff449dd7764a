"""CatBoost's binary model format (cbm): models to bytes and back, and their trees as arrays.

Trees are read from it in a millisecond a model, where CatBoost's JSON export takes forty.

    "CBM1" · length (4 bytes) · flatbuffer TModelCore

Slots are numbered as the fields stand in CatBoost's schema, which may only grow at its ends.
Source: catboost/libs/model/flatbuffers/{model,features}.fbs of CatBoost.
"""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, CatBoostError, CatBoostRegressor
from flatbuffers import number_types
from flatbuffers.table import Table

from app.errors import CorruptBundle
from app.space.columns import BoolArray, Float32Array, FloatArray, IntArray

MAGIC, HEADER = b"CBM1", 8
FORMAT = b"FlabuffersModel_v1"  # spelled so
_DIMENSION, _SPLITS, _SIZES, _FLOAT_FEATURES, _LEAVES = 0, 1, 2, 5, 8
_UNREADABLE = {4: "categorical", 6: "one-hot", 7: "CTR", 10: "non-symmetric", 12: "text", 13: "estimated"}
_FLAT_INDEX, _BORDERS, _NAN_TREATMENT = 2, 3, 5
_NAN_AS_TRUE = 2


class Unreadable(ValueError):
    """A model with something that is no oblivious tree over numbers."""


@dataclass(frozen=True)
class ObliviousTrees:
    """T trees that split on S (feature, border) pairs in all, one after the other.

    Shapes: depth (T,), feature, border and nan_is_above (S,), leaves (sum of 2^depth,).
    """

    depth: IntArray
    feature: IntArray
    border: Float32Array
    nan_is_above: BoolArray
    leaves: FloatArray


def read(content: bytes) -> ObliviousTrees:
    """The trees of a cbm file, without the model's scale and bias. Raises: Unreadable."""
    trees = _trees(content)
    for slot, kind in _UNREADABLE.items():
        if _length(trees, slot):
            raise Unreadable(f"the model has {kind} parts")
    if _scalar(trees, _DIMENSION, number_types.Int32Flags, 1) != 1:
        raise Unreadable("the model has several outputs")
    feature, border, nan_is_above = _float_splits(trees)
    split = _array(trees, _SPLITS, number_types.Int32Flags).astype(np.int64)
    return ObliviousTrees(
        _array(trees, _SIZES, number_types.Int32Flags).astype(np.int64),
        feature[split],
        border[split],
        nan_is_above[split],
        _array(trees, _LEAVES, number_types.Float64Flags).astype(np.float64),
    )


def _trees(content: bytes) -> Table:
    if content[:4] != MAGIC or len(content) < HEADER:
        raise Unreadable("the model is not in CatBoost's binary format")
    core = content[HEADER : HEADER + struct.unpack_from("<I", content, 4)[0]]
    if len(core) < HEADER:
        raise Unreadable("the model is cut short")
    root = Table(core, struct.unpack_from("<I", core)[0])
    if root.String(root.Pos + _offset(root, 0)) != FORMAT:
        raise Unreadable("the model is in a format of CatBoost's that is not known")
    return _table(root, root.Pos + _offset(root, 1))


def _float_splits(trees: Table) -> tuple[IntArray, Float32Array, BoolArray]:
    """Every split that the model's trees choose from, numbered as they name them."""
    features, borders, above = [], [], []
    at = _offset(trees, _FLOAT_FEATURES)
    for i in range(_length(trees, _FLOAT_FEATURES)):
        feature = _table(trees, trees.Vector(at) + 4 * i)
        found = _array(feature, _BORDERS, number_types.Float32Flags)
        borders.append(found)
        features.append(np.full(len(found), _scalar(feature, _FLAT_INDEX, number_types.Int32Flags, -1)))
        nan_treatment = _scalar(feature, _NAN_TREATMENT, number_types.Int8Flags, 0)
        above.append(np.full(len(found), nan_treatment == _NAN_AS_TRUE))
    if not features:
        return np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.bool_)
    return np.concatenate(features), np.concatenate(borders), np.concatenate(above)


def model_to_bytes(model: CatBoostRegressor | CatBoostClassifier) -> bytes:
    """CatBoost's own binary format (cbm), which executes nothing when loaded; the same fit gives the same bytes."""
    metadata = model.get_metadata()
    for when_and_who in ("train_finish_time", "model_guid"):
        if when_and_who in metadata:
            del metadata[when_and_who]
    with tempfile.NamedTemporaryFile(suffix=".cbm") as file:
        model.save_model(file.name, format="cbm")
        return Path(file.name).read_bytes()


def model_from_bytes(content: bytes, *, classifier: bool = False) -> CatBoostRegressor | CatBoostClassifier:
    """Raises CorruptBundle where the bytes are no model."""
    model = CatBoostClassifier() if classifier else CatBoostRegressor()
    try:
        return model.load_model(blob=content)
    except CatBoostError as error:
        raise CorruptBundle(f"a CatBoost model cannot be read: {error}") from error


# ---------------------------------------------------------------- flatbuffers


def _offset(table: Table, slot: int) -> int:
    """Where in a table a field lies; 0 where it is absent."""
    return int(table.Offset(4 + 2 * slot))


def _table(table: Table, at: int) -> Table:
    return Table(table.Bytes, table.Indirect(at))


def _length(table: Table, slot: int) -> int:
    at = _offset(table, slot)
    return int(table.VectorLen(at)) if at else 0


def _scalar(table: Table, slot: int, kind: Any, absent: int) -> int:
    at = _offset(table, slot)
    return int(table.Get(kind, table.Pos + at)) if at else absent


def _array(table: Table, slot: int, kind: Any) -> np.ndarray[Any, Any]:
    at = _offset(table, slot)
    return np.asarray(table.GetVectorAsNumpy(kind, at)) if at else np.zeros(0, kind.py_type)
