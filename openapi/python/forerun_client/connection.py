"""How the service is reached: address and key, retries, and problems turned into exceptions."""

from __future__ import annotations

import os
from dataclasses import dataclass

import httpx
from httpx_retries import Retry, RetryTransport

from forerun_client.errors import Refused

DEFAULT_URL = "http://127.0.0.1:8000"
TIMEOUT = httpx.Timeout(60.0, connect=5.0)

REPEATABLE = ("GET", "PUT", "DELETE", "POST")
"""Runs carry a `run_id`, refits are coalesced, questions may be asked twice; an amendment (PATCH) might not hold."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the service is, and the key to it; by default from FORERUN_URL and FORERUN_KEY."""

    url: str
    key: str | None

    @classmethod
    def of(cls, url: str | None, key: str | None) -> Address:
        url = url or os.environ.get("FORERUN_URL") or DEFAULT_URL
        return cls(url.rstrip("/"), key or os.environ.get("FORERUN_KEY") or None)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def retry(total: int = 5, total_seconds: float = 60.0) -> Retry:
    """Again after 429, 502, 503, 504 and broken connections: in `Retry-After`, else at random within 1, 2, 4, ... s."""
    return Retry(
        total=total,
        allowed_methods=REPEATABLE,
        backoff_factor=0.5,
        max_backoff_wait=20.0,
        total_timeout=total_seconds,
    )


def connect(address: Address, policy: Retry | None) -> httpx.Client:
    """A synchronous connection pool; errors are raised as Refused. Without a policy nothing is sent twice."""
    transport: httpx.BaseTransport = httpx.HTTPTransport()
    return httpx.Client(
        base_url=address.url,
        headers=address.headers,
        timeout=TIMEOUT,
        transport=transport if policy is None else RetryTransport(transport, policy),
        event_hooks={"response": [_refuse]},
    )


def connect_async(address: Address, policy: Retry) -> httpx.AsyncClient:
    """The same, asynchronous."""
    return httpx.AsyncClient(
        base_url=address.url,
        headers=address.headers,
        timeout=TIMEOUT,
        transport=RetryTransport(httpx.AsyncHTTPTransport(), policy),
        event_hooks={"response": [_refuse_async]},
    )


def _refuse(response: httpx.Response) -> None:
    if response.is_error:
        response.read()
        raise Refused.of(response)


async def _refuse_async(response: httpx.Response) -> None:
    if response.is_error:
        await response.aread()
        raise Refused.of(response)
