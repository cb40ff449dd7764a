from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.audit_event_what import AuditEventWhat, check_audit_event_what

if TYPE_CHECKING:
    from ..models.audit_event_details import AuditEventDetails


T = TypeVar("T", bound="AuditEvent")


@_attrs_define
class AuditEvent:
    """One thing that was done.

    Attributes:
        id (UUID):
        at (datetime.datetime):
        who (str): The id of a key; `local`: without a key; `worker`: by itself.
        what (AuditEventWhat):
        subject (str): The id of the key, meta-learner or run that it was done to.
        project (None | str): Whose that is.
        details (AuditEventDetails): What else is worth knowing later.

    """

    id: UUID
    at: datetime.datetime
    who: str
    what: AuditEventWhat
    subject: str
    project: str | None
    details: AuditEventDetails
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        at = self.at.isoformat()

        who = self.who

        what: str = self.what

        subject = self.subject

        project: str | None
        project = self.project

        details = self.details.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "at": at,
                "who": who,
                "what": what,
                "subject": subject,
                "project": project,
                "details": details,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.audit_event_details import AuditEventDetails

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        at = datetime.datetime.fromisoformat(d.pop("at"))

        who = d.pop("who")

        what = check_audit_event_what(d.pop("what"))

        subject = d.pop("subject")

        def _parse_project(data: object) -> str | None:
            if data is None:
                return data
            return cast("None | str", data)

        project = _parse_project(d.pop("project"))

        details = AuditEventDetails.from_dict(d.pop("details"))

        audit_event = cls(
            id=id,
            at=at,
            who=who,
            what=what,
            subject=subject,
            project=project,
            details=details,
        )

        audit_event.additional_properties = d
        return audit_event

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
