from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.curve_point_metrics import CurvePointMetrics


T = TypeVar("T", bound="CurvePoint")


@_attrs_define
class CurvePoint:
    """What a run had reached after `step` units of training.

    Attributes:
        step (float):
        metrics (CurvePointMetrics):

    """

    step: float
    metrics: CurvePointMetrics

    def to_dict(self) -> dict[str, Any]:
        step = self.step

        metrics = self.metrics.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "step": step,
                "metrics": metrics,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.curve_point_metrics import CurvePointMetrics

        d = dict(src_dict)
        step = d.pop("step")

        metrics = CurvePointMetrics.from_dict(d.pop("metrics"))

        curve_point = cls(
            step=step,
            metrics=metrics,
        )

        return curve_point
