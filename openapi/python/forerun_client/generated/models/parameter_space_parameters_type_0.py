from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.bool_parameter import BoolParameter
    from ..models.categorical_parameter import CategoricalParameter
    from ..models.constant_parameter import ConstantParameter
    from ..models.float_parameter import FloatParameter
    from ..models.int_parameter import IntParameter
    from ..models.ordinal_parameter import OrdinalParameter


T = TypeVar("T", bound="ParameterSpaceParametersType0")


@_attrs_define
class ParameterSpaceParametersType0:
    additional_properties: dict[
        str,
        bool
        | BoolParameter
        | CategoricalParameter
        | ConstantParameter
        | float
        | FloatParameter
        | IntParameter
        | list[bool | float | str | None]
        | OrdinalParameter
        | str
        | None,
    ] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.bool_parameter import BoolParameter
        from ..models.categorical_parameter import CategoricalParameter
        from ..models.constant_parameter import ConstantParameter
        from ..models.float_parameter import FloatParameter
        from ..models.int_parameter import IntParameter
        from ..models.ordinal_parameter import OrdinalParameter

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if (
                isinstance(prop, FloatParameter)
                or isinstance(prop, IntParameter)
                or isinstance(prop, CategoricalParameter)
                or isinstance(prop, OrdinalParameter)
                or isinstance(prop, BoolParameter)
                or isinstance(prop, ConstantParameter)
            ):
                field_dict[prop_name] = prop.to_dict()
            elif isinstance(prop, list):
                field_dict[prop_name] = []
                for componentsschemas_parameter_entry_type_1_item_data in prop:
                    componentsschemas_parameter_entry_type_1_item: bool | float | str | None
                    componentsschemas_parameter_entry_type_1_item = componentsschemas_parameter_entry_type_1_item_data
                    field_dict[prop_name].append(componentsschemas_parameter_entry_type_1_item)

            else:
                field_dict[prop_name] = prop

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.bool_parameter import BoolParameter
        from ..models.categorical_parameter import CategoricalParameter
        from ..models.constant_parameter import ConstantParameter
        from ..models.float_parameter import FloatParameter
        from ..models.int_parameter import IntParameter
        from ..models.ordinal_parameter import OrdinalParameter

        d = dict(src_dict)
        parameter_space_parameters_type_0 = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(
                data: object,
            ) -> (
                bool
                | BoolParameter
                | CategoricalParameter
                | ConstantParameter
                | float
                | FloatParameter
                | IntParameter
                | list[bool | float | str | None]
                | OrdinalParameter
                | str
                | None
            ):
                if data is None:
                    return data
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
                try:
                    if not isinstance(data, dict):
                        raise TypeError
                    componentsschemas_parameter_spec_type_5 = ConstantParameter.from_dict(data)

                    return componentsschemas_parameter_spec_type_5
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                try:
                    if not isinstance(data, list):
                        raise TypeError
                    componentsschemas_parameter_entry_type_1 = []
                    _componentsschemas_parameter_entry_type_1 = data
                    for componentsschemas_parameter_entry_type_1_item_data in _componentsschemas_parameter_entry_type_1:

                        def _parse_componentsschemas_parameter_entry_type_1_item(
                            data: object,
                        ) -> bool | float | str | None:
                            if data is None:
                                return data
                            return cast("bool | float | None | str", data)

                        componentsschemas_parameter_entry_type_1_item = (
                            _parse_componentsschemas_parameter_entry_type_1_item(
                                componentsschemas_parameter_entry_type_1_item_data
                            )
                        )

                        componentsschemas_parameter_entry_type_1.append(componentsschemas_parameter_entry_type_1_item)

                    return componentsschemas_parameter_entry_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(
                    "bool | BoolParameter | CategoricalParameter | ConstantParameter | float | FloatParameter | IntParameter | list[bool | float | None | str] | None | OrdinalParameter | str",
                    data,
                )

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        parameter_space_parameters_type_0.additional_properties = additional_properties
        return parameter_space_parameters_type_0

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(
        self, key: str
    ) -> (
        bool
        | BoolParameter
        | CategoricalParameter
        | ConstantParameter
        | float
        | FloatParameter
        | IntParameter
        | list[bool | float | str | None]
        | OrdinalParameter
        | str
        | None
    ):
        return self.additional_properties[key]

    def __setitem__(
        self,
        key: str,
        value: bool
        | BoolParameter
        | CategoricalParameter
        | ConstantParameter
        | float
        | FloatParameter
        | IntParameter
        | list[bool | float | str | None]
        | OrdinalParameter
        | str
        | None,
    ) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
