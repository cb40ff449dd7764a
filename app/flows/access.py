"""Who may do what: API keys are made and recognised here, whichever door they are shown at.

A key is `fr_<prefix>_<secret>` with 256 random bits in its secret, so a fast hash keeps it as well as a slow one would.
What is known of a key is remembered for a few seconds, so that most requests ask nothing of the database, and a
revocation takes hold in every process within `FRESH_SECONDS` and a query. Keys that are not known are asked for
together, one query at a time: whoever makes up a thousand of them keeps one connection busy, and nobody waiting.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from app.errors import Forbidden, Unauthorized, Unavailable
from app.store import audit, keys, projects
from app.store.database import AsyncConnection, Database
from app.store.keys import Key, Scope
from app.store.reach import Reach

FRESH_SECONDS: Final = 3.0
"""How long what is known of a key is believed without asking again."""
NOTED_SECONDS: Final = 60.0
"""How often it is written that a key is in use."""
MAX_TOGETHER: Final = 1_000
"""Keys that one query asks for."""

_KEY: Final = re.compile(r"(fr_[0-9a-f]{12})_[A-Za-z0-9_-]{43}", re.ASCII)
_NO_HASH: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever makes a request, and how far that goes."""

    who: str
    """As the audit record has it: the id of a key, or `local`."""
    scopes: frozenset[str]
    projects: Mapping[str, int] | None
    """The projects that this caller may name, with their ids; None: all."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    @property
    def reach(self) -> Reach:
        return None if self.projects is None else tuple(self.projects.values())

    def reaches(self, project: str) -> bool:
        """Whether a project is the caller's."""
        return self.projects is None or project in self.projects

    def check(self, project: str) -> None:
        """Raises: Forbidden for a project that is not the caller's, whether or not there is one of that name."""
        if not self.reaches(project):
            raise Forbidden(f"this key is not one for project {project!r}")


ANYBODY: Final = Caller(audit.LOCAL, frozenset({"admin"}), None)
"""Who calls where no keys are asked for."""


# ---------------------------------------------------------------- making keys


async def create_key(
    connection: AsyncConnection,
    name: str,
    scopes: Collection[Scope],
    project_names: Collection[str] | None = None,
    expires_in_days: int | None = None,
    who: str = audit.LOCAL,
) -> tuple[Key, str]:
    """A new key and its text, which is nowhere kept. Projects that are not there yet are made, so as to have an id."""
    prefix = f"fr_{secrets.token_hex(6)}"
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    ids = None if project_names is None else sorted((await projects.ensure(connection, project_names)).values())
    key = await keys.insert_one(
        connection,
        name=name,
        prefix=prefix,
        hash=_hash(text),
        scopes=sorted(set(scopes)),
        project_ids=ids,
        expires_at=None if expires_in_days is None else datetime.now(UTC) + timedelta(days=expires_in_days),
        who=who,
    )
    return key, text


def _hash(text: str) -> bytes:
    return sha256(text.encode("ascii")).digest()


# ---------------------------------------------------------------- recognising them


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database said of a prefix, and when it was asked."""

    asked_at: float
    hash: bytes = _NO_HASH
    key_id: UUID | None = None
    caller: Caller | None = None
    """None: this key opens nothing (any more)."""
    expires_at: float = float("inf")


def _known(key: Key, names: Mapping[int, str], asked_at: float) -> _Known:
    limited = None if key.project_ids is None else {names[project_id]: project_id for project_id in key.project_ids}
    caller = Caller(str(key.id), frozenset(key.scopes), limited) if key.revoked_at is None else None
    expires_at = float("inf") if key.expires_at is None else key.expires_at.timestamp()
    return _Known(asked_at, bytes(key.hash), key.id, caller, expires_at)


class Keyring:
    """The keys that this process has seen lately."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, _Known] = {}  # of keys that are there: made-up ones leave nothing behind
        self._awaited: dict[str, asyncio.Future[_Known | Exception]] = {}
        self._unasked: list[str] = []
        self._asking: asyncio.Task[None] | None = None
        self._noted: dict[UUID, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def caller(self, text: str) -> Caller:
        """Whose key this is. Raises: Unauthorized, in the same words whatever is wrong with it; Unavailable."""
        shape = _KEY.fullmatch(text)
        known = await self._about(shape[1]) if shape else _Known(0.0)
        caller = self._caller(known, text if shape else None)
        if caller is None:
            raise Unauthorized("this key is not valid: it is not one of this service, has expired or was revoked")
        return caller

    def at_once(self, text: str) -> Caller | None:
        """The same where nothing has to be asked; None where that is needed, and for what is no key."""
        shape = _KEY.fullmatch(text)
        known = self._fresh(shape[1]) if shape else None
        return None if known is None else self._caller(known, text)

    def _caller(self, known: _Known, text: str | None) -> Caller | None:
        same = hmac.compare_digest(known.hash, b"" if text is None else _hash(text))
        if not same or known.caller is None or known.expires_at <= time.time():
            return None
        self._note_use(known)
        return known.caller

    def forget(self, prefix: str) -> None:
        """Ask again at the next request: the key was changed."""
        self._known.pop(prefix, None)

    async def close(self) -> None:
        """Wait for what is being asked and written."""
        await asyncio.gather(*self._notes, *([self._asking] if self._asking else []), return_exceptions=True)

    async def _about(self, prefix: str) -> _Known:
        if (known := self._fresh(prefix)) is not None:
            return known
        if prefix not in self._awaited:  # however many requests come with it at a time, it is asked for once
            self._awaited[prefix] = asyncio.get_running_loop().create_future()
            self._unasked.append(prefix)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        answer = await asyncio.shield(self._awaited[prefix])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _fresh(self, prefix: str) -> _Known | None:
        known = self._known.get(prefix)
        return known if known is not None and time.monotonic() - known.asked_at < FRESH_SECONDS else None

    async def _ask(self) -> None:
        """Query after query, each for all the prefixes that came up during the one before."""
        while self._unasked:
            prefixes, self._unasked = self._unasked[:MAX_TOGETHER], self._unasked[MAX_TOGETHER:]
            try:
                found: Mapping[str, _Known | Exception] = await self._read(prefixes)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the waiting requests' to raise
                prefixes, self._unasked = prefixes + self._unasked, []  # nobody waits for the same failure again
                found = {prefix: self._without_database(prefix, error) for prefix in prefixes}
            for prefix in prefixes:
                self._awaited.pop(prefix).set_result(found[prefix])

    def _without_database(self, prefix: str, error: Exception) -> _Known | Exception:
        """While there is no database nobody can revoke a key either, and recommendations are still answered."""
        known = self._known.get(prefix)
        if known is None or not isinstance(error, Unavailable):
            return error
        self._known[prefix] = replace(known, asked_at=time.monotonic())
        return self._known[prefix]

    async def _read(self, prefixes: Sequence[str]) -> dict[str, _Known]:
        asked_at = time.monotonic()
        async with self._database.transaction() as connection:
            found = await keys.find_by_prefixes(connection, prefixes)
            limited = {project_id for key in found for project_id in key.project_ids or ()}
            names = await projects.names(connection, limited) if limited else {}
        known = {key.prefix: _known(key, names, asked_at) for key in found}
        for prefix in prefixes:
            self._known.pop(prefix, None)
        self._known.update(known)
        return {prefix: known.get(prefix) or _Known(asked_at) for prefix in prefixes}

    def _note_use(self, known: _Known) -> None:
        """At most once a minute, and beside the request rather than in it."""
        now = time.monotonic()
        if known.key_id is None or now - self._noted.get(known.key_id, float("-inf")) < NOTED_SECONDS:
            return
        self._noted[known.key_id] = now
        note = asyncio.create_task(self._write_use(known.key_id))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _write_use(self, key_id: UUID) -> None:
        with suppress(Unavailable):
            async with self._database.transaction() as connection:
                await keys.note_use(connection, key_id)
