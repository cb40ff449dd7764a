"""Members of a refit that wait to be fitted, by the process that runs the refit or by any worker that helps it.

    waiting ──take──▶ here                         the refit's own process fits it
       └────help────▶ elsewhere ──finish──▶ done   a helper does, and shows that it lives
                          └────take──▶ here        it went silent: its member is taken back, what it makes is dropped

Rows are gone when the refit has what it needs. They are not the truth about anything: a refit whose process dies begins
anew, with members of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Member:
    """A member to fit, taken by a helper."""

    id: int
    input_id: int
    job: bytes


_PUT_INPUT: Final = text("INSERT INTO refit_inputs (refit_id, content) VALUES (:refit_id, :content) RETURNING id")
_OFFER: Final = text("""
    INSERT INTO refit_members (refit_id, input_id, job) VALUES (:refit_id, :input_id, :job) RETURNING id
""")
_TAKE: Final = text("""
    UPDATE refit_members SET state = 'here' WHERE id = :id AND (state = 'waiting'
        OR state = 'elsewhere' AND heartbeat_at < now() - make_interval(secs => CAST(:silence AS double precision)))
""")
_HELP: Final = text("""
    UPDATE refit_members SET state = 'elsewhere', heartbeat_at = now() WHERE id = (
        SELECT refit_members.id FROM refit_members JOIN refits ON refits.id = refit_id
        WHERE refit_id = :refit_id AND refits.state = 'running' AND refit_members.state = 'waiting'
        ORDER BY refit_members.id DESC LIMIT 1 FOR UPDATE OF refit_members SKIP LOCKED
    ) RETURNING id, input_id, job
""")
_ANY_WAITS: Final = text("""
    SELECT EXISTS (SELECT FROM refit_members WHERE refit_id = :refit_id AND state = 'waiting')
""")
_BEAT: Final = text("UPDATE refit_members SET heartbeat_at = now() WHERE id = :id AND state = 'elsewhere'")
_FINISH: Final = text(
    "UPDATE refit_members SET state = 'done', content = :content WHERE id = :id AND state = 'elsewhere'"
)
_RESULT: Final = text("SELECT content FROM refit_members WHERE id = :id AND state = 'done'")
_INPUT: Final = text("SELECT content FROM refit_inputs WHERE id = :id")
_CLEAR: Final = text("DELETE FROM refit_inputs WHERE refit_id = :refit_id")
_CLEAR_ENDED: Final = text("DELETE FROM refit_inputs USING refits WHERE refits.id = refit_id AND state <> 'running'")


async def put_input(connection: AsyncConnection, refit_id: UUID, content: bytes) -> int:
    """What several members are fitted to; its id."""
    return int((await connection.execute(_PUT_INPUT, {"refit_id": refit_id, "content": content})).scalar_one())


async def get_input(connection: AsyncConnection, input_id: int) -> bytes | None:
    """None where the refit has ended."""
    found = await connection.scalar(_INPUT, {"id": input_id})
    return None if found is None else bytes(found)


async def offer(connection: AsyncConnection, refit_id: UUID, input_id: int, job: bytes) -> int:
    """Let a member wait for whoever comes first; its id."""
    given = {"refit_id": refit_id, "input_id": input_id, "job": job}
    return int((await connection.execute(_OFFER, given)).scalar_one())


async def take(connection: AsyncConnection, member_id: int, silence_seconds: float) -> bool:
    """Whether the refit's own process is to fit it: nobody else does, or shows no life."""
    taken = await connection.execute(_TAKE, {"id": member_id, "silence": silence_seconds})
    return taken.rowcount > 0


async def help_with(connection: AsyncConnection, refit_id: UUID) -> Member | None:
    """Take the last member that waits (the refit's own process begins with the first); None where none does."""
    row = (await connection.execute(_HELP, {"refit_id": refit_id})).one_or_none()
    return None if row is None else Member(row.id, row.input_id, bytes(row.job))


async def any_waits(connection: AsyncConnection, refit_id: UUID) -> bool:
    """Whether there is anything to help with."""
    return bool(await connection.scalar(_ANY_WAITS, {"refit_id": refit_id}))


async def beat(connection: AsyncConnection, member_id: int) -> bool:
    """Show that the helper lives; whether what it makes is still wanted."""
    return (await connection.execute(_BEAT, {"id": member_id})).rowcount > 0


async def finish(connection: AsyncConnection, member_id: int, content: bytes) -> None:
    """What a helper made; dropped where it is no longer wanted."""
    await connection.execute(_FINISH, {"id": member_id, "content": content})


async def result(connection: AsyncConnection, member_id: int) -> bytes | None:
    """What a helper made, once it has."""
    found = await connection.scalar(_RESULT, {"id": member_id})
    return None if found is None else bytes(found)


async def clear(connection: AsyncConnection, refit_id: UUID) -> None:
    """Nobody is to fit any member of the refit any more."""
    await connection.execute(_CLEAR, {"refit_id": refit_id})


async def clear_ended(connection: AsyncConnection) -> None:
    """What refits left whose processes died."""
    await connection.execute(_CLEAR_ENDED)
