"""The story of a refit that several workers share: its members wait in the database for whoever fits them first.

The refit's own process fits from the front, helpers from the back. A helper that dies or falls silent loses its member
to the refit's own process, so the worst that help can do is to be no help. Which of them fitted a member cannot be told
from what comes out: every member is fitted on one thread from the same bytes.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from uuid import UUID

import numpy as np
from catboost import CatBoostRegressor

from app.config import Settings
from app.learn.boosting import fit_member
from app.learn.cbm import model_from_bytes, model_to_bytes
from app.learn.train import PoolOf, side_by_side
from app.space.columns import BoolArray, Float32Array, FloatArray
from app.store import jobs, members
from app.store.database import Database
from app.store.refits import Attempt

log = logging.getLogger(__name__)
T = TypeVar("T")

SHARED_FROM: Final = 20_000
"""Rows from which a member takes seconds, and so is worth telling others of."""
HELPERS: Final = 8
LOOK_SECONDS: Final = 0.2


class SharedPool(Executor):
    """Where `fit_members` has members fitted; large ones are offered to helpers. Used from a thread, not the loop."""

    def __init__(
        self, database: Database, attempt: Attempt, settings: Settings, loop: asyncio.AbstractEventLoop, own: Executor
    ) -> None:
        self._database, self._attempt, self._settings = database, attempt, settings
        self._loop, self._own = loop, own
        self._input: tuple[Float32Array, int] | None = None

    def submit(self, function: Callable[..., T], /, *arguments: Any, **options: Any) -> Future[T]:
        if function is not fit_member or len(arguments[0]) < SHARED_FROM:
            return self._own.submit(function, *arguments, **options)
        X, z, kept = arguments
        member_id = self._now(self._offer(X, _job(z, kept, options)))
        return self._own.submit(self._fitted, member_id, function, arguments, options)

    def _fitted(
        self, member_id: int, function: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Here, unless somebody else has it and goes on showing life."""
        while not self._now(self._take(member_id)):
            if (content := self._now(self._result(member_id))) is not None:
                return model_from_bytes(content)
            time.sleep(LOOK_SECONDS)
        return function(*arguments, **options)

    async def _offer(self, X: Float32Array, job: bytes) -> int:
        refit_id = self._attempt.refit_id
        async with self._database.transaction() as connection:
            if self._input is None or self._input[0] is not X:
                self._input = X, await members.put_input(connection, refit_id, _packed(X=X))
            member_id = await members.offer(connection, refit_id, self._input[1], job)
            await jobs.ring_for_help(connection, refit_id, HELPERS)
        return member_id

    async def _take(self, member_id: int) -> bool:
        async with self._database.transaction() as connection:
            return await members.take(connection, member_id, self._settings.refit_lease_seconds)

    async def _result(self, member_id: int) -> bytes | None:
        async with self._database.snapshot() as connection:
            return await members.result(connection, member_id)

    async def clear(self) -> None:
        async with self._database.transaction() as connection:
            await members.clear(connection, self._attempt.refit_id)

    def _now(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def shared(database: Database, attempt: Attempt, settings: Settings, loop: asyncio.AbstractEventLoop) -> PoolOf:
    """In the place of `side_by_side`: fits side by side here, and elsewhere where somebody helps."""

    @contextmanager
    def pool(threads: int) -> Iterator[Executor]:
        with side_by_side(threads) as own:
            everywhere = SharedPool(database, attempt, settings, loop, own)
            try:
                yield everywhere
            finally:
                asyncio.run_coroutine_threadsafe(everywhere.clear(), loop).result()

    return pool


# ---------------------------------------------------------------- helping


async def help_with(database: Database, refit_id: UUID, settings: Settings) -> int:
    """Fit members of a refit until none waits; how many."""
    n_fitted, known = 0, dict[int, Float32Array]()
    with ThreadPoolExecutor(1) as thread:
        while await _help_once(database, refit_id, settings, known, thread):
            n_fitted += 1
    return n_fitted


async def _help_once(
    database: Database, refit_id: UUID, settings: Settings, known: dict[int, Float32Array], thread: Executor
) -> bool:
    async with database.transaction() as connection:
        member = await members.help_with(connection, refit_id)
        if member is None:
            return False
        if member.input_id not in known:
            content = await members.get_input(connection, member.input_id)
            if content is None:
                return False
            known.clear()
            known[member.input_id] = _unpacked(content)["X"]
    fitting = asyncio.get_running_loop().run_in_executor(thread, _fit, known[member.input_id], member.job)
    while not (await asyncio.wait([fitting], timeout=settings.refit_heartbeat_seconds))[0]:
        async with database.transaction() as connection:
            if not await members.beat(connection, member.id):
                break  # it is fitted to its end all the same: a thread cannot be interrupted
    content = await fitting
    async with database.transaction() as connection:
        await members.finish(connection, member.id, content)
    return True


def _fit(X: Float32Array, job: bytes) -> bytes:
    arrays = _unpacked(job)
    options = json.loads(arrays["options"].tobytes())
    model: CatBoostRegressor = fit_member(X, arrays["z"], arrays["kept"], **options)
    return model_to_bytes(model)


def _job(z: FloatArray, kept: BoolArray, options: dict[str, Any]) -> bytes:
    return _packed(z=z, kept=kept, options=np.frombuffer(json.dumps(options).encode(), np.uint8))


def _packed(**arrays: np.ndarray[Any, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _unpacked(content: bytes) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
