"""What is said about keys and the audit record, in requests and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue

from app.api.schemas import Answer
from app.store.audit import What
from app.store.keys import Scope
from app.types import WHOLE, Name, Noun

KEY_ID = "0199f1c4-1e22-7b3d-9f60-5ac1d0e7b811"


class KeyRequest(Noun):
    """A key to be made."""

    name: Name = Field(description="Whose it is, or what for.", examples=["cluster7"])
    scopes: list[Scope] = Field(
        min_length=1,
        max_length=4,
        description="`ingest`: post and amend runs, describe datasets. `recommend`: ask. `read`: look at all there is. "
        "`admin`: everything.",
    )
    projects: Annotated[list[Name], Field(min_length=1, max_length=100)] | None = Field(
        default=None, description="The only projects that it is for; null: every project.", examples=[["demo"]]
    )
    expires_in_days: Annotated[int, Field(ge=1, le=3650), WHOLE] | None = Field(
        default=None, description="How long it is good; null: until it is revoked.", examples=[90]
    )


class Key(Answer):
    """A key as it is known afterwards."""

    id: UUID
    name: str = Field(examples=["cluster7"])
    prefix: str = Field(description="How the key begins, to recognise it by.", examples=["fr_5b1f0c9d22aa"])
    scopes: list[Scope]
    projects: list[str] | None = Field(description="The only projects that it is for; null: every project.")
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class NewKey(Key):
    """A key that was just made, with its text, which is shown this once."""

    key: str = Field(description="To be sent as `Authorization: Bearer <key>`.")


class KeyList(Answer):
    """A page of keys, newest first."""

    keys: list[Key]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


class AuditEvent(Answer):
    """One thing that was done."""

    id: UUID
    at: datetime
    who: str = Field(description="The id of a key; `local`: without a key; `worker`: by itself.", examples=[KEY_ID])
    what: What
    subject: str = Field(description="The id of the key, meta-learner or run that it was done to.")
    project: str | None = Field(description="Whose that is.", examples=["demo"])
    details: dict[str, JsonValue] = Field(description="What else is worth knowing later.")


class AuditPage(Answer):
    """A page of the audit record, newest first."""

    events: list[AuditEvent]
    next_cursor: str | None = Field(description="Where the next page begins; null on the last.")


# ---------------------------------------------------------------- examples

REQUEST: dict[str, Any] = {
    "name": "cluster7",
    "scopes": ["ingest", "recommend"],
    "projects": ["demo"],
    "expires_in_days": 90,
}
KEY: dict[str, Any] = {
    "id": KEY_ID,
    "name": "cluster7",
    "prefix": "fr_5b1f0c9d22aa",
    "scopes": ["ingest", "recommend"],
    "projects": ["demo"],
    "created_at": "2026-03-02T09:12:03Z",
    "expires_at": "2026-05-31T09:12:03Z",
    "revoked_at": None,
    "last_used_at": None,
}
NEW_KEY: dict[str, Any] = {"key": "fr_5b1f0c9d22aa_" + "x" * 43, **KEY}
EVENT: dict[str, Any] = {
    "id": "0199f1c4-1e23-7c11-8d02-bb3f9a6d4470",
    "at": "2026-03-02T09:12:03Z",
    "who": "local",
    "what": "key_created",
    "subject": KEY_ID,
    "project": None,
    "details": {"name": "cluster7", "prefix": "fr_5b1f0c9d22aa", "scopes": ["ingest", "recommend"]},
}
