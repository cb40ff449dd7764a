from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.dataset_description_meta_features import DatasetDescriptionMetaFeatures


T = TypeVar("T", bound="DatasetDescription")


@_attrs_define
class DatasetDescription:
    """All that is known about a dataset besides its runs.

    Attributes:
        meta_features (DatasetDescriptionMetaFeatures | Unset): Numbers that describe it. Those that are left out are
            forgotten.

    """

    meta_features: DatasetDescriptionMetaFeatures | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        meta_features: dict[str, Any] | Unset = UNSET
        if not isinstance(self.meta_features, Unset):
            meta_features = self.meta_features.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if meta_features is not UNSET:
            field_dict["meta_features"] = meta_features

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.dataset_description_meta_features import DatasetDescriptionMetaFeatures

        d = dict(src_dict)
        _meta_features = d.pop("meta_features", UNSET)
        meta_features: DatasetDescriptionMetaFeatures | Unset
        if isinstance(_meta_features, Unset):
            meta_features = UNSET
        else:
            meta_features = DatasetDescriptionMetaFeatures.from_dict(_meta_features)

        dataset_description = cls(
            meta_features=meta_features,
        )

        return dataset_description
