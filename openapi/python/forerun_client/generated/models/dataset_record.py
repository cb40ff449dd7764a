from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.dataset_record_meta_features import DatasetRecordMetaFeatures


T = TypeVar("T", bound="DatasetRecord")


@_attrs_define
class DatasetRecord:
    """A dataset, and how many runs were trained on it.

    Attributes:
        project (str):
        name (str):
        meta_features (DatasetRecordMetaFeatures):
        n_runs (int): Runs of any state.
        created_at (datetime.datetime):
        updated_at (datetime.datetime):

    """

    project: str
    name: str
    meta_features: DatasetRecordMetaFeatures
    n_runs: int
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        project = self.project

        name = self.name

        meta_features = self.meta_features.to_dict()

        n_runs = self.n_runs

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "project": project,
                "name": name,
                "meta_features": meta_features,
                "n_runs": n_runs,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.dataset_record_meta_features import DatasetRecordMetaFeatures

        d = dict(src_dict)
        project = d.pop("project")

        name = d.pop("name")

        meta_features = DatasetRecordMetaFeatures.from_dict(d.pop("meta_features"))

        n_runs = d.pop("n_runs")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        dataset_record = cls(
            project=project,
            name=name,
            meta_features=meta_features,
            n_runs=n_runs,
            created_at=created_at,
            updated_at=updated_at,
        )

        dataset_record.additional_properties = d
        return dataset_record

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
