from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.dataset_reference_meta_features import DatasetReferenceMetaFeatures


T = TypeVar("T", bound="DatasetReference")


@_attrs_define
class DatasetReference:
    """What was trained on. Meta-features are merged into the dataset; the last writer of each one wins.

    Attributes:
        name (str):
        meta_features (DatasetReferenceMetaFeatures | Unset):

    """

    name: str
    meta_features: DatasetReferenceMetaFeatures | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        meta_features: dict[str, Any] | Unset = UNSET
        if not isinstance(self.meta_features, Unset):
            meta_features = self.meta_features.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
            }
        )
        if meta_features is not UNSET:
            field_dict["meta_features"] = meta_features

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.dataset_reference_meta_features import DatasetReferenceMetaFeatures

        d = dict(src_dict)
        name = d.pop("name")

        _meta_features = d.pop("meta_features", UNSET)
        meta_features: DatasetReferenceMetaFeatures | Unset
        if isinstance(_meta_features, Unset):
            meta_features = UNSET
        else:
            meta_features = DatasetReferenceMetaFeatures.from_dict(_meta_features)

        dataset_reference = cls(
            name=name,
            meta_features=meta_features,
        )

        return dataset_reference
