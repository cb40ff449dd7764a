"""How a search space looks on the wire, for the OpenAPI document and the clients generated from it.

The language itself is read and judged by `app.space`, which knows more than a schema can say (bounds in order, parents
that exist, constraints that parse); nothing is validated with these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, RootModel
from typing_extensions import TypeAliasType

from app.types import Name, Number

# An alias of this kind becomes a schema of its own, so that generated clients have a name for it.
Scalar = TypeAliasType("Scalar", str | float | bool | None)
When = Annotated[
    dict[Name, list[Scalar]],
    Field(description="Active only if every named parent has one of these values.", examples=[{"booster": ["gbtree"]}]),
]


Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Choices = Annotated[list[Scalar], Field(min_length=1, json_schema_extra={"uniqueItems": True})]
Candidate = Annotated[dict[Name, JsonValue], Field(min_length=1)]


class Parameter(BaseModel):
    model_config = ConfigDict(extra="forbid")

    when: When | None = None
    name: Name | None = Field(
        default=None, description="In the list form only; one name may repeat with disjoint `when`."
    )


class FloatParameter(Parameter):
    """A real number; both bounds are inclusive."""

    type: Literal["float"]
    low: Number
    high: Number
    log: bool = Field(default=False, description="Spread evenly over orders of magnitude; needs `low` above 0.")
    step: Annotated[Number, Field(gt=0)] | None = None


class IntParameter(Parameter):
    """A whole number; both bounds are inclusive."""

    type: Literal["int"]
    low: Whole
    high: Whole
    log: bool = Field(default=False, description="Spread evenly over orders of magnitude; needs `low` above 0.")
    step: Annotated[Whole, Field(ge=1)] | None = None


class CategoricalParameter(Parameter):
    """One of several values without an order."""

    type: Literal["categorical"]
    choices: Choices


class OrdinalParameter(Parameter):
    """One of several values, in their order."""

    type: Literal["ordinal"]
    choices: Choices


class BoolParameter(Parameter):
    """True or false."""

    type: Literal["bool"]


class ConstantParameter(Parameter):
    """A value that does not vary."""

    type: Literal["constant"]
    value: JsonValue


ParameterSpec = TypeAliasType(
    "ParameterSpec",
    Annotated[
        FloatParameter | IntParameter | CategoricalParameter | OrdinalParameter | BoolParameter | ConstantParameter,
        Field(discriminator="type"),
    ],
)
ParameterEntry = TypeAliasType("ParameterEntry", ParameterSpec | Choices | Scalar)


class ParameterSpace(BaseModel):
    """Parameters, with conditions and constraints."""

    model_config = ConfigDict(extra="forbid")

    parameters: dict[Name, ParameterEntry] | list[ParameterSpec] = Field(
        description="By name, or a list of specs with `name`. In the map a list stands for `choices`, a scalar for a "
        "constant. A name addresses `hyperparameters.<name>` unless it starts with `architecture.`, `environment.` or "
        "`fidelity.`.",
        min_length=1,
    )
    forbidden: list[dict[Name, Scalar | list[Scalar]]] = Field(
        default_factory=list,
        description="Partial assignments that must not occur; a list stands for any of its values.",
        examples=[[{"booster": "gbtree", "max_depth": [15]}]],
    )
    constraints: list[str] = Field(
        default_factory=list,
        description="Comparisons of arithmetic over parameter names; one that names an inactive parameter holds.",
        examples=[["learning_rate * max_depth <= 6"]],
    )


class CandidateSpace(BaseModel):
    """An explicit list of configurations to rank."""

    model_config = ConfigDict(extra="forbid")

    candidates: Annotated[list[Candidate], Field(min_length=1)]


class SearchSpace(RootModel[ParameterSpace | CandidateSpace]):
    """What may be tried: parameters with conditions and constraints, or an explicit list of candidates."""
