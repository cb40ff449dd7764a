from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.run_patch_state_type_0 import RunPatchStateType0, check_run_patch_state_type_0
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.curve_point import CurvePoint
    from ..models.run_patch_metrics import RunPatchMetrics
    from ..models.run_patch_resources import RunPatchResources


T = TypeVar("T", bound="RunPatch")


@_attrs_define
class RunPatch:
    """What may be added to a `running` run: targets are merged, curve points appended.

    Attributes:
        state (None | RunPatchStateType0 | Unset):
        metrics (RunPatchMetrics | Unset):
        resources (RunPatchResources | Unset):
        learning_curve (list[CurvePoint] | Unset):
        finished_at (datetime.datetime | None | Unset):

    """

    state: RunPatchStateType0 | Unset | None = UNSET
    metrics: RunPatchMetrics | Unset = UNSET
    resources: RunPatchResources | Unset = UNSET
    learning_curve: list[CurvePoint] | Unset = UNSET
    finished_at: datetime.datetime | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        state: str | Unset | None
        if isinstance(self.state, Unset):
            state = UNSET
        elif isinstance(self.state, str):
            state = self.state
        else:
            state = self.state

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

        finished_at: str | Unset | None
        if isinstance(self.finished_at, Unset):
            finished_at = UNSET
        elif isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if state is not UNSET:
            field_dict["state"] = state
        if metrics is not UNSET:
            field_dict["metrics"] = metrics
        if resources is not UNSET:
            field_dict["resources"] = resources
        if learning_curve is not UNSET:
            field_dict["learning_curve"] = learning_curve
        if finished_at is not UNSET:
            field_dict["finished_at"] = finished_at

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.curve_point import CurvePoint
        from ..models.run_patch_metrics import RunPatchMetrics
        from ..models.run_patch_resources import RunPatchResources

        d = dict(src_dict)

        def _parse_state(data: object) -> RunPatchStateType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                state_type_0 = check_run_patch_state_type_0(data)

                return state_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RunPatchStateType0 | Unset", data)

        state = _parse_state(d.pop("state", UNSET))

        _metrics = d.pop("metrics", UNSET)
        metrics: RunPatchMetrics | Unset
        if isinstance(_metrics, Unset):
            metrics = UNSET
        else:
            metrics = RunPatchMetrics.from_dict(_metrics)

        _resources = d.pop("resources", UNSET)
        resources: RunPatchResources | Unset
        if isinstance(_resources, Unset):
            resources = UNSET
        else:
            resources = RunPatchResources.from_dict(_resources)

        _learning_curve = d.pop("learning_curve", UNSET)
        learning_curve: list[CurvePoint] | Unset = UNSET
        if _learning_curve is not UNSET:
            learning_curve = []
            for learning_curve_item_data in _learning_curve:
                learning_curve_item = CurvePoint.from_dict(learning_curve_item_data)

                learning_curve.append(learning_curve_item)

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

        run_patch = cls(
            state=state,
            metrics=metrics,
            resources=resources,
            learning_curve=learning_curve,
            finished_at=finished_at,
        )

        return run_patch
