"""Keys from their making to their end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.errors import Unauthorized, Unavailable
from app.flows import access
from app.flows.access import ANYBODY, Keyring, create_key
from app.store import keys
from app.store.database import Database

REQUEST = {"name": "cluster7", "scopes": ["read", "ingest", "read"], "projects": ["demo", "new"], "expires_in_days": 9}


async def test_a_key_is_shown_once_and_kept_as_a_hash(app: FastAPI, client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/keys", json=REQUEST)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    text = made.pop("key")
    assert text.startswith(made["prefix"] + "_")
    assert len(text.removeprefix(made["prefix"] + "_")) == 43  # 256 bits
    assert (made["scopes"], made["projects"]) == (["ingest", "read"], ["demo", "new"])
    expires_at = datetime.fromisoformat(made["expires_at"])
    assert timedelta(days=8) < expires_at - datetime.now(UTC) < timedelta(days=10)
    listed = await client.get("/v1/keys")
    assert listed.json() == {"keys": [made], "next_cursor": None}
    assert text.removeprefix(made["prefix"] + "_") not in listed.text
    async with app.state.database.snapshot() as connection:
        (stored,) = await keys.find_by_prefixes(connection, [made["prefix"]])
    assert bytes(stored.hash) == sha256(text.encode()).digest()
    assert text not in repr(stored)


async def test_no_two_keys_are_alike(database: Database) -> None:
    async with database.transaction() as connection:
        made = [await create_key(connection, "same", ["read"]) for _ in range(20)]
    assert len({text for _, text in made}) == len({key.prefix for key, _ in made}) == 20


@pytest.mark.parametrize(
    "change",
    [{"scopes": []}, {"scopes": ["all"]}, {"projects": []}, {"projects": [""]}, {"expires_in_days": 0}, {"name": ""},
     {"hash": "x"}],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused(client: httpx.AsyncClient, change: dict[str, Any]) -> None:
    assert (await client.post("/v1/keys", json=REQUEST | change)).status_code == 422


async def test_a_revoked_key_opens_nothing_at_once_and_the_record_says_who(client: httpx.AsyncClient) -> None:
    """A key that is sent counts, even where none is asked for."""
    admin = (await client.post("/v1/keys", json={"name": "admin", "scopes": ["admin"]})).json()
    limited = (await client.post("/v1/keys", json=REQUEST)).json()
    as_admin, as_limited = ({"Authorization": f"Bearer {made['key']}"} for made in (admin, limited))
    assert (await client.get("/v1/runs", headers=as_limited)).status_code == 200
    assert (await client.get("/v1/keys", headers=as_limited)).status_code == 403
    for _ in range(2):
        assert (await client.delete(f"/v1/keys/{limited['id']}", headers=as_admin)).status_code == 204
    assert (await client.get("/v1/runs", headers=as_limited)).status_code == 401
    events = (await client.get("/v1/audit", headers=as_admin)).json()["events"]
    assert [(event["who"], event["what"], event["subject"]) for event in events] == [
        (admin["id"], "key_revoked", limited["id"]),
        ("local", "key_created", limited["id"]),
        ("local", "key_created", admin["id"]),
    ]
    assert (await client.get("/v1/audit", params={"limit": 1})).json()["next_cursor"] is not None


async def test_deleting_a_run_is_on_record(client: httpx.AsyncClient) -> None:
    run = {"run_id": "job-1", "dataset": "iris", "state": "failed"}
    made = (await client.post("/v1/runs", json=run)).json()
    assert (await client.delete(f"/v1/runs/{made['id']}")).status_code == 204
    (event,) = (await client.get("/v1/audit")).json()["events"]
    told = {"who": "local", "what": "run_deleted", "subject": made["id"], "project": "default"}
    assert {name: event[name] for name in told} == told
    assert event["details"] == {"run_id": "job-1"}


async def test_headers_of_another_kind_do_not_matter_where_no_key_is_asked_for(client: httpx.AsyncClient) -> None:
    for header in ("Basic dTpw", "Bearer a-proxys-own", ""):
        assert (await client.get("/v1/runs", headers={"Authorization": header})).status_code == 200
    assert (await client.get("/v1/runs", headers={"Authorization": "Bearer fr_x"})).status_code == 401
    assert ANYBODY.reach is None


# ---------------------------------------------------------------- the keyring


async def made(database: Database) -> tuple[keys.Key, str]:
    async with database.transaction() as connection:
        return await create_key(connection, "ci", ["read"], ["a"])


async def test_a_revocation_elsewhere_takes_hold_within_five_seconds(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring(database)
    key, text = await made(database)
    assert (await keyring.caller(text)).projects is not None
    async with database.transaction() as connection:
        await keys.revoke(connection, key.id)
    assert access.FRESH_SECONDS < 5
    now = access.time.monotonic
    monkeypatch.setattr(access.time, "monotonic", lambda: now() + access.FRESH_SECONDS)
    with pytest.raises(Unauthorized):
        await keyring.caller(text)
    await keyring.close()


async def test_an_expiry_takes_hold_to_the_second(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring(database)
    async with database.transaction() as connection:
        key, text = await create_key(connection, "ci", ["read"], expires_in_days=1)
    await keyring.caller(text)
    assert key.expires_at is not None
    over = key.expires_at.timestamp()
    monkeypatch.setattr(access.time, "time", lambda: over)
    with pytest.raises(Unauthorized):
        await keyring.caller(text)
    await keyring.close()


async def test_many_requests_ask_once_and_use_is_noted_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, text = await made(database)
    asked, noted = [], []
    find, note = keys.find_by_prefixes, keys.note_use

    async def counting_find(connection: Any, prefixes: Any) -> Any:
        asked.extend(prefixes)
        return await find(connection, prefixes)

    async def counting_note(connection: Any, key_id: Any) -> None:
        noted.append(key_id)
        await note(connection, key_id)

    monkeypatch.setattr(keys, "find_by_prefixes", counting_find)
    monkeypatch.setattr(keys, "note_use", counting_note)
    keyring = Keyring(database)
    await asyncio.gather(*(keyring.caller(text) for _ in range(50)))
    await keyring.caller(text)
    await keyring.close()
    assert (asked, noted) == ([key.prefix], [key.id])
    async with database.snapshot() as connection:
        (stored,) = await keys.list_all(connection)
    assert stored.last_used_at is not None
    async with database.transaction() as connection:
        await keys.note_use(connection, key.id)
        (again,) = await keys.list_all(connection)
    assert again.last_used_at == stored.last_used_at  # to the minute is enough


async def test_a_known_key_stays_good_while_there_is_no_database(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring(database)
    _, text = await made(database)
    _, other = await made(database)
    await keyring.caller(text)

    async def gone(*_: object) -> None:
        raise Unavailable("gone")

    now = access.time.monotonic
    monkeypatch.setattr(access.time, "monotonic", lambda: now() + access.FRESH_SECONDS)
    monkeypatch.setattr(keys, "find_by_prefixes", gone)
    assert (await keyring.caller(text)).who
    with pytest.raises(Unavailable):
        await keyring.caller(other)
    await keyring.close()


def made_up(number: int) -> str:
    return f"fr_{number:012x}_{'x' * 43}"


async def test_made_up_keys_cost_one_query_at_a_time_and_leave_nothing_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and a good key among them does not wait for each of them."""
    _, good = await made(database)
    keyring, find = Keyring(database), keys.find_by_prefixes
    at_once, sizes = 0, []

    async def counting_find(connection: Any, prefixes: Any) -> Any:
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        sizes.append(len(prefixes))
        found = await find(connection, prefixes)
        at_once -= 1
        return found

    monkeypatch.setattr(keys, "find_by_prefixes", counting_find)
    monkeypatch.setattr(access, "MAX_TOGETHER", 100)
    asked = [keyring.caller(text) for text in (*map(made_up, range(250)), good, *map(made_up, range(250)))]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sizes == [100, 100, 51]
    assert {type(answer) for answer in answers} == {Unauthorized, access.Caller}
    assert len(keyring._known) == 1
    await keyring.close()


async def test_a_database_that_hangs_keeps_nobody_waiting_twice(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring, begun, gives_up, n_asked = Keyring(database), asyncio.Event(), asyncio.Event(), 0

    async def hang(*_: object) -> None:
        nonlocal n_asked
        n_asked += 1
        begun.set()
        await gives_up.wait()
        raise Unavailable("gone")

    monkeypatch.setattr(keys, "find_by_prefixes", hang)
    first = asyncio.create_task(keyring.caller(made_up(0)))
    await begun.wait()
    later = [asyncio.create_task(keyring.caller(made_up(number))) for number in range(1, 9)]
    await asyncio.sleep(0)
    gives_up.set()
    answers = await asyncio.gather(first, *later, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    assert n_asked == 1
    await keyring.close()


async def test_what_goes_wrong_in_the_lookup_is_told_and_the_next_one_works(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = Keyring(database)
    _, text = await made(database)

    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch:
        patch.setattr(keys, "find_by_prefixes", broken)
        with pytest.raises(RuntimeError):
            await keyring.caller(text)
    assert (await keyring.caller(text)).who
    await keyring.close()
