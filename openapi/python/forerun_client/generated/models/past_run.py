from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.past_run_reached import PastRunReached


T = TypeVar("T", bound="PastRun")


@_attrs_define
class PastRun:
    """A run of the history that resembles an answered configuration.

    Attributes:
        id (UUID):
        dataset (str):
        likeness (float): 1 is the same configuration.
        reached (PastRunReached): Its outcome, by objective.

    """

    id: UUID
    dataset: str
    likeness: float
    reached: PastRunReached
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        dataset = self.dataset

        likeness = self.likeness

        reached = self.reached.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "dataset": dataset,
                "likeness": likeness,
                "reached": reached,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.past_run_reached import PastRunReached

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        dataset = d.pop("dataset")

        likeness = d.pop("likeness")

        reached = PastRunReached.from_dict(d.pop("reached"))

        past_run = cls(
            id=id,
            dataset=dataset,
            likeness=likeness,
            reached=reached,
        )

        past_run.additional_properties = d
        return past_run

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
