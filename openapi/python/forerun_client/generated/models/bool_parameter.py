from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.bool_parameter_when_type_0 import BoolParameterWhenType0


T = TypeVar("T", bound="BoolParameter")


@_attrs_define
class BoolParameter:
    """True or false.

    Attributes:
        type_ (Literal['bool']):
        when (BoolParameterWhenType0 | None | Unset):
        name (None | str | Unset): In the list form only; one name may repeat with disjoint `when`.

    """

    type_: Literal["bool"]
    when: BoolParameterWhenType0 | Unset | None = UNSET
    name: str | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.bool_parameter_when_type_0 import BoolParameterWhenType0

        type_ = self.type_

        when: dict[str, Any] | Unset | None
        if isinstance(self.when, Unset):
            when = UNSET
        elif isinstance(self.when, BoolParameterWhenType0):
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
            }
        )
        if when is not UNSET:
            field_dict["when"] = when
        if name is not UNSET:
            field_dict["name"] = name

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.bool_parameter_when_type_0 import BoolParameterWhenType0

        d = dict(src_dict)
        type_ = cast("Literal['bool']", d.pop("type"))
        if type_ != "bool":
            raise ValueError(f"type must match const 'bool', got '{type_}'")

        def _parse_when(data: object) -> BoolParameterWhenType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                when_type_0 = BoolParameterWhenType0.from_dict(data)

                return when_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("BoolParameterWhenType0 | None | Unset", data)

        when = _parse_when(d.pop("when", UNSET))

        def _parse_name(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        name = _parse_name(d.pop("name", UNSET))

        bool_parameter = cls(
            type_=type_,
            when=when,
            name=name,
        )

        return bool_parameter
