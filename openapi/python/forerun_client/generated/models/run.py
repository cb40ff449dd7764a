from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define

from ..models.run_state import RunState, check_run_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.curve_point import CurvePoint
    from ..models.dataset_reference import DatasetReference
    from ..models.run_architecture import RunArchitecture
    from ..models.run_environment import RunEnvironment
    from ..models.run_fidelity import RunFidelity
    from ..models.run_hyperparameters import RunHyperparameters
    from ..models.run_metrics import RunMetrics
    from ..models.run_resources import RunResources
    from ..models.run_tags import RunTags


T = TypeVar("T", bound="Run")


@_attrs_define
class Run:
    """One training of one configuration on one dataset, with its outcome.

    Attributes:
        dataset (DatasetReference | str):
        state (RunState):
        project (str | Unset):  Default: 'default'.
        run_id (None | str | Unset): The client's own key, unique in its project; makes a retry safe.
        hyperparameters (RunHyperparameters | Unset):
        architecture (RunArchitecture | Unset):
        environment (RunEnvironment | Unset):
        fidelity (RunFidelity | Unset):
        metrics (RunMetrics | Unset):
        resources (RunResources | Unset):
        learning_curve (list[CurvePoint] | Unset):
        recommendation_id (None | Unset | UUID): The recommendation this run followed.
        started_at (datetime.datetime | None | Unset):
        finished_at (datetime.datetime | None | Unset):
        tags (RunTags | Unset):

    """

    dataset: DatasetReference | str
    state: RunState
    project: str | Unset = "default"
    run_id: str | Unset | None = UNSET
    hyperparameters: RunHyperparameters | Unset = UNSET
    architecture: RunArchitecture | Unset = UNSET
    environment: RunEnvironment | Unset = UNSET
    fidelity: RunFidelity | Unset = UNSET
    metrics: RunMetrics | Unset = UNSET
    resources: RunResources | Unset = UNSET
    learning_curve: list[CurvePoint] | Unset = UNSET
    recommendation_id: Unset | UUID | None = UNSET
    started_at: datetime.datetime | Unset | None = UNSET
    finished_at: datetime.datetime | Unset | None = UNSET
    tags: RunTags | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.dataset_reference import DatasetReference

        dataset: dict[str, Any] | str
        if isinstance(self.dataset, DatasetReference):
            dataset = self.dataset.to_dict()
        else:
            dataset = self.dataset

        state: str = self.state

        project = self.project

        run_id: str | Unset | None
        if isinstance(self.run_id, Unset):
            run_id = UNSET
        else:
            run_id = self.run_id

        hyperparameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.hyperparameters, Unset):
            hyperparameters = self.hyperparameters.to_dict()

        architecture: dict[str, Any] | Unset = UNSET
        if not isinstance(self.architecture, Unset):
            architecture = self.architecture.to_dict()

        environment: dict[str, Any] | Unset = UNSET
        if not isinstance(self.environment, Unset):
            environment = self.environment.to_dict()

        fidelity: dict[str, Any] | Unset = UNSET
        if not isinstance(self.fidelity, Unset):
            fidelity = self.fidelity.to_dict()

        metrics: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metrics, Unset):
            metrics = self.metrics.to_dict()

        resources: dict[str, Any] | Unset = UNSET
        if not isinstance(self.resources, Unset):
            resources = self.resources.to_dict()

        learning_curve: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.learning_curve, Unset):
            learning_curve = []
            for learning_curve_item_data in self.learning_curve:
                learning_curve_item = learning_curve_item_data.to_dict()
                learning_curve.append(learning_curve_item)

        recommendation_id: str | Unset | None
        if isinstance(self.recommendation_id, Unset):
            recommendation_id = UNSET
        elif isinstance(self.recommendation_id, UUID):
            recommendation_id = str(self.recommendation_id)
        else:
            recommendation_id = self.recommendation_id

        started_at: str | Unset | None
        if isinstance(self.started_at, Unset):
            started_at = UNSET
        elif isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: str | Unset | None
        if isinstance(self.finished_at, Unset):
            finished_at = UNSET
        elif isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        tags: dict[str, Any] | Unset = UNSET
        if not isinstance(self.tags, Unset):
            tags = self.tags.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "dataset": dataset,
                "state": state,
            }
        )
        if project is not UNSET:
            field_dict["project"] = project
        if run_id is not UNSET:
            field_dict["run_id"] = run_id
        if hyperparameters is not UNSET:
            field_dict["hyperparameters"] = hyperparameters
        if architecture is not UNSET:
            field_dict["architecture"] = architecture
        if environment is not UNSET:
            field_dict["environment"] = environment
        if fidelity is not UNSET:
            field_dict["fidelity"] = fidelity
        if metrics is not UNSET:
            field_dict["metrics"] = metrics
        if resources is not UNSET:
            field_dict["resources"] = resources
        if learning_curve is not UNSET:
            field_dict["learning_curve"] = learning_curve
        if recommendation_id is not UNSET:
            field_dict["recommendation_id"] = recommendation_id
        if started_at is not UNSET:
            field_dict["started_at"] = started_at
        if finished_at is not UNSET:
            field_dict["finished_at"] = finished_at
        if tags is not UNSET:
            field_dict["tags"] = tags

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.curve_point import CurvePoint
        from ..models.dataset_reference import DatasetReference
        from ..models.run_architecture import RunArchitecture
        from ..models.run_environment import RunEnvironment
        from ..models.run_fidelity import RunFidelity
        from ..models.run_hyperparameters import RunHyperparameters
        from ..models.run_metrics import RunMetrics
        from ..models.run_resources import RunResources
        from ..models.run_tags import RunTags

        d = dict(src_dict)

        def _parse_dataset(data: object) -> DatasetReference | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError
                dataset_type_0 = DatasetReference.from_dict(data)

                return dataset_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("DatasetReference | str", data)

        dataset = _parse_dataset(d.pop("dataset"))

        state = check_run_state(d.pop("state"))

        project = d.pop("project", UNSET)

        def _parse_run_id(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("None | str | Unset", data)

        run_id = _parse_run_id(d.pop("run_id", UNSET))

        _hyperparameters = d.pop("hyperparameters", UNSET)
        hyperparameters: RunHyperparameters | Unset
        if isinstance(_hyperparameters, Unset):
            hyperparameters = UNSET
        else:
            hyperparameters = RunHyperparameters.from_dict(_hyperparameters)

        _architecture = d.pop("architecture", UNSET)
        architecture: RunArchitecture | Unset
        if isinstance(_architecture, Unset):
            architecture = UNSET
        else:
            architecture = RunArchitecture.from_dict(_architecture)

        _environment = d.pop("environment", UNSET)
        environment: RunEnvironment | Unset
        if isinstance(_environment, Unset):
            environment = UNSET
        else:
            environment = RunEnvironment.from_dict(_environment)

        _fidelity = d.pop("fidelity", UNSET)
        fidelity: RunFidelity | Unset
        if isinstance(_fidelity, Unset):
            fidelity = UNSET
        else:
            fidelity = RunFidelity.from_dict(_fidelity)

        _metrics = d.pop("metrics", UNSET)
        metrics: RunMetrics | Unset
        if isinstance(_metrics, Unset):
            metrics = UNSET
        else:
            metrics = RunMetrics.from_dict(_metrics)

        _resources = d.pop("resources", UNSET)
        resources: RunResources | Unset
        if isinstance(_resources, Unset):
            resources = UNSET
        else:
            resources = RunResources.from_dict(_resources)

        _learning_curve = d.pop("learning_curve", UNSET)
        learning_curve: list[CurvePoint] | Unset = UNSET
        if _learning_curve is not UNSET:
            learning_curve = []
            for learning_curve_item_data in _learning_curve:
                learning_curve_item = CurvePoint.from_dict(learning_curve_item_data)

                learning_curve.append(learning_curve_item)

        def _parse_recommendation_id(data: object) -> Unset | UUID | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                recommendation_id_type_0 = UUID(data)

                return recommendation_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | Unset | UUID", data)

        recommendation_id = _parse_recommendation_id(d.pop("recommendation_id", UNSET))

        def _parse_started_at(data: object) -> datetime.datetime | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None | Unset", data)

        started_at = _parse_started_at(d.pop("started_at", UNSET))

        def _parse_finished_at(data: object) -> datetime.datetime | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None | Unset", data)

        finished_at = _parse_finished_at(d.pop("finished_at", UNSET))

        _tags = d.pop("tags", UNSET)
        tags: RunTags | Unset
        if isinstance(_tags, Unset):
            tags = UNSET
        else:
            tags = RunTags.from_dict(_tags)

        run = cls(
            dataset=dataset,
            state=state,
            project=project,
            run_id=run_id,
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
        )

        return run
