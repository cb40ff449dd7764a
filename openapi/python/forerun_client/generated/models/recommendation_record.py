from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.recommendation_record_basis import RecommendationRecordBasis, check_recommendation_record_basis
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.meta_learner_reference import MetaLearnerReference
    from ..models.ranked_configuration import RankedConfiguration
    from ..models.realised import Realised
    from ..models.search_summary import SearchSummary
    from ..models.similar_dataset import SimilarDataset


T = TypeVar("T", bound="RecommendationRecord")


@_attrs_define
class RecommendationRecord:
    """A stored answer, with the runs that named it.

    Attributes:
        recommendation_id (UUID): As it was answered.
        project (str):
        dataset (str):
        meta_learner (MetaLearnerReference | None): Null at a cold start.
        basis (RecommendationRecordBasis): `few_shot`: own runs and history. `zero_shot`: history only. `cold_start`: no
            history.
        n_own_runs (int): Runs of this very dataset that were used.
        search (SearchSummary): How much of the space was looked at; never claims more than was done.
        configurations (list[RankedConfiguration]):
        warnings (list[str]): What the reader should know before believing the answer.
        created_at (datetime.datetime):
        runs (list[Realised]): Predicted against realised, oldest first.
        similar_datasets (list[SimilarDataset] | None | Unset): With `explain` only: the past datasets that resemble
            this one most.

    """

    recommendation_id: UUID
    project: str
    dataset: str
    meta_learner: MetaLearnerReference | None
    basis: RecommendationRecordBasis
    n_own_runs: int
    search: SearchSummary
    configurations: list[RankedConfiguration]
    warnings: list[str]
    created_at: datetime.datetime
    runs: list[Realised]
    similar_datasets: list[SimilarDataset] | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.meta_learner_reference import MetaLearnerReference

        recommendation_id = str(self.recommendation_id)

        project = self.project

        dataset = self.dataset

        meta_learner: dict[str, Any] | None
        if isinstance(self.meta_learner, MetaLearnerReference):
            meta_learner = self.meta_learner.to_dict()
        else:
            meta_learner = self.meta_learner

        basis: str = self.basis

        n_own_runs = self.n_own_runs

        search = self.search.to_dict()

        configurations = []
        for configurations_item_data in self.configurations:
            configurations_item = configurations_item_data.to_dict()
            configurations.append(configurations_item)

        warnings = self.warnings

        created_at = self.created_at.isoformat()

        runs = []
        for runs_item_data in self.runs:
            runs_item = runs_item_data.to_dict()
            runs.append(runs_item)

        similar_datasets: list[dict[str, Any]] | Unset | None
        if isinstance(self.similar_datasets, Unset):
            similar_datasets = UNSET
        elif isinstance(self.similar_datasets, list):
            similar_datasets = []
            for similar_datasets_type_0_item_data in self.similar_datasets:
                similar_datasets_type_0_item = similar_datasets_type_0_item_data.to_dict()
                similar_datasets.append(similar_datasets_type_0_item)

        else:
            similar_datasets = self.similar_datasets

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "recommendation_id": recommendation_id,
                "project": project,
                "dataset": dataset,
                "meta_learner": meta_learner,
                "basis": basis,
                "n_own_runs": n_own_runs,
                "search": search,
                "configurations": configurations,
                "warnings": warnings,
                "created_at": created_at,
                "runs": runs,
            }
        )
        if similar_datasets is not UNSET:
            field_dict["similar_datasets"] = similar_datasets

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.meta_learner_reference import MetaLearnerReference
        from ..models.ranked_configuration import RankedConfiguration
        from ..models.realised import Realised
        from ..models.search_summary import SearchSummary
        from ..models.similar_dataset import SimilarDataset

        d = dict(src_dict)
        recommendation_id = UUID(d.pop("recommendation_id"))

        project = d.pop("project")

        dataset = d.pop("dataset")

        def _parse_meta_learner(data: object) -> MetaLearnerReference | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                meta_learner_type_0 = MetaLearnerReference.from_dict(data)

                return meta_learner_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("MetaLearnerReference | None", data)

        meta_learner = _parse_meta_learner(d.pop("meta_learner"))

        basis = check_recommendation_record_basis(d.pop("basis"))

        n_own_runs = d.pop("n_own_runs")

        search = SearchSummary.from_dict(d.pop("search"))

        configurations = []
        _configurations = d.pop("configurations")
        for configurations_item_data in _configurations:
            configurations_item = RankedConfiguration.from_dict(configurations_item_data)

            configurations.append(configurations_item)

        warnings = cast("list[str]", d.pop("warnings"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        runs = []
        _runs = d.pop("runs")
        for runs_item_data in _runs:
            runs_item = Realised.from_dict(runs_item_data)

            runs.append(runs_item)

        def _parse_similar_datasets(data: object) -> list[SimilarDataset] | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError
                similar_datasets_type_0 = []
                _similar_datasets_type_0 = data
                for similar_datasets_type_0_item_data in _similar_datasets_type_0:
                    similar_datasets_type_0_item = SimilarDataset.from_dict(similar_datasets_type_0_item_data)

                    similar_datasets_type_0.append(similar_datasets_type_0_item)

                return similar_datasets_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("list[SimilarDataset] | None | Unset", data)

        similar_datasets = _parse_similar_datasets(d.pop("similar_datasets", UNSET))

        recommendation_record = cls(
            recommendation_id=recommendation_id,
            project=project,
            dataset=dataset,
            meta_learner=meta_learner,
            basis=basis,
            n_own_runs=n_own_runs,
            search=search,
            configurations=configurations,
            warnings=warnings,
            created_at=created_at,
            runs=runs,
            similar_datasets=similar_datasets,
        )

        recommendation_record.additional_properties = d
        return recommendation_record

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
