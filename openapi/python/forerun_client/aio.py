"""The asynchronous client: the same calls; the disk is waited for in a thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from httpx_retries import Retry

from forerun_client import calls
from forerun_client.calls import Answer, Call, Posted
from forerun_client.client import REFIT_SECONDS, Forerun
from forerun_client.connection import connect_async, retry
from forerun_client.generated import AuthenticatedClient
from forerun_client.generated.models import (
    DatasetRecord,
    Project,
    Recommendation,
    RecommendationRecord,
    Refit,
    RunReceipt,
    RunRecord,
)
from forerun_client.run import Run
from forerun_client.values import Json, chunks


class AsyncForerun:
    """As `Forerun`, for one event loop; `background` is the one that spools and delivers."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, retries: Retry | None = None, **background: Any
    ) -> None:
        self.background = Forerun(url, key, retries=retries, **background)
        self._http = connect_async(self.background.address, retries or retry())
        self.api = AuthenticatedClient(self.background.address.url, token="").set_async_httpx_client(self._http)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()
        await asyncio.to_thread(self.background.close)

    def run(self, project: str = "default", **given: Any) -> AsyncRun:
        """A context manager around a training, as `Forerun.run`."""
        return AsyncRun(self.background.run(project, **given))

    async def submit(self, run: Mapping[str, Any]) -> str:
        return await asyncio.to_thread(self.background.submit, run)

    async def flush(self, wait_seconds: float = 60.0) -> int:
        return await asyncio.to_thread(self.background.flush, wait_seconds)

    async def post(self, run: Mapping[str, Any]) -> RunReceipt:
        return await self._ask(calls.post_run(run))

    async def post_many(self, runs: Iterable[Mapping[str, Any]]) -> Posted:
        posted, n_sent = Posted(), 0
        for chunk in chunks(map(calls.complete, runs), calls.BATCH):
            posted.add(await self._ask(calls.post_lines(map(calls.line, chunk))), n_sent)
            n_sent += len(chunk)
        return posted

    async def get_run(self, run: UUID | str) -> RunRecord:
        return await self._ask(calls.get_run(run))

    async def recommend(self, **question: Any) -> Recommendation:
        return await self._ask(calls.recommend(question))

    async def recommendation(self, recommendation_id: UUID | str) -> RecommendationRecord:
        return await self._ask(calls.recommendation(recommendation_id))

    async def put_dataset(self, project: str, name: str, meta_features: Mapping[str, Any]) -> DatasetRecord:
        return await self._ask(calls.put_dataset(project, name, meta_features))

    async def put_project(self, name: str, **settings: Any) -> Project:
        return await self._ask(calls.put_project(name, settings))

    async def refit(self, project: str = "default", *, wait_seconds: float = REFIT_SECONDS) -> Refit:
        """Ask for a refit and wait for its end. Raises RefitFailed."""
        refit = await self._ask(calls.request_refit(project))
        started, pause = time.monotonic(), 0.1
        while not calls.is_over(refit, time.monotonic() - started, wait_seconds):
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, 2.0)
            refit = await self._ask(calls.get_refit(refit.id))
        return refit

    async def _ask(self, call: Call[Answer]) -> Answer:
        answer: Json = (await self._http.request(call.method, call.path, **call.arguments())).json()
        return call.read(answer)


class AsyncRun:
    """`async with`: the run, whose last write to disk happens beside the event loop."""

    def __init__(self, run: Run) -> None:
        self._run = run

    async def __aenter__(self) -> Run:
        return self._run.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._run.__exit__, kind, error, traceback)
