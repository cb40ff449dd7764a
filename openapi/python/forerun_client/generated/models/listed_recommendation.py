from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.listed_recommendation_basis import ListedRecommendationBasis, check_listed_recommendation_basis

T = TypeVar("T", bound="ListedRecommendation")


@_attrs_define
class ListedRecommendation:
    """A recommendation in a list.

    Attributes:
        recommendation_id (UUID):
        dataset (str): The dataset that was asked about.
        basis (ListedRecommendationBasis):
        meta_learner_id (None | UUID):
        n_configurations (int): Configurations that were answered.
        created_at (datetime.datetime):

    """

    recommendation_id: UUID
    dataset: str
    basis: ListedRecommendationBasis
    meta_learner_id: UUID | None
    n_configurations: int
    created_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        recommendation_id = str(self.recommendation_id)

        dataset = self.dataset

        basis: str = self.basis

        meta_learner_id: str | None
        if isinstance(self.meta_learner_id, UUID):
            meta_learner_id = str(self.meta_learner_id)
        else:
            meta_learner_id = self.meta_learner_id

        n_configurations = self.n_configurations

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "recommendation_id": recommendation_id,
                "dataset": dataset,
                "basis": basis,
                "meta_learner_id": meta_learner_id,
                "n_configurations": n_configurations,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        recommendation_id = UUID(d.pop("recommendation_id"))

        dataset = d.pop("dataset")

        basis = check_listed_recommendation_basis(d.pop("basis"))

        def _parse_meta_learner_id(data: object) -> UUID | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                meta_learner_id_type_0 = UUID(data)

                return meta_learner_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | UUID", data)

        meta_learner_id = _parse_meta_learner_id(d.pop("meta_learner_id"))

        n_configurations = d.pop("n_configurations")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        listed_recommendation = cls(
            recommendation_id=recommendation_id,
            dataset=dataset,
            basis=basis,
            meta_learner_id=meta_learner_id,
            n_configurations=n_configurations,
            created_at=created_at,
        )

        listed_recommendation.additional_properties = d
        return listed_recommendation

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
