from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.objective_direction import ObjectiveDirection, check_objective_direction

T = TypeVar("T", bound="Objective")


@_attrs_define
class Objective:
    """A target and which way is better.

    Attributes:
        metric (str):
        direction (ObjectiveDirection):

    """

    metric: str
    direction: ObjectiveDirection

    def to_dict(self) -> dict[str, Any]:
        metric = self.metric

        direction: str = self.direction

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "metric": metric,
                "direction": direction,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        metric = d.pop("metric")

        direction = check_objective_direction(d.pop("direction"))

        objective = cls(
            metric=metric,
            direction=direction,
        )

        return objective
