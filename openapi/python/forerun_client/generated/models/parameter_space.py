from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.bool_parameter import BoolParameter
    from ..models.categorical_parameter import CategoricalParameter
    from ..models.constant_parameter import ConstantParameter
    from ..models.float_parameter import FloatParameter
    from ..models.int_parameter import IntParameter
    from ..models.ordinal_parameter import OrdinalParameter
    from ..models.parameter_space_forbidden_item import ParameterSpaceForbiddenItem
    from ..models.parameter_space_parameters_type_0 import ParameterSpaceParametersType0


T = TypeVar("T", bound="ParameterSpace")


@_attrs_define
class ParameterSpace:
    """Parameters, with conditions and constraints.

    Attributes:
        parameters (list[BoolParameter | CategoricalParameter | ConstantParameter | FloatParameter | IntParameter |
            OrdinalParameter] | ParameterSpaceParametersType0): By name, or a list of specs with `name`. In the map a list
            stands for `choices`, a scalar for a constant. A name addresses `hyperparameters.<name>` unless it starts with
            `architecture.`, `environment.` or `fidelity.`.
        forbidden (list[ParameterSpaceForbiddenItem] | Unset): Partial assignments that must not occur; a list stands
            for any of its values.
        constraints (list[str] | Unset): Comparisons of arithmetic over parameter names; one that names an inactive
            parameter holds.

    """

    parameters: (
        list[
            BoolParameter | CategoricalParameter | ConstantParameter | FloatParameter | IntParameter | OrdinalParameter
        ]
        | ParameterSpaceParametersType0
    )
    forbidden: list[ParameterSpaceForbiddenItem] | Unset = UNSET
    constraints: list[str] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.bool_parameter import BoolParameter
        from ..models.categorical_parameter import CategoricalParameter
        from ..models.float_parameter import FloatParameter
        from ..models.int_parameter import IntParameter
        from ..models.ordinal_parameter import OrdinalParameter
        from ..models.parameter_space_parameters_type_0 import ParameterSpaceParametersType0

        parameters: dict[str, Any] | list[dict[str, Any]]
        if isinstance(self.parameters, ParameterSpaceParametersType0):
            parameters = self.parameters.to_dict()
        else:
            parameters = []
            for parameters_type_1_item_data in self.parameters:
                parameters_type_1_item: dict[str, Any]
                if (
                    isinstance(parameters_type_1_item_data, FloatParameter)
                    or isinstance(parameters_type_1_item_data, IntParameter)
                    or isinstance(parameters_type_1_item_data, CategoricalParameter)
                    or isinstance(parameters_type_1_item_data, OrdinalParameter)
                    or isinstance(parameters_type_1_item_data, BoolParameter)
                ):
                    parameters_type_1_item = parameters_type_1_item_data.to_dict()
                else:
                    parameters_type_1_item = parameters_type_1_item_data.to_dict()

                parameters.append(parameters_type_1_item)

        forbidden: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.forbidden, Unset):
            forbidden = []
            for forbidden_item_data in self.forbidden:
                forbidden_item = forbidden_item_data.to_dict()
                forbidden.append(forbidden_item)

        constraints: list[str] | Unset = UNSET
        if not isinstance(self.constraints, Unset):
            constraints = self.constraints

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "parameters": parameters,
            }
        )
        if forbidden is not UNSET:
            field_dict["forbidden"] = forbidden
        if constraints is not UNSET:
            field_dict["constraints"] = constraints

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.bool_parameter import BoolParameter
        from ..models.categorical_parameter import CategoricalParameter
        from ..models.constant_parameter import ConstantParameter
        from ..models.float_parameter import FloatParameter
        from ..models.int_parameter import IntParameter
        from ..models.ordinal_parameter import OrdinalParameter
        from ..models.parameter_space_forbidden_item import ParameterSpaceForbiddenItem
        from ..models.parameter_space_parameters_type_0 import ParameterSpaceParametersType0

        d = dict(src_dict)

        def _parse_parameters(
            data: object,
        ) -> (
            list[
                BoolParameter
                | CategoricalParameter
                | ConstantParameter
                | FloatParameter
                | IntParameter
                | OrdinalParameter
            ]
            | ParameterSpaceParametersType0
        ):
            try:
                if not isinstance(data, dict):
                    raise TypeError
                parameters_type_0 = ParameterSpaceParametersType0.from_dict(data)

                return parameters_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, list):
                raise TypeError
            parameters_type_1 = []
            _parameters_type_1 = data
            for parameters_type_1_item_data in _parameters_type_1:

                def _parse_parameters_type_1_item(
                    data: object,
                ) -> (
                    BoolParameter
                    | CategoricalParameter
                    | ConstantParameter
                    | FloatParameter
                    | IntParameter
                    | OrdinalParameter
                ):
                    try:
                        if not isinstance(data, dict):
                            raise TypeError
                        componentsschemas_parameter_spec_type_0 = FloatParameter.from_dict(data)

                        return componentsschemas_parameter_spec_type_0
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError
                        componentsschemas_parameter_spec_type_1 = IntParameter.from_dict(data)

                        return componentsschemas_parameter_spec_type_1
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError
                        componentsschemas_parameter_spec_type_2 = CategoricalParameter.from_dict(data)

                        return componentsschemas_parameter_spec_type_2
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError
                        componentsschemas_parameter_spec_type_3 = OrdinalParameter.from_dict(data)

                        return componentsschemas_parameter_spec_type_3
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    try:
                        if not isinstance(data, dict):
                            raise TypeError
                        componentsschemas_parameter_spec_type_4 = BoolParameter.from_dict(data)

                        return componentsschemas_parameter_spec_type_4
                    except (TypeError, ValueError, AttributeError, KeyError):
                        pass
                    if not isinstance(data, dict):
                        raise TypeError
                    componentsschemas_parameter_spec_type_5 = ConstantParameter.from_dict(data)

                    return componentsschemas_parameter_spec_type_5

                parameters_type_1_item = _parse_parameters_type_1_item(parameters_type_1_item_data)

                parameters_type_1.append(parameters_type_1_item)

            return parameters_type_1

        parameters = _parse_parameters(d.pop("parameters"))

        _forbidden = d.pop("forbidden", UNSET)
        forbidden: list[ParameterSpaceForbiddenItem] | Unset = UNSET
        if _forbidden is not UNSET:
            forbidden = []
            for forbidden_item_data in _forbidden:
                forbidden_item = ParameterSpaceForbiddenItem.from_dict(forbidden_item_data)

                forbidden.append(forbidden_item)

        constraints = cast("list[str]", d.pop("constraints", UNSET))

        parameter_space = cls(
            parameters=parameters,
            forbidden=forbidden,
            constraints=constraints,
        )

        return parameter_space
