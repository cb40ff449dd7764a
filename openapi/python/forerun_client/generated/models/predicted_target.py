from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="PredictedTarget")


@_attrs_define
class PredictedTarget:
    """What a real run would measure, in the target's own unit.

    Attributes:
        mean (float | None):
        std (float | None):
        lower (float | None): Lower end of a 90 % interval for the outcome of a real run.
        upper (float | None): Upper end of that interval.

    """

    mean: float | None
    std: float | None
    lower: float | None
    upper: float | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        mean: float | None
        mean = self.mean

        std: float | None
        std = self.std

        lower: float | None
        lower = self.lower

        upper: float | None
        upper = self.upper

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "mean": mean,
                "std": std,
                "lower": lower,
                "upper": upper,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_mean(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        mean = _parse_mean(d.pop("mean"))

        def _parse_std(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        std = _parse_std(d.pop("std"))

        def _parse_lower(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        lower = _parse_lower(d.pop("lower"))

        def _parse_upper(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        upper = _parse_upper(d.pop("upper"))

        predicted_target = cls(
            mean=mean,
            std=std,
            lower=lower,
            upper=upper,
        )

        predicted_target.additional_properties = d
        return predicted_target

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
