from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.similar_dataset_by import SimilarDatasetBy, check_similar_dataset_by

T = TypeVar("T", bound="SimilarDataset")


@_attrs_define
class SimilarDataset:
    """A past dataset that resembles the one asked about.

    Attributes:
        dataset (str):
        likeness (float): 1 is alike in every respect that was compared.
        by (SimilarDatasetBy): `own_runs`: configurations fared alike here and there. `meta_features`: too few own runs
            to tell.

    """

    dataset: str
    likeness: float
    by: SimilarDatasetBy
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        dataset = self.dataset

        likeness = self.likeness

        by: str = self.by

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "dataset": dataset,
                "likeness": likeness,
                "by": by,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        dataset = d.pop("dataset")

        likeness = d.pop("likeness")

        by = check_similar_dataset_by(d.pop("by"))

        similar_dataset = cls(
            dataset=dataset,
            likeness=likeness,
            by=by,
        )

        similar_dataset.additional_properties = d
        return similar_dataset

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
