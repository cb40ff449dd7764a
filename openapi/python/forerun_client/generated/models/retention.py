from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Retention")


@_attrs_define
class Retention:
    """How long raw runs are kept. What they taught stays; runs that followed a recommendation are kept themselves.

    Attributes:
        keep_raw_days (int | None | Unset): Days after its last change from which a worker may delete a finished run,
            once it is folded into a segment, from which refits go on learning. Its `run_id` may then be used again. Null:
            runs are kept.
        keep_latest (int | Unset): Latest runs of each dataset that are kept all the same: they sharpen its next answer.
            Default: 1000.

    """

    keep_raw_days: int | Unset | None = UNSET
    keep_latest: int | Unset = 1000

    def to_dict(self) -> dict[str, Any]:
        keep_raw_days: int | Unset | None
        if isinstance(self.keep_raw_days, Unset):
            keep_raw_days = UNSET
        else:
            keep_raw_days = self.keep_raw_days

        keep_latest = self.keep_latest

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if keep_raw_days is not UNSET:
            field_dict["keep_raw_days"] = keep_raw_days
        if keep_latest is not UNSET:
            field_dict["keep_latest"] = keep_latest

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_keep_raw_days(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        keep_raw_days = _parse_keep_raw_days(d.pop("keep_raw_days", UNSET))

        keep_latest = d.pop("keep_latest", UNSET)

        retention = cls(
            keep_raw_days=keep_raw_days,
            keep_latest=keep_latest,
        )

        return retention
