from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="RefitRequest")


@_attrs_define
class RefitRequest:
    """Which project to refit.

    Attributes:
        project (str | Unset):  Default: 'default'.

    """

    project: str | Unset = "default"

    def to_dict(self) -> dict[str, Any]:
        project = self.project

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if project is not UNSET:
            field_dict["project"] = project

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        project = d.pop("project", UNSET)

        refit_request = cls(
            project=project,
        )

        return refit_request
