from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.ordinal_parameter_when_type_0 import OrdinalParameterWhenType0


T = TypeVar("T", bound="OrdinalParameter")


@_attrs_define
class OrdinalParameter:
    """One of several values, in their order.

    Attributes:
        type_ (Literal['ordinal']):
        choices (list[bool | float | None | str]):
        when (None | OrdinalParameterWhenType0 | Unset):
        name (None | str | Unset): In the list form only; one name may repeat with disjoint `when`.

    """

    type_: Literal["ordinal"]
    choices: list[bool | float | str | None]
    when: OrdinalParameterWhenType0 | Unset | None = UNSET
    name: str | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.ordinal_parameter_when_type_0 import OrdinalParameterWhenType0

        type_ = self.type_

        choices = []
        for choices_item_data in self.choices:
            choices_item: bool | float | str | None
            choices_item = choices_item_data
            choices.append(choices_item)

        when: dict[str, Any] | Unset | None
        if isinstance(self.when, Unset):
            when = UNSET
        elif isinstance(self.when, OrdinalParameterWhenType0):
            when = self.when.to_dict()
        else:
            when = self.when

        name: str | Unset | None
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "choices": choices,
            }
        )
        if when is not UNSET:
            field_dict["when"] = when
        if name is not UNSET:
            field_dict["name"] = name

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.ordinal_parameter_when_type_0 import OrdinalParameterWhenType0

        d = dict(src_dict)
        type_ = cast("Literal['ordinal']", d.pop("type"))
        if type_ != "ordinal":
            raise ValueError(f"type must match const 'ordinal', got '{type_}'")

        choices = []
        _choices = d.pop("choices")
        for choices_item_data in _choices:

            def _parse_choices_item(data: object) -> bool | float | str | None:
                if data is None:
                    return data
                return cast("bool | float | None | str", data)

            choices_item = _parse_choices_item(choices_item_data)

            choices.append(choices_item)

        def _parse_when(data: object) -> OrdinalParameterWhenType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                when_type_0 = OrdinalParameterWhenType0.from_dict(data)

                return when_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | OrdinalParameterWhenType0 | Unset", data)

        when = _parse_when(d.pop("when", UNSET))

        def _parse_name(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        name = _parse_name(d.pop("name", UNSET))

        ordinal_parameter = cls(
            type_=type_,
            choices=choices,
            when=when,
            name=name,
        )

        return ordinal_parameter
