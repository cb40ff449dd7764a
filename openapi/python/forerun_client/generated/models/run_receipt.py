from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.run_receipt_status import RunReceiptStatus, check_run_receipt_status

T = TypeVar("T", bound="RunReceipt")


@_attrs_define
class RunReceipt:
    """A run is stored: by this request, or by an earlier one with the same `run_id` and body.

    Attributes:
        id (UUID): Names the run in paths.
        run_id (str): The client's key, or the one made for it.
        status (RunReceiptStatus):

    """

    id: UUID
    run_id: str
    status: RunReceiptStatus
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        run_id = self.run_id

        status: str = self.status

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "run_id": run_id,
                "status": status,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        id = UUID(d.pop("id"))

        run_id = d.pop("run_id")

        status = check_run_receipt_status(d.pop("status"))

        run_receipt = cls(
            id=id,
            run_id=run_id,
            status=status,
        )

        run_receipt.additional_properties = d
        return run_receipt

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
