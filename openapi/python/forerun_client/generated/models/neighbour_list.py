from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.neighbour import Neighbour


T = TypeVar("T", bound="NeighbourList")


@_attrs_define
class NeighbourList:
    """The datasets most like one, nearest first.

    Attributes:
        similar (list[Neighbour]):

    """

    similar: list[Neighbour]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        similar = []
        for similar_item_data in self.similar:
            similar_item = similar_item_data.to_dict()
            similar.append(similar_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "similar": similar,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.neighbour import Neighbour

        d = dict(src_dict)
        similar = []
        _similar = d.pop("similar")
        for similar_item_data in _similar:
            similar_item = Neighbour.from_dict(similar_item_data)

            similar.append(similar_item)

        neighbour_list = cls(
            similar=similar,
        )

        neighbour_list.additional_properties = d
        return neighbour_list

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
