"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from httpx_retries import Retry

from forerun_client import calls
from forerun_client.calls import Answer, Call, Posted
from forerun_client.connection import Address, connect, retry
from forerun_client.courier import Courier
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
from forerun_client.spool import MAX_BYTES, Spool, default_directory
from forerun_client.values import Json, chunks

LINGER_SECONDS = 5.0
"""What a process waits at its end for runs under way; what is not delivered then stays on disk."""
REFIT_SECONDS = 600.0


class Forerun:
    """A connection to the service; safe to share between threads.

    `post*` and questions wait for the service, with retries. `submit` and `run` never do: what they are given is on
    disk when they return, and a thread takes it to the service; in a forked process too, where everything else wants a
    client of its own.

    Every operation of the service is in `forerun_client.generated.api`, to be called with `client.api`.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        spool: Path | str | None = None,
        max_spool_bytes: int = MAX_BYTES,
        retries: Retry | None = None,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self.address = Address.of(url, key)
        self._http = connect(self.address, retries or retry())
        self.api = AuthenticatedClient(self.address.url, token="").set_httpx_client(self._http)
        self.spool = Spool(Path(spool) if spool else default_directory(self.address.url), max_spool_bytes)
        self._courier = Courier(self.spool, self.address, linger_seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Deliver what was submitted, if that is possible soon, and let go of the connections."""
        self._courier.close()
        self._http.close()

    # ---------------------------------------------------------------- without waiting

    def run(
        self,
        project: str = "default",
        *,
        dataset: str | Mapping[str, Any],
        hyperparameters: Mapping[str, Any] | None = None,
        architecture: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        fidelity: Mapping[str, Any] | None = None,
        recommendation_id: UUID | str | None = None,
        run_id: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Run:
        """A context manager around a training, which is submitted at its end. Raises TypeError for what is not JSON."""
        given = {
            "project": project,
            "dataset": dataset,
            "hyperparameters": hyperparameters or {},
            "architecture": architecture or {},
            "fidelity": fidelity or {},
            "recommendation_id": recommendation_id,
            "run_id": run_id,
            "tags": tags or {},
        }
        return Run(calls.complete(given), self.submit, environment or {})

    def submit(self, run: Mapping[str, Any]) -> str:
        """Put a run on disk, to be posted in the background; its `run_id`. Raises SpoolFull, TypeError."""
        complete = calls.complete(run)
        self.spool.append(calls.line(complete))
        self._courier.wake()
        return str(complete["run_id"])

    def flush(self, wait_seconds: float = 60.0) -> int:
        """Post all that is spooled, now; how many runs were delivered.

        Raises: Busy if another process is at it for longer than `wait_seconds`; Refused, httpx.TransportError.
        """
        return self._courier.deliver(wait_seconds)

    # ---------------------------------------------------------------- waiting for the answer

    def post(self, run: Mapping[str, Any]) -> RunReceipt:
        return self._ask(calls.post_run(run))

    def post_many(self, runs: Iterable[Mapping[str, Any]]) -> Posted:
        """Any number of runs, a thousand in a request; one that is not valid does not keep the others out."""
        posted, n_sent = Posted(), 0
        for chunk in chunks(map(calls.complete, runs), calls.BATCH):
            posted.add(self._ask(calls.post_lines(map(calls.line, chunk))), n_sent)
            n_sent += len(chunk)
        return posted

    def get_run(self, run: UUID | str) -> RunRecord:
        return self._ask(calls.get_run(run))

    def recommend(self, **question: Any) -> Recommendation:
        """What to train next: `project`, `dataset`, `search_space`, `objectives` and more, as the service has them."""
        return self._ask(calls.recommend(question))

    def recommendation(self, recommendation_id: UUID | str) -> RecommendationRecord:
        """A stored answer, with the runs that followed it: predicted against realised."""
        return self._ask(calls.recommendation(recommendation_id))

    def put_dataset(self, project: str, name: str, meta_features: Mapping[str, Any]) -> DatasetRecord:
        return self._ask(calls.put_dataset(project, name, meta_features))

    def put_project(self, name: str, **settings: Any) -> Project:
        return self._ask(calls.put_project(name, settings))

    def refit(self, project: str = "default", *, wait_seconds: float = REFIT_SECONDS) -> Refit:
        """Ask for a refit and wait for its end. Raises RefitFailed."""
        refit = self._ask(calls.request_refit(project))
        started, pause = time.monotonic(), 0.1
        while not calls.is_over(refit, time.monotonic() - started, wait_seconds):
            time.sleep(pause)
            pause = min(1.5 * pause, 2.0)
            refit = self._ask(calls.get_refit(refit.id))
        return refit

    def _ask(self, call: Call[Answer]) -> Answer:
        answer: Json = self._http.request(call.method, call.path, **call.arguments()).json()
        return call.read(answer)
