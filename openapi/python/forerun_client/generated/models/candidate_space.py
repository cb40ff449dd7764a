from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.candidate_space_candidates_item import CandidateSpaceCandidatesItem


T = TypeVar("T", bound="CandidateSpace")


@_attrs_define
class CandidateSpace:
    """An explicit list of configurations to rank.

    Attributes:
        candidates (list[CandidateSpaceCandidatesItem]):

    """

    candidates: list[CandidateSpaceCandidatesItem]

    def to_dict(self) -> dict[str, Any]:
        candidates = []
        for candidates_item_data in self.candidates:
            candidates_item = candidates_item_data.to_dict()
            candidates.append(candidates_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "candidates": candidates,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.candidate_space_candidates_item import CandidateSpaceCandidatesItem

        d = dict(src_dict)
        candidates = []
        _candidates = d.pop("candidates")
        for candidates_item_data in _candidates:
            candidates_item = CandidateSpaceCandidatesItem.from_dict(candidates_item_data)

            candidates.append(candidates_item)

        candidate_space = cls(
            candidates=candidates,
        )

        return candidate_space
