from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RefitPolicy")


@_attrs_define
class RefitPolicy:
    """When the worker refits by itself. An absent field follows the service's own setting.

    Attributes:
        automatic (bool | Unset): Whether the worker refits by itself at all. Default: True.
        min_new_runs (int | None | Unset): Fewest new finished runs that start a refit.

    """

    automatic: bool | Unset = True
    min_new_runs: int | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        automatic = self.automatic

        min_new_runs: int | Unset | None
        if isinstance(self.min_new_runs, Unset):
            min_new_runs = UNSET
        else:
            min_new_runs = self.min_new_runs

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if automatic is not UNSET:
            field_dict["automatic"] = automatic
        if min_new_runs is not UNSET:
            field_dict["min_new_runs"] = min_new_runs

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        automatic = d.pop("automatic", UNSET)

        def _parse_min_new_runs(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        min_new_runs = _parse_min_new_runs(d.pop("min_new_runs", UNSET))

        refit_policy = cls(
            automatic=automatic,
            min_new_runs=min_new_runs,
        )

        return refit_policy
