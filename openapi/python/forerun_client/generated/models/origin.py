from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="Origin")


@_attrs_define
class Origin:
    """Where a score comes from, in normal quantiles.

    Attributes:
        history (float): What the history says of such configurations.
        own_runs (float): What the dataset's own runs changed.
        doubt_removed (float): Share of the doubt about this configuration that own runs took away.

    """

    history: float
    own_runs: float
    doubt_removed: float
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        history = self.history

        own_runs = self.own_runs

        doubt_removed = self.doubt_removed

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "history": history,
                "own_runs": own_runs,
                "doubt_removed": doubt_removed,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        history = d.pop("history")

        own_runs = d.pop("own_runs")

        doubt_removed = d.pop("doubt_removed")

        origin = cls(
            history=history,
            own_runs=own_runs,
            doubt_removed=doubt_removed,
        )

        origin.additional_properties = d
        return origin

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
