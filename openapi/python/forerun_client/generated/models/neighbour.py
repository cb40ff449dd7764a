from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Neighbour")


@_attrs_define
class Neighbour:
    """A dataset beside another.

    Attributes:
        dataset (str):
        distance (float): Root mean square over meta-features, in their standard deviations; 0 for equals.
        n_shared_meta_features (int):

    """

    dataset: str
    distance: float
    n_shared_meta_features: int
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dataset = self.dataset

        distance = self.distance

        n_shared_meta_features = self.n_shared_meta_features

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dataset": dataset,
                "distance": distance,
                "n_shared_meta_features": n_shared_meta_features,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        dataset = d.pop("dataset")

        distance = d.pop("distance")

        n_shared_meta_features = d.pop("n_shared_meta_features")

        neighbour = cls(
            dataset=dataset,
            distance=distance,
            n_shared_meta_features=n_shared_meta_features,
        )

        neighbour.additional_properties = d
        return neighbour

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
