r"""A meta-learner as bytes: checksummed, versioned, and made of formats that execute nothing when read.

    magic "forerun\0" · format version (2 bytes) · SHA-256 of the rest (32 bytes) · ZIP
    ZIP: manifest.json (numbers and names), arrays.npz (NumPy, object arrays refused), one .cbm.zst per CatBoost model:
    Zstandard takes an eighth of deflate's time, which was a third of an increment's

The same meta-learner gives the same bytes: entries are in order and carry no time.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from app.errors import CorruptBundle
from app.featurise.featuriser import Featuriser
from app.learn.boosting import Members
from app.learn.calibration import Calibration
from app.learn.cbm import model_from_bytes, model_to_bytes
from app.learn.dataset_level import DatasetLevel, Smooth
from app.learn.few_shot import FewShot
from app.learn.gaussian_process import Kernel, KernelSpace
from app.learn.location_scale import LocationScale
from app.learn.memory import Memory
from app.learn.meta_learner import FailureLearner, Level, MetaLearner, TargetLearner, TargetScale
from app.learn.prior import Prior
from app.learn.responses import Responses

MAGIC = b"forerun\0"
FORMAT_VERSION = 7
HEADER = len(MAGIC) + 2 + 32
PLACES = ("location", "scale")
SMOOTH = ("columns", "centre", "scale", "weight", "points", "alpha")
EPOCH = (1980, 1, 1, 0, 0, 0)
SUFFIX = ".cbm.zst"
ZSTD = pa.Codec("zstd", 1)


class _Parts:
    """The three kinds of content of a bundle, filled on the way out, read on the way in."""

    def __init__(self) -> None:
        self.manifest: dict[str, Any] = {}
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self.models: dict[str, bytes] = {}


def to_bytes(learner: MetaLearner) -> bytes:
    """The bundle of a meta-learner."""
    parts = _Parts()
    parts.manifest = {
        "featuriser": learner.featuriser.to_json(),
        "folds": dict(learner.folds),
        "n_runs": learner.n_runs,
        "failure_rate": learner.failure.rate,
        "datasets": learner.memory.datasets,
        "remembered": sorted(learner.memory.targets),
        "targets": {name: _pack_target(parts, f"t{i}", t) for i, (name, t) in enumerate(learner.targets.items())},
    }
    memory = learner.memory
    parts.arrays |= {"memory.ids": memory.ids, "memory.dataset": memory.dataset, "memory.X": memory.X}
    parts.arrays |= {"memory.meta_features": memory.meta_features}
    parts.arrays |= {f"memory.t{i}": memory.targets[name] for i, name in enumerate(parts.manifest["remembered"])}
    if learner.failure.model is not None:
        parts.models["failure"] = model_to_bytes(learner.failure.model)
    content = _zip(parts)
    return MAGIC + FORMAT_VERSION.to_bytes(2, "big") + hashlib.sha256(content).digest() + content


def from_bytes(content: bytes, *, compiled: bool = True) -> MetaLearner:
    """Raises CorruptBundle where a byte has changed, or the format is not one that this version reads.

    `compiled`: trees are made ready for questions; who only learns on spares itself that.
    """
    parts = _unzip(_verified(content))
    try:
        manifest = parts.manifest
        failure = parts.models.get("failure")
        return MetaLearner(
            featuriser=Featuriser.from_json(manifest["featuriser"]),
            targets={
                name: _unpack_target(parts, packed, compiled=compiled) for name, packed in manifest["targets"].items()
            },
            failure=FailureLearner(
                manifest["failure_rate"], model_from_bytes(failure, classifier=True) if failure else None
            ),
            folds=manifest["folds"],
            n_runs=manifest["n_runs"],
            memory=_unpack_memory(parts),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptBundle(f"a bundle lacks a part: {error!r}") from error


def _verified(content: bytes) -> bytes:
    if content[: len(MAGIC)] != MAGIC:
        raise CorruptBundle("these bytes are no forerun bundle")
    version = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 2], "big")
    if version != FORMAT_VERSION:
        raise CorruptBundle(f"the bundle has format {version}; this version reads {FORMAT_VERSION}")
    if hashlib.sha256(content[HEADER:]).digest() != content[HEADER - 32 : HEADER]:
        raise CorruptBundle("the bundle's checksum does not match its content")
    return content[HEADER:]


def _zip(parts: _Parts) -> bytes:
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **parts.arrays)
    entries = {
        "manifest.json": json.dumps(parts.manifest, sort_keys=True).encode(),
        "arrays.npz": arrays.getvalue(),
    }
    models = {f"{name}{SUFFIX}": ZSTD.compress(model, asbytes=True) for name, model in sorted(parts.models.items())}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED, compresslevel=1)
        for name, data in models.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_STORED)
    return out.getvalue()


def _unzip(content: bytes) -> _Parts:
    parts = _Parts()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts.manifest = json.loads(archive.read("manifest.json"))
        with np.load(io.BytesIO(archive.read("arrays.npz")), allow_pickle=False) as arrays:
            parts.arrays = {name: arrays[name] for name in arrays.files}
        for name in archive.namelist():
            if name.endswith(SUFFIX):
                with pa.input_stream(pa.py_buffer(archive.read(name)), compression="zstd") as stream:
                    parts.models[name.removesuffix(SUFFIX)] = stream.read()
    return parts


def _unpack_memory(parts: _Parts) -> Memory:
    ids, dataset, X, meta_features = (
        parts.arrays[f"memory.{name}"] for name in ("ids", "dataset", "X", "meta_features")
    )
    targets = {name: parts.arrays[f"memory.t{i}"] for i, name in enumerate(parts.manifest["remembered"])}
    return Memory(tuple(parts.manifest["datasets"]), ids, dataset, X, targets, meta_features)


def _pack_target(parts: _Parts, key: str, target: TargetLearner) -> dict[str, Any]:
    prior = target.prior
    for i, view in enumerate(prior.views):
        for k, model in enumerate(view.models):
            parts.models[f"{key}.view{i}.member{k}"] = model_to_bytes(model)
    parts.arrays |= {
        f"{key}.{name}": array
        for name, array in {
            "inducing": prior.responses.inducing,
            "modes": prior.responses.modes,
            "datasets": prior.responses.datasets,
            "coordinates": prior.responses.coordinates,
            "columns": prior.space.columns,
            "centre": prior.space.centre,
            "scale": prior.space.scale,
            "absent": prior.space.absent,
            "relevance": prior.space.relevance,
            "blend": prior.blend,
            "few.at": target.few.at,
            "few.lower": target.few.lower,
            "few.upper": target.few.upper,
        }.items()
    }
    kernel = target.kernel
    return {
        "key": key,
        "resource": target.resource,
        "scale": [target.scale.log, target.scale.lower, target.scale.upper],
        "views": [len(view.models) for view in prior.views],
        "length": prior.responses.length,
        "kernel": [kernel.amplitude, kernel.length, kernel.noise, kernel.across, kernel.components],
        "told": _pack_level(parts, f"{key}.told", target.told),
        "blind": _pack_level(parts, f"{key}.blind", target.blind),
    }


def _pack_level(parts: _Parts, key: str, level: Level) -> dict[str, Any]:
    place, calibration = level.place, level.calibration
    parts.arrays[f"{key}.shape"] = place.shape
    return {
        "location_scale": [*place.middle, place.unit, place.offset, place.log_scale_spread],
        "dataset_level": [
            _pack_dataset_level(parts, f"{key}.{name}", model) for name, model in zip(PLACES, place.models, strict=True)
        ],
        "calibration": [calibration.lower, calibration.upper, calibration.scaled, calibration.tails, calibration.lean],
    }


def _unpack_level(parts: _Parts, key: str, packed: Mapping[str, Any]) -> Level:
    location, log_scale, unit, offset, log_scale_spread = packed["location_scale"]
    place, width = (
        _unpack_dataset_level(parts, f"{key}.{name}", model)
        for name, model in zip(PLACES, packed["dataset_level"], strict=True)
    )
    shape, middle = parts.arrays[f"{key}.shape"], (location, log_scale)
    lower, upper, scaled, tails, lean = packed["calibration"]
    return Level(
        LocationScale(shape, middle, unit, (place, width), offset, log_scale_spread),
        Calibration(lower, upper, scaled, tuple(tails), lean),
    )


def _pack_dataset_level(parts: _Parts, key: str, model: DatasetLevel | None) -> dict[str, Any] | None:
    if model is None:
        return None
    if model.trees is not None:
        parts.models[key] = model_to_bytes(model.trees)
    if (smooth := model.smooth) is None:
        return {}
    parts.arrays |= {f"{key}.{name}": getattr(smooth, name) for name in SMOOTH}
    return {"smooth": [smooth.middle, smooth.length, smooth.linear]}


def _unpack_dataset_level(parts: _Parts, key: str, packed: Mapping[str, Any] | None) -> DatasetLevel | None:
    if packed is None:
        return None
    trees = parts.models.get(key)
    arrays = (parts.arrays[f"{key}.{name}"] for name in SMOOTH) if "smooth" in packed else ()
    return DatasetLevel(
        model_from_bytes(trees) if trees else None,
        Smooth(*arrays, *packed["smooth"]) if "smooth" in packed else None,
    )


def _unpack_target(parts: _Parts, packed: Mapping[str, Any], *, compiled: bool) -> TargetLearner:
    key = packed["key"]
    views = tuple(
        Members.read([parts.models[f"{key}.view{i}.member{k}"] for k in range(n)], compiled=compiled)
        for i, n in enumerate(packed["views"])
    )

    def array(name: str) -> np.ndarray[Any, Any]:
        return parts.arrays[f"{key}.{name}"]

    prior = Prior(
        views,
        Responses(array("inducing"), packed["length"], array("modes"), array("datasets"), array("coordinates")),
        KernelSpace(*(array(name) for name in ("columns", "centre", "scale", "absent", "relevance"))),
        array("blend"),
    )
    return TargetLearner(
        resource=packed["resource"],
        scale=TargetScale(*packed["scale"]),
        prior=prior,
        kernel=Kernel(*packed["kernel"]),
        told=_unpack_level(parts, f"{key}.told", packed["told"]),
        blind=_unpack_level(parts, f"{key}.blind", packed["blind"]),
        few=FewShot(array("few.at"), array("few.lower"), array("few.upper")),
    )
