from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.float_parameter_when_type_0 import FloatParameterWhenType0


T = TypeVar("T", bound="FloatParameter")


@_attrs_define
class FloatParameter:
    """A real number; both bounds are inclusive.

    Attributes:
        type_ (Literal['float']):
        low (float):
        high (float):
        when (FloatParameterWhenType0 | None | Unset):
        name (None | str | Unset): In the list form only; one name may repeat with disjoint `when`.
        log (bool | Unset): Spread evenly over orders of magnitude; needs `low` above 0. Default: False.
        step (float | None | Unset):

    """

    type_: Literal["float"]
    low: float
    high: float
    when: FloatParameterWhenType0 | Unset | None = UNSET
    name: str | Unset | None = UNSET
    log: bool | Unset = False
    step: float | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.float_parameter_when_type_0 import FloatParameterWhenType0

        type_ = self.type_

        low = self.low

        high = self.high

        when: dict[str, Any] | Unset | None
        if isinstance(self.when, Unset):
            when = UNSET
        elif isinstance(self.when, FloatParameterWhenType0):
            when = self.when.to_dict()
        else:
            when = self.when

        name: str | Unset | None
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        log = self.log

        step: float | Unset | None
        if isinstance(self.step, Unset):
            step = UNSET
        else:
            step = self.step

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "low": low,
                "high": high,
            }
        )
        if when is not UNSET:
            field_dict["when"] = when
        if name is not UNSET:
            field_dict["name"] = name
        if log is not UNSET:
            field_dict["log"] = log
        if step is not UNSET:
            field_dict["step"] = step

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.float_parameter_when_type_0 import FloatParameterWhenType0

        d = dict(src_dict)
        type_ = cast("Literal['float']", d.pop("type"))
        if type_ != "float":
            raise ValueError(f"type must match const 'float', got '{type_}'")

        low = d.pop("low")

        high = d.pop("high")

        def _parse_when(data: object) -> FloatParameterWhenType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                when_type_0 = FloatParameterWhenType0.from_dict(data)

                return when_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("FloatParameterWhenType0 | None | Unset", data)

        when = _parse_when(d.pop("when", UNSET))

        def _parse_name(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        name = _parse_name(d.pop("name", UNSET))

        log = d.pop("log", UNSET)

        def _parse_step(data: object) -> float | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        step = _parse_step(d.pop("step", UNSET))

        float_parameter = cls(
            type_=type_,
            low=low,
            high=high,
            when=when,
            name=name,
            log=log,
            step=step,
        )

        return float_parameter
