from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.batch_result import BatchResult


T = TypeVar("T", bound="BatchReceipt")


@_attrs_define
class BatchReceipt:
    """What became of a batch.

    Attributes:
        created (int):
        duplicates (int):
        rejected (int): Runs that were not taken: invalid ones, and conflicts.
        results (list[BatchResult]): Each run of a JSON batch, in order; of a stream only the lines that were not taken.
            The faults of the first 100 rejected runs of a JSON batch are listed; of later ones it is told how many there
            are.
        results_omitted (int | Unset): Of a stream: lines that were not taken and found no place in `results`. Default:
            0.

    """

    created: int
    duplicates: int
    rejected: int
    results: list[BatchResult]
    results_omitted: int | Unset = 0
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        created = self.created

        duplicates = self.duplicates

        rejected = self.rejected

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        results_omitted = self.results_omitted

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "created": created,
                "duplicates": duplicates,
                "rejected": rejected,
                "results": results,
            }
        )
        if results_omitted is not UNSET:
            field_dict["results_omitted"] = results_omitted

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.batch_result import BatchResult

        d = dict(src_dict)
        created = d.pop("created")

        duplicates = d.pop("duplicates")

        rejected = d.pop("rejected")

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = BatchResult.from_dict(results_item_data)

            results.append(results_item)

        results_omitted = d.pop("results_omitted", UNSET)

        batch_receipt = cls(
            created=created,
            duplicates=duplicates,
            rejected=rejected,
            results=results,
            results_omitted=results_omitted,
        )

        batch_receipt.additional_properties = d
        return batch_receipt

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
