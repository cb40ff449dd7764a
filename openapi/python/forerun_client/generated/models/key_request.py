from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.key_request_scopes_item import KeyRequestScopesItem, check_key_request_scopes_item
from ..types import UNSET, Unset

T = TypeVar("T", bound="KeyRequest")


@_attrs_define
class KeyRequest:
    """A key to be made.

    Attributes:
        name (str): Whose it is, or what for.
        scopes (list[KeyRequestScopesItem]): `ingest`: post and amend runs, describe datasets. `recommend`: ask. `read`:
            look at all there is. `admin`: everything.
        projects (list[str] | None | Unset): The only projects that it is for; null: every project.
        expires_in_days (int | None | Unset): How long it is good; null: until it is revoked.

    """

    name: str
    scopes: list[KeyRequestScopesItem]
    projects: list[str] | Unset | None = UNSET
    expires_in_days: int | Unset | None = UNSET

    def to_dict(self) -> dict[str, Any]:
        name = self.name

        scopes = []
        for scopes_item_data in self.scopes:
            scopes_item: str = scopes_item_data
            scopes.append(scopes_item)

        projects: list[str] | Unset | None
        if isinstance(self.projects, Unset):
            projects = UNSET
        elif isinstance(self.projects, list):
            projects = self.projects

        else:
            projects = self.projects

        expires_in_days: int | Unset | None
        if isinstance(self.expires_in_days, Unset):
            expires_in_days = UNSET
        else:
            expires_in_days = self.expires_in_days

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "name": name,
                "scopes": scopes,
            }
        )
        if projects is not UNSET:
            field_dict["projects"] = projects
        if expires_in_days is not UNSET:
            field_dict["expires_in_days"] = expires_in_days

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        name = d.pop("name")

        scopes = []
        _scopes = d.pop("scopes")
        for scopes_item_data in _scopes:
            scopes_item = check_key_request_scopes_item(scopes_item_data)

            scopes.append(scopes_item)

        def _parse_projects(data: object) -> list[str] | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError
                projects_type_0 = cast("list[str]", data)

                return projects_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("list[str] | None | Unset", data)

        projects = _parse_projects(d.pop("projects", UNSET))

        def _parse_expires_in_days(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        expires_in_days = _parse_expires_in_days(d.pop("expires_in_days", UNSET))

        key_request = cls(
            name=name,
            scopes=scopes,
            projects=projects,
            expires_in_days=expires_in_days,
        )

        return key_request
