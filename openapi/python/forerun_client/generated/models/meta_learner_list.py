from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.meta_learner import MetaLearner


T = TypeVar("T", bound="MetaLearnerList")


@_attrs_define
class MetaLearnerList:
    """A page of the meta-learners of a project, newest first.

    Attributes:
        meta_learners (list[MetaLearner]):
        next_cursor (None | str): Where the next page begins; null on the last.

    """

    meta_learners: list[MetaLearner]
    next_cursor: str | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        meta_learners = []
        for meta_learners_item_data in self.meta_learners:
            meta_learners_item = meta_learners_item_data.to_dict()
            meta_learners.append(meta_learners_item)

        next_cursor: str | None
        next_cursor = self.next_cursor

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "meta_learners": meta_learners,
                "next_cursor": next_cursor,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.meta_learner import MetaLearner

        d = dict(src_dict)
        meta_learners = []
        _meta_learners = d.pop("meta_learners")
        for meta_learners_item_data in _meta_learners:
            meta_learners_item = MetaLearner.from_dict(meta_learners_item_data)

            meta_learners.append(meta_learners_item)

        def _parse_next_cursor(data: object) -> str | None:
            if data is None:
                return data
            return cast("None | str", data)

        next_cursor = _parse_next_cursor(d.pop("next_cursor"))

        meta_learner_list = cls(
            meta_learners=meta_learners,
            next_cursor=next_cursor,
        )

        meta_learner_list.additional_properties = d
        return meta_learner_list

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
