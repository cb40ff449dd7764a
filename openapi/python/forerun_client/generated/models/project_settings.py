from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.objective import Objective
    from ..models.refit_policy import RefitPolicy
    from ..models.retention import Retention


T = TypeVar("T", bound="ProjectSettings")


@_attrs_define
class ProjectSettings:
    """What can be declared about a project.

    Attributes:
        objectives (list[Objective] | Unset): What a recommendation optimises when its request does not say.
        refit_policy (RefitPolicy | Unset): When the worker refits by itself. An absent field follows the service's own
            setting.
        retention (Retention | Unset): How long raw runs are kept. What they taught stays; runs that followed a
            recommendation are kept themselves.

    """

    objectives: list[Objective] | Unset = UNSET
    refit_policy: RefitPolicy | Unset = UNSET
    retention: Retention | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        objectives: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.objectives, Unset):
            objectives = []
            for objectives_item_data in self.objectives:
                objectives_item = objectives_item_data.to_dict()
                objectives.append(objectives_item)

        refit_policy: dict[str, Any] | Unset = UNSET
        if not isinstance(self.refit_policy, Unset):
            refit_policy = self.refit_policy.to_dict()

        retention: dict[str, Any] | Unset = UNSET
        if not isinstance(self.retention, Unset):
            retention = self.retention.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if objectives is not UNSET:
            field_dict["objectives"] = objectives
        if refit_policy is not UNSET:
            field_dict["refit_policy"] = refit_policy
        if retention is not UNSET:
            field_dict["retention"] = retention

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.objective import Objective
        from ..models.refit_policy import RefitPolicy
        from ..models.retention import Retention

        d = dict(src_dict)
        _objectives = d.pop("objectives", UNSET)
        objectives: list[Objective] | Unset = UNSET
        if _objectives is not UNSET:
            objectives = []
            for objectives_item_data in _objectives:
                objectives_item = Objective.from_dict(objectives_item_data)

                objectives.append(objectives_item)

        _refit_policy = d.pop("refit_policy", UNSET)
        refit_policy: RefitPolicy | Unset
        if isinstance(_refit_policy, Unset):
            refit_policy = UNSET
        else:
            refit_policy = RefitPolicy.from_dict(_refit_policy)

        _retention = d.pop("retention", UNSET)
        retention: Retention | Unset
        if isinstance(_retention, Unset):
            retention = UNSET
        else:
            retention = Retention.from_dict(_retention)

        project_settings = cls(
            objectives=objectives,
            refit_policy=refit_policy,
            retention=retention,
        )

        return project_settings
