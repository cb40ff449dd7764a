"""Architecture: a list of layers as depth, widths, parameters and counts; plain scalars as they are.

A list under `architecture` may hold objects ({"type": "dense", "units": 128}), widths ([128, 64]) or types
(["conv2d", "dense"]).

Legend:
  width    values (or channels) that come out of a layer: its units, filters, ...
  fan_in   the width of the layer before, or what the layer says itself; None where it cannot be told
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from app.featurise.lists import attribute_statistics, number_statistics
from app.featurise.schema import Source, is_log_like
from app.space.columns import JsonValue, is_number

Layer: TypeAlias = Mapping[str, JsonValue]

# The names that common frameworks use (Keras, PyTorch, JAX), first match wins; types without case, "_" and "-".
TYPES = ("type", "class_name", "kind", "op", "layer")
WIDTHS = ("units", "filters", "out_features", "out_channels", "features", "channels", "hidden_size", "embedding_dim")
EMBEDDING_WIDTHS = ("embedding_dim", "output_dim", "units", "features")
FAN_INS = ("in_features", "in_channels", "input_size", "input_dim")
VOCABULARIES = ("num_embeddings", "vocab_size", "vocabulary_size", "input_dim")
KERNELS = ("kernel_size", "kernel")
DROPOUTS = ("dropout", "dropout_rate")
DENSE = frozenset({"dense", "linear", "fc", "fullyconnected"})
CONVOLUTION_AXES = {"conv": 2, "conv1d": 1, "conv2d": 2, "conv3d": 3, "convolution": 2}
GATES = {"rnn": 1, "simplernn": 1, "gru": 3, "lstm": 4}


def layer_statistics(layers: list[JsonValue]) -> dict[str, float]:
    """Depth; first, last, sum, min, max and mean of the widths; the log of the parameters; mean dropout; counts.

    Any other numeric attribute gives its mean ("mean_kernel_size"), any other value its count ("padding=same").
    A statistic that cannot be told from the layers is left out.
    """
    known = [layer for layer in map(_layer, layers) if layer is not None]
    widths = [width for width in map(_width, known) if width is not None]
    statistics = {"depth": float(len(layers))}
    statistics |= {f"width_{name}": value for name, value in number_statistics(widths).items()}
    if (parameters := n_parameters(known)) > 0:
        statistics["log_parameters"] = math.log(parameters)
    if dropouts := [rate for rate in map(_dropout, known) if rate is not None]:
        statistics["dropout_mean"] = sum(dropouts) / len(dropouts)
    for layer in known:
        if kind := _type(layer):
            statistics[f"type={kind}"] = statistics.get(f"type={kind}", 0.0) + 1.0
    return statistics | attribute_statistics([_rest(layer) for layer in known])


def n_parameters(layers: Sequence[Layer]) -> float:
    """Weights and biases of the layers whose size can be told: dense, convolutional, recurrent, embedding.

    A first layer counts only where it says its own fan-in, and so does a layer after a change of shape (flatten).
    """
    total, fan_in = 0.0, None
    for layer in layers:
        fan_in = _first(layer, FAN_INS) or fan_in
        total += _layer_parameters(layer, fan_in)
        fan_in = _fan_out(layer, fan_in)
    return total


def _layer_parameters(layer: Layer, fan_in: float | None) -> float:
    kind, width = _type(layer), _width(layer)
    if width is None:
        return 0.0
    if kind == "embedding":
        return (_first(layer, VOCABULARIES) or 0.0) * width
    if fan_in is None:
        return 0.0
    bias = 0.0 if False in (layer.get("bias"), layer.get("use_bias")) else 1.0
    if kind in CONVOLUTION_AXES:
        return (_kernel_elements(layer, CONVOLUTION_AXES[kind]) * fan_in + bias) * width
    if kind in GATES:
        return GATES[kind] * (fan_in + width + bias) * width
    is_dense = kind in DENSE or (not kind and _kernel(layer) is None)
    return (fan_in + bias) * width if is_dense else 0.0


def _fan_out(layer: Layer, fan_in: float | None) -> float | None:
    if _type(layer) == "flatten":
        return None
    return _width(layer) or fan_in


def _layer(item: JsonValue) -> Layer | None:
    """A layer as an object; a bare number is the width of one, a bare text its type."""
    if isinstance(item, dict):
        return item
    if isinstance(item, str):
        return {"type": item}
    return {"units": item} if is_number(item) else None


def _type(layer: Layer) -> str:
    named = next((layer[name] for name in TYPES if isinstance(layer.get(name), str)), "")
    return str(named).lower().replace("_", "").replace("-", "")


def _width(layer: Layer) -> float | None:
    return _first(layer, EMBEDDING_WIDTHS if _type(layer) == "embedding" else WIDTHS)


def _dropout(layer: Layer) -> float | None:
    return _first(layer, (*DROPOUTS, "rate", "p") if "dropout" in _type(layer) else DROPOUTS)


def _kernel(layer: Layer) -> JsonValue:
    return next((layer[name] for name in KERNELS if name in layer), None)


def _kernel_elements(layer: Layer, n_axes: int) -> float:
    """Elements of a kernel: 3 is 3 x 3 for two axes, [3, 5] is itself; none given, none counted."""
    kernel = _kernel(layer)
    sides = kernel if isinstance(kernel, list) else [kernel] * n_axes
    return math.prod(float(side) if isinstance(side, (int, float)) else 0.0 for side in sides)


def _first(layer: Layer, names: Sequence[str]) -> float | None:
    """The first of some attributes that is a number."""
    found = (layer.get(name) for name in names)
    return next((float(value) for value in found if is_number(value)), None)


def _rest(layer: Layer) -> dict[str, JsonValue]:
    """The attributes that no other statistic reads."""
    read = {*WIDTHS, *DROPOUTS, next((name for name in TYPES if name in layer), "")}
    return {name: value for name, value in layer.items() if name not in read}


SOURCE = Source("architecture", layer_statistics, is_log_like)
