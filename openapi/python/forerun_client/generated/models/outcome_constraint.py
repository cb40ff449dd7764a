from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.outcome_constraint_op import OutcomeConstraintOp, check_outcome_constraint_op
from ..types import UNSET, Unset

T = TypeVar("T", bound="OutcomeConstraint")


@_attrs_define
class OutcomeConstraint:
    """A limit on a target that must hold with at least the given probability.

    Attributes:
        metric (str):
        op (OutcomeConstraintOp):
        value (float):
        confidence (float | Unset):  Default: 0.5.

    """

    metric: str
    op: OutcomeConstraintOp
    value: float
    confidence: float | Unset = 0.5

    def to_dict(self) -> dict[str, Any]:
        metric = self.metric

        op: str = self.op

        value = self.value

        confidence = self.confidence

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "metric": metric,
                "op": op,
                "value": value,
            }
        )
        if confidence is not UNSET:
            field_dict["confidence"] = confidence

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        metric = d.pop("metric")

        op = check_outcome_constraint_op(d.pop("op"))

        value = d.pop("value")

        confidence = d.pop("confidence", UNSET)

        outcome_constraint = cls(
            metric=metric,
            op=op,
            value=value,
            confidence=confidence,
        )

        return outcome_constraint
