from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="IntervalsHeld")


@_attrs_define
class IntervalsHeld:
    """How many realised results of one target lay in the 90 % intervals that had been predicted for them.

    Attributes:
        n (int): Results: of the latest completed runs that followed a recommendation.
        inside (float): The share of them inside their interval.
        below (int): Results below it.
        above (int): Results above it.
        drifting (bool): Whether more missed than chance explains: the world may have changed.

    """

    n: int
    inside: float
    below: int
    above: int
    drifting: bool
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        n = self.n

        inside = self.inside

        below = self.below

        above = self.above

        drifting = self.drifting

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "n": n,
                "inside": inside,
                "below": below,
                "above": above,
                "drifting": drifting,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        n = d.pop("n")

        inside = d.pop("inside")

        below = d.pop("below")

        above = d.pop("above")

        drifting = d.pop("drifting")

        intervals_held = cls(
            n=n,
            inside=inside,
            below=below,
            above=above,
            drifting=drifting,
        )

        intervals_held.additional_properties = d
        return intervals_held

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
