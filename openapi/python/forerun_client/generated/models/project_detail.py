from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.objective import Objective
    from ..models.project_health import ProjectHealth
    from ..models.refit_policy import RefitPolicy
    from ..models.retention import Retention


T = TypeVar("T", bound="ProjectDetail")


@_attrs_define
class ProjectDetail:
    """A project, and what its owner should know.

    Attributes:
        name (str):
        objectives (list[Objective]):
        refit_policy (RefitPolicy): When the worker refits by itself. An absent field follows the service's own setting.
        retention (Retention): How long raw runs are kept. What they taught stays; runs that followed a recommendation
            are kept themselves.
        meta_learner_id (None | UUID): The champion: the meta-learner that serves.
        health (None | ProjectHealth): Null until a worker has looked at the project.
        created_at (datetime.datetime):
        updated_at (datetime.datetime):
        warnings (list[str]): What should be seen to: that the bundle of the champion is damaged.

    """

    name: str
    objectives: list[Objective]
    refit_policy: RefitPolicy
    retention: Retention
    meta_learner_id: UUID | None
    health: ProjectHealth | None
    created_at: datetime.datetime
    updated_at: datetime.datetime
    warnings: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.project_health import ProjectHealth

        name = self.name

        objectives = []
        for objectives_item_data in self.objectives:
            objectives_item = objectives_item_data.to_dict()
            objectives.append(objectives_item)

        refit_policy = self.refit_policy.to_dict()

        retention = self.retention.to_dict()

        meta_learner_id: str | None
        if isinstance(self.meta_learner_id, UUID):
            meta_learner_id = str(self.meta_learner_id)
        else:
            meta_learner_id = self.meta_learner_id

        health: dict[str, Any] | None
        if isinstance(self.health, ProjectHealth):
            health = self.health.to_dict()
        else:
            health = self.health

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        warnings = self.warnings

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "name": name,
                "objectives": objectives,
                "refit_policy": refit_policy,
                "retention": retention,
                "meta_learner_id": meta_learner_id,
                "health": health,
                "created_at": created_at,
                "updated_at": updated_at,
                "warnings": warnings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.objective import Objective
        from ..models.project_health import ProjectHealth
        from ..models.refit_policy import RefitPolicy
        from ..models.retention import Retention

        d = dict(src_dict)
        name = d.pop("name")

        objectives = []
        _objectives = d.pop("objectives")
        for objectives_item_data in _objectives:
            objectives_item = Objective.from_dict(objectives_item_data)

            objectives.append(objectives_item)

        refit_policy = RefitPolicy.from_dict(d.pop("refit_policy"))

        retention = Retention.from_dict(d.pop("retention"))

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

        def _parse_health(data: object) -> ProjectHealth | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                health_type_0 = ProjectHealth.from_dict(data)

                return health_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | ProjectHealth", data)

        health = _parse_health(d.pop("health"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        warnings = cast("list[str]", d.pop("warnings"))

        project_detail = cls(
            name=name,
            objectives=objectives,
            refit_policy=refit_policy,
            retention=retention,
            meta_learner_id=meta_learner_id,
            health=health,
            created_at=created_at,
            updated_at=updated_at,
            warnings=warnings,
        )

        project_detail.additional_properties = d
        return project_detail

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
