from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.search_summary_enumeration import SearchSummaryEnumeration, check_search_summary_enumeration
from ..types import UNSET, Unset

T = TypeVar("T", bound="SearchSummary")


@_attrs_define
class SearchSummary:
    """How much of the space was looked at; never claims more than was done.

    Attributes:
        enumeration (SearchSummaryEnumeration): `exhaustive`: every configuration was scored. `exact`: proven to be the
            top without scoring each. `bounded`: the proof was not finished; `gap` bounds what may be missed. `sampled`: a
            seeded sample was scored.
        space_size (int | None | str): Number of allowed configurations; a string of digits beyond 2^53; null where it
            is infinite.
        candidates_ranked (int): Configurations that were scored.
        seed (int): The seed that was used.
        gap (float | None | Unset): With `bounded` only: most that a better score may lie above.

    """

    enumeration: SearchSummaryEnumeration
    space_size: int | str | None
    candidates_ranked: int
    seed: int
    gap: float | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        enumeration: str = self.enumeration

        space_size: int | str | None
        space_size = self.space_size

        candidates_ranked = self.candidates_ranked

        seed = self.seed

        gap: float | Unset | None
        if isinstance(self.gap, Unset):
            gap = UNSET
        else:
            gap = self.gap

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "enumeration": enumeration,
                "space_size": space_size,
                "candidates_ranked": candidates_ranked,
                "seed": seed,
            }
        )
        if gap is not UNSET:
            field_dict["gap"] = gap

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        enumeration = check_search_summary_enumeration(d.pop("enumeration"))

        def _parse_space_size(data: object) -> int | str | None:
            if data is None:
                return data
            return cast("int | None | str", data)

        space_size = _parse_space_size(d.pop("space_size"))

        candidates_ranked = d.pop("candidates_ranked")

        seed = d.pop("seed")

        def _parse_gap(data: object) -> float | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        gap = _parse_gap(d.pop("gap", UNSET))

        search_summary = cls(
            enumeration=enumeration,
            space_size=space_size,
            candidates_ranked=candidates_ranked,
            seed=seed,
            gap=gap,
        )

        search_summary.additional_properties = d
        return search_summary

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
