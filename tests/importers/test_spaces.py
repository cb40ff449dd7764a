"""Every translated space parses, and what is sampled from it lies in the space of the library that it comes from."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from copy import deepcopy
from typing import Any

import ConfigSpace as cs  # noqa: N813  # as its own documentation has it
import optuna
import pytest
from ConfigSpace.exceptions import ActiveHyperparameterNotSetError, ForbiddenValueError
from google.protobuf import json_format
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from kubeflow_katib_api.models import V1beta1ExperimentSpec
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from vizier import pyvizier as vz
from vizier.service import pyvizier as service_vz
from wandb.sdk.sweeps.scheduler.optuna import sweep_parameter_to_distribution

from app.errors import InvalidSearchSpace
from app.importers.spaces import DIALECTS, translate
from app.importers.spaces.translation import Translation
from app.importers.yaml import read_yaml, write_yaml
from app.space import SearchSpace, parse_search_space

N = 64
Json = dict[str, Any]


def samples(translated: Translation, n: int = N) -> list[Json]:
    space = parse_search_space(translated.document())
    assert isinstance(space, SearchSpace)
    columns = space.sample(n, seed=0)  # fewer, where there are not so many
    return space.decode(columns, range(len(next(iter(columns.values())))))


def flat(configuration: Json, prefix: str = "") -> Json:
    """Names with dots, as the libraries have them."""
    found: Json = {}
    for name, value in configuration.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


# ---------------------------------------------------------------- Optuna

choices = st.lists(st.none() | st.booleans() | st.integers(-9, 9) | st.text("abc", min_size=1), min_size=1, max_size=5)


@st.composite
def optuna_distributions(draw: st.DrawFn) -> BaseDistribution:
    kind = draw(st.sampled_from(["float", "log", "step", "int", "int_log", "int_step", "categorical"]))
    if kind == "categorical":
        return CategoricalDistribution(draw(choices))
    if kind in ("log", "int_log"):
        low, ratio = draw(st.floats(1e-6, 10)), draw(st.floats(1, 1e6))
        return (
            FloatDistribution(low, low * ratio, log=True)
            if kind == "log"
            else IntDistribution(1 + int(low), 1 + int(low * ratio) + 9, log=True)
        )
    low, width = draw(st.integers(-1000, 1000)), draw(st.integers(0, 1000))
    if kind == "int":
        return IntDistribution(low, low + width)
    if kind == "int_step":
        step = draw(st.integers(1, 50))
        return IntDistribution(low, low + step * draw(st.integers(0, 50)), step=step)
    if kind == "step":
        step = draw(st.sampled_from([0.1, 0.25, 0.3, 1.0]))
        return FloatDistribution(low / 10, low / 10 + step * draw(st.integers(0, 30)), step=step)
    return FloatDistribution(low / 7, low / 7 + width / 3)


@given(
    st.dictionaries(
        st.text("abcxyz_", min_size=1, max_size=6).filter(lambda n: not n.startswith("__")),
        optuna_distributions(),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore:The distribution is specified")
def test_optuna(distributions: dict[str, BaseDistribution]) -> None:
    document = {name: distribution_to_json(distribution) for name, distribution in distributions.items()}
    for configuration in samples(translate("optuna", document), 16):
        assert configuration.keys() == distributions.keys()
        for name, value in configuration.items():
            assert contains(distributions[name], value), (name, value)


def contains(distribution: BaseDistribution, value: Any) -> bool:
    return bool(distribution._contains(distribution.to_internal_repr(value)))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_optunas_deprecated_distributions_are_what_optuna_makes_of_them() -> None:
    deprecated = {
        "UniformDistribution": {"low": 0.0, "high": 1.0},
        "LogUniformDistribution": {"low": 0.1, "high": 1.0},
        "DiscreteUniformDistribution": {"low": 0.0, "high": 1.0, "q": 0.25},
        "IntUniformDistribution": {"low": 1, "high": 9, "step": 2},
        "IntLogUniformDistribution": {"low": 1, "high": 9, "step": 1},
    }
    document = {name: {"name": name, "attributes": attributes} for name, attributes in deprecated.items()}
    translated = translate("optuna", document)
    own = {n: optuna.distributions.json_to_distribution(json.dumps(d)) for n, d in document.items()}
    for configuration in samples(translated):
        assert all(contains(own[name], value) for name, value in configuration.items())
    spec = translated.document()["parameters"]
    assert spec["DiscreteUniformDistribution"] == {"type": "float", "low": 0.0, "high": 1.0, "step": 0.25}
    assert spec["LogUniformDistribution"]["log"] is True


# ---------------------------------------------------------------- ConfigSpace


@st.composite
def config_spaces(draw: st.DrawFn) -> cs.ConfigurationSpace:
    """Parents of every listable kind, and children under conditions of every shape."""
    space = cs.ConfigurationSpace(seed=0)
    parents = [
        cs.CategoricalHyperparameter("booster", ["gbtree", "gblinear", "dart"]),
        cs.OrdinalHyperparameter("size", ["s", "m", "l"]),
        cs.UniformIntegerHyperparameter("depth", 1, 6),
        cs.UniformFloatHyperparameter("rate", 1e-3, 1, log=True),
        cs.CategoricalHyperparameter("flag", [True, False]),
    ]
    space.add(*parents)
    for i in range(draw(st.integers(1, 4))):
        child = draw(
            st.sampled_from(
                [
                    cs.UniformFloatHyperparameter(f"c{i}", -1, 1),
                    cs.UniformIntegerHyperparameter(f"c{i}", 1, 100, log=True),
                    cs.CategoricalHyperparameter(f"c{i}", ["x", "y"]),
                ]
            )
        )
        space.add(child)
        earlier = [
            p
            for p in space.values()
            if p.name != child.name
            and p.name != "rate"
            and "Float" not in type(p).__name__
            and not (p.name.startswith("c") and "Integer" in type(p).__name__)
        ]
        simple = [draw(conditions(child, draw(st.sampled_from(earlier)))) for _ in range(draw(st.integers(1, 3)))]
        shape = draw(st.sampled_from([cs.AndConjunction, cs.OrConjunction]))
        different = {c.parent.name: c for c in simple}
        listed = list(different.values()) if shape is cs.AndConjunction else simple
        try:
            space.add(listed[0] if len(listed) == 1 else shape(*listed))
        except ActiveHyperparameterNotSetError:
            reject()  # ConfigSpace refuses its own default: `!=` on a parent that is inactive in it
    return space


@st.composite
def conditions(draw: st.DrawFn, child: Any, parent: Any) -> Any:
    values = list(
        getattr(parent, "choices", None) or getattr(parent, "sequence", None) or range(parent.lower, parent.upper + 1)
    )
    value = draw(st.sampled_from(values))
    kinds = ["eq", "neq", "in"] + (["lt", "gt"] if not hasattr(parent, "choices") else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "in":
        return cs.InCondition(child, parent, draw(st.lists(st.sampled_from(values), min_size=1, unique=True)))
    if kind == "lt":
        return cs.LessThanCondition(child, parent, values[-1])
    if kind == "gt":
        return cs.GreaterThanCondition(child, parent, values[0])
    return (cs.EqualsCondition if kind == "eq" else cs.NotEqualsCondition)(child, parent, value)


@given(config_spaces())
@settings(max_examples=20, deadline=None)
def test_configspace(space: cs.ConfigurationSpace) -> None:
    translated = translate("configspace", json.loads(json.dumps(space.to_serialized_dict(), default=plain)))
    assert translated.warnings == []
    for configuration in samples(translated):
        cs.Configuration(space, values=configuration).check_valid_configuration()
    own = parse_search_space(translated.document())
    own.encode([json.loads(json.dumps(dict(c), default=plain)) for c in space.sample_configuration(N)])


def plain(value: Any) -> Any:
    return value.item()


def test_configspace_forbids_and_relates() -> None:
    space = cs.ConfigurationSpace(seed=0)
    a, b = cs.UniformIntegerHyperparameter("a", 1, 9), cs.UniformIntegerHyperparameter("b", 1, 9)
    c = cs.CategoricalHyperparameter("c", ["x", "y", "z"], weights=[0.5, 0.3, 0.2])
    normal, beta = (
        cs.Float("n", (0, 9), distribution=cs.Normal(5, 1)),
        cs.Float("be", (0, 1), distribution=cs.Beta(2, 3)),
    )
    space.add(a, b, c, normal, beta, cs.Constant("k", 3))
    space.add(cs.ForbiddenGreaterThanRelation(a, b))
    space.add(cs.ForbiddenAndConjunction(cs.ForbiddenEqualsClause(c, "z"), cs.ForbiddenInClause(b, [8, 9])))
    space.add(cs.ForbiddenEqualsClause(c, "y"))
    translated = translate("configspace", space.to_serialized_dict())
    for configuration in samples(translated, 256):
        cs.Configuration(space, values=configuration)
    with pytest.raises(ForbiddenValueError):
        cs.Configuration(space, values={"a": 9, "b": 1, "c": "x", "n": 1.0, "be": 0.5, "k": 3})
    assert [warning.partition(":")[0] for warning in translated.warnings] == ["be", "c", "n"]


def test_a_condition_on_a_continuum_is_lost_and_said_so() -> None:
    space = cs.ConfigurationSpace()
    rate, child = cs.Float("rate", (0, 1)), cs.Float("child", (0, 1))
    space.add(rate, child)
    space.add(cs.GreaterThanCondition(child, rate, 0.25))
    translated = translate("configspace", space.to_serialized_dict())
    assert translated.warnings == ["child: a condition is lost: rate GT 0.25"]
    assert "when" not in translated.document()["parameters"]["child"]


# ---------------------------------------------------------------- Weights & Biases

CONVERTED = {
    "inferred integers": {"min": 1, "max": 9},
    "inferred numbers": {"min": 0.5, "max": 9},
    "values": {"values": ["a", None, True, 3]},
    "value": {"value": 7},
    "int_uniform": {"distribution": "int_uniform", "min": -3, "max": 3},
    "uniform": {"distribution": "uniform", "min": -3, "max": 3.5},
    "log_uniform_values": {"distribution": "log_uniform_values", "min": 1e-5, "max": 0.1},
    "q_uniform": {"distribution": "q_uniform", "min": 0, "max": 10, "q": 2},
    "q_uniform of fractions": {"distribution": "q_uniform", "min": 0.0, "max": 1.0, "q": 0.1},
    "q_log_uniform_values": {"distribution": "q_log_uniform_values", "min": 1, "max": 500, "q": 1},
}


@pytest.mark.parametrize("name", CONVERTED)
def test_wandb_is_what_wandb_makes_of_it(name: str) -> None:
    own = sweep_parameter_to_distribution(CONVERTED[name])
    translated = translate("wandb", {"method": "random", "parameters": {"p": CONVERTED[name]}})
    assert translated.warnings == []
    values = [configuration["p"] for configuration in samples(translated)]
    assert all(contains(own, value) for value in values)
    if isinstance(own, (FloatDistribution, IntDistribution)):
        spec = translated.document()["parameters"]["p"]
        assert (spec["low"], spec["high"], spec.get("log", False)) == (own.low, own.high, own.log)


EXPONENTS = {
    "log_uniform": ({"min": -9, "max": 0}, math.exp(-9), 1.0),
    "inv_log_uniform": ({"min": 0, "max": 9}, math.exp(-9), 1.0),
    "log_uniform_values": ({"min": 0.01, "max": 10}, 0.01, 10.0),
    "inv_log_uniform_values": ({"min": 0.01, "max": 10}, 0.01, 10.0),
}


@pytest.mark.parametrize("distribution", EXPONENTS)
def test_wandb_has_exponents_for_bounds_or_values(distribution: str) -> None:
    bounds, low, high = EXPONENTS[distribution]
    (spec,) = translate("wandb", {"p": {"distribution": distribution, **bounds}}).document()["parameters"].values()
    assert spec == {"type": "float", "low": pytest.approx(low), "high": pytest.approx(high), "log": True}


DENSITIES = {
    "normal": {"mu": 1.0, "sigma": 2.0},
    "q_normal": {"mu": 1.0, "sigma": 2.0, "q": 0.5},
    "log_normal": {"mu": 0.0, "sigma": 1.0},
    "q_log_normal": {"mu": 2.0, "sigma": 1.0, "q": 1},
    "beta": {"a": 2, "b": 3},
    "q_beta": {"a": 2, "b": 3, "q": 0.1},
    "q_log_uniform": {"min": 0, "max": 5, "q": 8},
    "q_log_uniform_values": {"min": 16, "max": 256, "q": 16},
}


@pytest.mark.parametrize("distribution", DENSITIES)
def test_wandb_rounds_and_says_what_is_lost(distribution: str) -> None:
    spec = {"distribution": distribution, **DENSITIES[distribution]}
    translated = translate("wandb", {"parameters": {"p": spec}})
    assert len(translated.warnings) == 1
    for configuration in samples(translated):
        if "q" in spec:
            multiple = configuration["p"] / spec["q"]
            assert multiple == pytest.approx(round(multiple), abs=1e-6)


def test_wandb_as_it_is_written() -> None:
    text = """
program: train.py
method: bayes
metric: {name: val_loss, goal: minimize}
early_terminate: {type: hyperband, min_iter: 3}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
  amp: {values: [yes, no]}
  epochs: {value: 10}
  optimizer:
    parameters:
      name: {values: [adam, sgd], probabilities: [0.9, 0.1]}
      momentum: {min: 0.0, max: 0.99}
"""
    translated = translate("wandb", read_yaml(text, (1, 1)))
    assert translated.document()["parameters"] == {
        "lr": {"type": "float", "low": 1e-5, "high": 0.1, "log": True},
        "amp": {"type": "categorical", "choices": [True, False]},
        "epochs": {"type": "constant", "value": 10},
        "optimizer.name": {"type": "categorical", "choices": ["adam", "sgd"]},
        "optimizer.momentum": {"type": "float", "low": 0.0, "high": 0.99},
    }
    assert [warning.partition(":")[0] for warning in translated.warnings] == ["early_terminate", "optimizer.name"]


# ---------------------------------------------------------------- Vizier


def vizier_space() -> vz.SearchSpace:
    space = vz.SearchSpace()
    root = space.root
    root.add_float_param("rate", 1e-4, 1, scale_type=vz.ScaleType.LOG)
    root.add_float_param("from_zero", 0, 1)
    root.add_int_param("depth", 1, 9)
    root.add_discrete_param("batch", [16, 32, 128])
    root.add_bool_param("flag")
    model = root.add_categorical_param("model", ["cnn", "mlp"])
    model.select_values(["cnn"]).add_int_param("filters", 8, 64)
    mlp = model.select_values(["mlp"])
    mlp.add_int_param("filters", 1, 4)
    mlp.add_float_param("dropout", 0.0, 0.9)
    return space


def test_vizier() -> None:
    space = vizier_space()
    config = service_vz.StudyConfig(search_space=space)
    config.metric_information.append(vz.MetricInformation("acc", goal=vz.ObjectiveMetricGoal.MAXIMIZE))
    for names in (True, False):
        document = json_format.MessageToDict(config.to_proto(), preserving_proto_field_name=names)
        translated = translate("vizier", document)
        assert translated.warnings == []
        found = samples(translated)
        for configuration in found:
            assert vizier_holds(space, configuration), configuration
        assert {configuration["model"] for configuration in found} == {"cnn", "mlp"}
        assert any("dropout" in configuration for configuration in found)
    assert translate("vizier", {"study_spec": document}).document() == translated.document()


def vizier_holds(space: vz.SearchSpace, configuration: Json) -> bool:
    """Whether Vizier itself takes it: every parameter that is active, in its bounds, and no other."""
    own = {name: str(value) if isinstance(value, bool) else value for name, value in configuration.items()}
    seen: set[str] = set()
    waiting = list(space.parameters)
    while waiting:
        parameter = waiting.pop()
        if parameter.name not in own or not parameter.contains(own[parameter.name]):
            return False
        seen.add(parameter.name)
        value = own[parameter.name]
        waiting.extend(child for child in parameter.child_parameter_configs if value in child.matching_parent_values)
    return seen == own.keys()


def test_viziers_conditions_in_conditions() -> None:
    """As JSON alone: its own builder writes no grandchildren, though the format has them and its reader reads them."""
    leaf = {"parameterId": "x", "doubleValueSpec": {"maxValue": 1.0}}
    child = {
        "parameterId": "kind",
        "categoricalValueSpec": {"values": ["a", "b"]},
        "conditionalParameterSpecs": [{"parentCategoricalValues": {"values": ["a"]}, "parameterSpec": leaf}],
    }
    root = {
        "parameterId": "layers",
        "integerValueSpec": {"minValue": "1", "maxValue": "3"},
        "conditionalParameterSpecs": [{"parentIntValues": {"values": ["2", "3"]}, "parameterSpec": child}],
    }
    document = {"parameters": [root]}
    message = type(service_vz.StudyConfig().to_proto())()
    own = service_vz.StudyConfig.from_proto(json_format.ParseDict(document, message)).search_space
    found = samples(translate("vizier", document), 256)
    assert all(vizier_holds(own, configuration) for configuration in found)
    assert {len(configuration) for configuration in found} == {1, 2, 3}


def test_vizier_scales() -> None:
    def spec(scale: str, low: float = 1.0) -> Translation:
        bounds = {"minValue": low, "maxValue": 8.0}
        return translate("vizier", [{"parameterId": "p", "doubleValueSpec": bounds, "scaleType": scale}])

    assert spec("UNIT_LOG_SCALE").document()["parameters"]["p"]["log"] is True
    assert "linear" in spec("UNIT_REVERSE_LOG_SCALE").warnings[0]
    assert "linear" in spec("UNIT_LOG_SCALE", 0.0).warnings[0]


# ---------------------------------------------------------------- Katib

KATIB = """
apiVersion: kubeflow.org/v1beta1
kind: Experiment
metadata: {name: random}
spec:
  objective: {type: maximize, objectiveMetricName: accuracy}
  algorithm: {algorithmName: random}
  parameters:
    - {name: lr, parameterType: double, feasibleSpace: {min: "0.01", max: "0.03"}}
    - {name: decay, parameterType: double, feasibleSpace: {min: "1e-5", max: "0.1", distribution: logUniform}}
    - {name: dropout, parameterType: double, feasibleSpace: {min: "0.1", max: "0.6", step: "0.1"}}
    - {name: layers, parameterType: int, feasibleSpace: {min: "2", max: "9", step: "3"}}
    - {name: width, parameterType: int, feasibleSpace: {min: "1", max: "512", distribution: logUniform}}
    - {name: batch, parameterType: discrete, feasibleSpace: {list: ["128", "32"]}}
    - {name: optimizer, parameterType: categorical, feasibleSpace: {list: ["sgd", "adam", "32"]}}
    - {name: noise, parameterType: double, feasibleSpace: {min: "0", max: "1", distribution: normal}}
"""


def test_katib() -> None:
    document = read_yaml(KATIB)
    model = V1beta1ExperimentSpec.from_dict(document["spec"])
    assert model is not None
    assert model.parameters is not None
    translated = translate("katib", document)
    for given_as in (document["spec"], document["spec"]["parameters"], model.to_dict()):
        assert translate("katib", given_as).document() == translated.document()
    assert [warning.partition(":")[0] for warning in translated.warnings] == ["noise"]
    for configuration in samples(translated):
        for parameter in model.parameters:
            assert katib_holds(parameter, configuration[str(parameter.name)])


def katib_holds(parameter: Any, value: Any) -> bool:
    """The rules of Katib's validator and suggestion services: numbers between texts, on the steps from the minimum."""
    space = parameter.feasible_space
    if parameter.parameter_type == "categorical":
        return value in space.list
    if parameter.parameter_type == "discrete":
        return value in [float(text) for text in space.list]
    low, high = float(space.min), float(space.max)
    on_step = (
        space.step is None
        or math.isclose((value - low) / float(space.step) % 1, 0, abs_tol=1e-6)
        or math.isclose((value - low) / float(space.step) % 1, 1, abs_tol=1e-6)
    )
    whole = parameter.parameter_type != "int" or value == int(value)
    return low <= value <= high + 1e-12 and on_step and whole


# ---------------------------------------------------------------- all of them

BROKEN = {
    "optuna": [
        [],
        {"p": 3},
        {"p": "no json"},
        {"p": {"name": "Gauss", "attributes": {}}},
        {"p": {"name": "FloatDistribution", "attributes": {"low": "a", "high": 1}}},
        {"p": {"name": "FloatDistribution", "attributes": {"low": 2, "high": 1}}},
    ],
    "configspace": [
        [],
        {},
        {"hyperparameters": [{"type": "gauss", "name": "p"}]},
        {"hyperparameters": [], "conditions": [{"child": "x"}]},
        {"hyperparameters": [3]},
    ],
    "wandb": [
        [],
        {"parameters": {"p": {}}},
        {"parameters": {"p": {"distribution": "gauss"}}},
        {"p": {"distribution": "log_uniform", "min": 1, "max": 1e6}},
        {"p": {"min": "a", "max": 1}},
        {"p": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0}},
    ],
    "vizier": [
        3,
        {},
        {"parameters": [{}]},
        {"parameters": [{"parameterId": "p"}]},
        {"parameters": [{"parameterId": "p", "doubleValueSpec": {"minValue": "a"}}]},
    ],
    "katib": [
        3,
        {},
        {"spec": {}},
        {"parameters": [{"name": "p", "parameterType": "gauss", "feasibleSpace": {}}]},
        {"parameters": [{"parameterType": "int"}]},
        {"parameters": [{"name": "p", "parameterType": "int", "feasibleSpace": {"min": "1", "max": "2", "step": "0"}}]},
    ],
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_search_space_is_refused_with_its_place(dialect: str) -> None:
    for document in BROKEN[dialect]:
        with pytest.raises(InvalidSearchSpace) as refused:
            translate(dialect, document)
        assert refused.value.faults


JUNK = [None, True, -1, 0, 1e300, 1e-300, 2**60, "", "a", "nan", "1e999", [], [[]], {}, {"a": {}}, [1, "1", None]]


def documents() -> dict[str, Any]:
    """A whole document of each dialect."""
    space = cs.ConfigurationSpace()
    a, b, c = cs.Categorical("a", ["x", "y"]), cs.Integer("b", (1, 9)), cs.Float("c", (0.1, 1), log=True)
    d = cs.Float("d", (0, 9), distribution=cs.Normal(5, 1))
    space.add(a, b, c, d, cs.Constant("k", 3), cs.OrdinalHyperparameter("o", ["s", "m"]))
    space.add(cs.AndConjunction(cs.EqualsCondition(c, a, "x"), cs.GreaterThanCondition(c, b, 3)))
    space.add(cs.InCondition(d, a, ["x"]))
    space.add(cs.ForbiddenAndConjunction(cs.ForbiddenEqualsClause(a, "y"), cs.ForbiddenInClause(b, [8, 9])))
    distributions = [FloatDistribution(0.1, 1, log=True), IntDistribution(1, 9, step=2), CategoricalDistribution(["a"])]
    sweep = {name: {"distribution": name, **spec} for name, spec in DENSITIES.items()} | CONVERTED
    return {
        "optuna": {str(i): json.loads(distribution_to_json(d)) for i, d in enumerate(distributions)},
        "configspace": json.loads(json.dumps(space.to_serialized_dict(), default=plain)),
        "wandb": {"method": "random", "parameters": {**sweep, "nested": {"parameters": {"x": {"values": [1, 2]}}}}},
        "vizier": json_format.MessageToDict(service_vz.StudyConfig(search_space=vizier_space()).to_proto()),
        "katib": read_yaml(KATIB),
    }


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in inner for place in places(child, (*path, key)))]


def put(document: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """The document with something else in one place."""
    if not path:
        return junk
    changed = deepcopy(document)
    parent = changed
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = junk
    return changed


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_document_with_junk_anywhere_is_translated_or_refused(dialect: str) -> None:
    document = documents()[dialect]
    translate(dialect, document)
    for path in places(document):
        for junk in JUNK:
            with suppress(InvalidSearchSpace):
                translate(dialect, put(document, path, junk))


def test_yaml_and_back() -> None:
    document = translate("katib", read_yaml(KATIB)).document()
    assert read_yaml(write_yaml(document)) == document
