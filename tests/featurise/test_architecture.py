"""Layers as numbers, on examples worked by hand."""

from __future__ import annotations

import math

import pytest

from app.featurise.architecture import layer_statistics, n_parameters
from app.featurise.lists import list_statistics
from tests.featurise.histories import encoded, table_of

PERCEPTRON = [
    {"type": "Dense", "units": 128, "activation": "relu", "in_features": 784},
    {"type": "dropout", "rate": 0.5},
    {"type": "Dense", "units": 64, "activation": "relu", "dropout": 0.1},
    {"type": "Dense", "units": 10, "activation": "softmax", "use_bias": False},
]


def test_a_perceptron() -> None:
    statistics = layer_statistics(PERCEPTRON)
    assert statistics.pop("log_parameters") == pytest.approx(math.log(784 * 128 + 128 + 128 * 64 + 64 + 64 * 10))
    assert statistics == {
        "depth": 4.0,
        "width_first": 128.0,
        "width_last": 10.0,
        "width_sum": 202.0,
        "width_min": 10.0,
        "width_max": 128.0,
        "width_mean": pytest.approx(202 / 3),
        "dropout_mean": pytest.approx(0.3),
        "type=dense": 3.0,
        "type=dropout": 1.0,
        "activation=relu": 2.0,
        "activation=softmax": 1.0,
        "use_bias=false": 1.0,
        "mean_in_features": 784.0,
        "mean_rate": 0.5,
    }


@pytest.mark.parametrize(
    ("layers", "parameters"),
    [
        ([784, 128, 10], (784 + 1) * 128 + (128 + 1) * 10),
        ([{"units": 5}, {"units": 3}], 6 * 3),
        ([{"type": "conv2d", "filters": 8, "kernel_size": 3, "in_channels": 3}], (9 * 3 + 1) * 8),
        ([{"type": "Conv1D", "filters": 8, "kernel_size": 3, "in_channels": 3}], (3 * 3 + 1) * 8),
        ([{"type": "conv_2d", "filters": 8, "kernel": [3, 5], "in_channels": 2, "bias": False}], 15 * 2 * 8),
        (
            [
                {"type": "conv2d", "out_channels": 4, "kernel_size": 1, "in_channels": 1},
                {"type": "max-pool"},
                {"type": "conv2d", "out_channels": 2, "kernel_size": 1},
                {"type": "flatten"},
                {"type": "dense", "units": 100},  # how much flatten gives cannot be told
                {"type": "dense", "units": 1},
            ],
            2 * 4 + 5 * 2 + 101,
        ),
        (
            [
                {"type": "embedding", "input_dim": 1000, "output_dim": 16},
                {"type": "lstm", "units": 8},
                {"type": "dense", "units": 2},
            ],
            16_000 + 4 * (16 + 8 + 1) * 8 + 9 * 2,
        ),
        ([{"type": "conv2d", "filters": 8, "in_channels": 3}], 8),  # no kernel given: the biases
        ([{"filters": 8, "kernel_size": 3, "in_channels": 3}], 0),  # a kernel without a type may be anything
        ([{"type": "attention", "hidden_size": 8, "in_features": 3}], 0),
        ([], 0),
    ],
)
def test_parameters(layers: list, parameters: float) -> None:
    known = [{"units": layer} if isinstance(layer, int) else layer for layer in layers]
    assert n_parameters(known) == parameters


def test_bare_widths_and_bare_types() -> None:
    widths = layer_statistics([64, 32])
    assert (widths["depth"], widths["width_first"], widths["width_last"]) == (2.0, 64.0, 32.0)
    assert widths["log_parameters"] == pytest.approx(math.log(65 * 32))
    assert layer_statistics(["Conv2D", "conv2d", "dense", None]) == {
        "depth": 4.0,
        "type=conv2d": 2.0,
        "type=dense": 1.0,
    }


def test_whatever_layers_hold_has_statistics() -> None:
    odd = [None, True, [1], {}, {"type": 3, "units": "many"}, {"units": 1e300, "in_features": 1e300}, {"dropout": None}]
    assert layer_statistics(odd)["depth"] == 7.0
    assert layer_statistics([]) == {"depth": 0.0}


def test_layers_in_a_history_beside_plain_scalars() -> None:
    features = encoded(table_of([[64, 32], [64, 32, 16], 7], "architecture", "layers"))
    assert features["architecture.layers[depth]"] == [2.0, 3.0, pytest.approx(math.nan, nan_ok=True)]
    assert features["architecture.layers"][2] == 7.0


def test_a_layer_type_that_a_network_lacks_counts_zero() -> None:
    features = encoded(table_of([["dense"], ["dense", "lstm"]], "architecture", "layers"))
    assert features["architecture.layers[type=lstm]"] == [0.0, 1.0]
    assert "architecture.layers[type=dense]" not in features  # one in both


def test_the_log_of_the_parameters_is_not_taken_twice() -> None:
    sizes = (2, 3, 4, 5, 10**18)  # their logarithms are log-like
    networks = [[{"units": 1, "in_features": size, "bias": False}] for size in sizes]
    values = encoded(table_of(networks, "architecture", "layers"))["architecture.layers[log_parameters]"]
    assert values == pytest.approx([math.log(size) for size in sizes])


def test_lists_of_objects_elsewhere() -> None:
    callbacks = [
        {"name": "stop", "patience": 5, "on": [True, "loss"]},
        {"name": "stop", "patience": 7, "by": {"min": 1}},
    ]
    assert list_statistics([*callbacks, [[2, "x"], 4]]) == {
        "length": 3.0,
        "first": 2.0,
        "last": 4.0,
        "sum": 6.0,
        "min": 2.0,
        "max": 4.0,
        "mean": 3.0,
        "=x": 1.0,
        "name=stop": 2.0,
        "mean_patience": 6.0,
        "on=true": 1.0,
        "on=loss": 1.0,
        "mean_by.min": 1.0,
    }
