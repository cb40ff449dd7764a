from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_record_state import RunRecordState, check_run_record_state

if TYPE_CHECKING:
    from ..models.curve_point import CurvePoint
    from ..models.dataset_reference import DatasetReference
    from ..models.run_record_architecture import RunRecordArchitecture
    from ..models.run_record_environment import RunRecordEnvironment
    from ..models.run_record_fidelity import RunRecordFidelity
    from ..models.run_record_hyperparameters import RunRecordHyperparameters
    from ..models.run_record_metrics import RunRecordMetrics
    from ..models.run_record_resources import RunRecordResources
    from ..models.run_record_tags import RunRecordTags


T = TypeVar("T", bound="RunRecord")


@_attrs_define
class RunRecord:
    """A run as it is stored.

    Attributes:
        id (UUID):
        project (str):
        run_id (str):
        dataset (DatasetReference): What was trained on. Meta-features are merged into the dataset; the last writer of
            each one wins.
        state (RunRecordState):
        hyperparameters (RunRecordHyperparameters):
        architecture (RunRecordArchitecture):
        environment (RunRecordEnvironment):
        fidelity (RunRecordFidelity):
        metrics (RunRecordMetrics):
        resources (RunRecordResources):
        learning_curve (list[CurvePoint]):
        recommendation_id (None | UUID):
        started_at (datetime.datetime | None):
        finished_at (datetime.datetime | None):
        tags (RunRecordTags):
        created_at (datetime.datetime): When it was first posted.
        updated_at (datetime.datetime): When it was last changed.

    """

    id: UUID
    project: str
    run_id: str
    dataset: DatasetReference
    state: RunRecordState
    hyperparameters: RunRecordHyperparameters
    architecture: RunRecordArchitecture
    environment: RunRecordEnvironment
    fidelity: RunRecordFidelity
    metrics: RunRecordMetrics
    resources: RunRecordResources
    learning_curve: list[CurvePoint]
    recommendation_id: UUID | None
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    tags: RunRecordTags
    created_at: datetime.datetime
    updated_at: datetime.datetime
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        project = self.project

        run_id = self.run_id

        dataset = self.dataset.to_dict()

        state: str = self.state

        hyperparameters = self.hyperparameters.to_dict()

        architecture = self.architecture.to_dict()

        environment = self.environment.to_dict()

        fidelity = self.fidelity.to_dict()

        metrics = self.metrics.to_dict()

        resources = self.resources.to_dict()

        learning_curve = []
        for learning_curve_item_data in self.learning_curve:
            learning_curve_item = learning_curve_item_data.to_dict()
            learning_curve.append(learning_curve_item)

        recommendation_id: str | None
        if isinstance(self.recommendation_id, UUID):
            recommendation_id = str(self.recommendation_id)
        else:
            recommendation_id = self.recommendation_id

        started_at: str | None
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: str | None
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        tags = self.tags.to_dict()

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "project": project,
                "run_id": run_id,
                "dataset": dataset,
                "state": state,
                "hyperparameters": hyperparameters,
                "architecture": architecture,
                "environment": environment,
                "fidelity": fidelity,
                "metrics": metrics,
                "resources": resources,
                "learning_curve": learning_curve,
                "recommendation_id": recommendation_id,
                "started_at": started_at,
                "finished_at": finished_at,
                "tags": tags,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.curve_point import CurvePoint
        from ..models.dataset_reference import DatasetReference
        from ..models.run_record_architecture import RunRecordArchitecture
        from ..models.run_record_environment import RunRecordEnvironment
        from ..models.run_record_fidelity import RunRecordFidelity
        from ..models.run_record_hyperparameters import RunRecordHyperparameters
        from ..models.run_record_metrics import RunRecordMetrics
        from ..models.run_record_resources import RunRecordResources
        from ..models.run_record_tags import RunRecordTags

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        project = d.pop("project")

        run_id = d.pop("run_id")

        dataset = DatasetReference.from_dict(d.pop("dataset"))

        state = check_run_record_state(d.pop("state"))

        hyperparameters = RunRecordHyperparameters.from_dict(d.pop("hyperparameters"))

        architecture = RunRecordArchitecture.from_dict(d.pop("architecture"))

        environment = RunRecordEnvironment.from_dict(d.pop("environment"))

        fidelity = RunRecordFidelity.from_dict(d.pop("fidelity"))

        metrics = RunRecordMetrics.from_dict(d.pop("metrics"))

        resources = RunRecordResources.from_dict(d.pop("resources"))

        learning_curve = []
        _learning_curve = d.pop("learning_curve")
        for learning_curve_item_data in _learning_curve:
            learning_curve_item = CurvePoint.from_dict(learning_curve_item_data)

            learning_curve.append(learning_curve_item)

        def _parse_recommendation_id(data: object) -> UUID | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                recommendation_id_type_0 = UUID(data)

                return recommendation_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | UUID", data)

        recommendation_id = _parse_recommendation_id(d.pop("recommendation_id"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None", data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None", data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        tags = RunRecordTags.from_dict(d.pop("tags"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        run_record = cls(
            id=id,
            project=project,
            run_id=run_id,
            dataset=dataset,
            state=state,
            hyperparameters=hyperparameters,
            architecture=architecture,
            environment=environment,
            fidelity=fidelity,
            metrics=metrics,
            resources=resources,
            learning_curve=learning_curve,
            recommendation_id=recommendation_id,
            started_at=started_at,
            finished_at=finished_at,
            tags=tags,
            created_at=created_at,
            updated_at=updated_at,
        )

        run_record.additional_properties = d
        return run_record

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
