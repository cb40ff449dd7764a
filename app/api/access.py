"""Who gets in: one ASGI layer in front of everything, which lets nothing pass that is not listed below.

It looks at the Host and Origin of every request, and at the key of every one that is not for a public path. Which
projects a key reaches is for the endpoints: `Caller.check` for a project that is named, `Caller.reach` for what is
looked up.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem
from app.api.rates import Buckets
from app.config import Settings
from app.errors import Forbidden, ForerunError, TooManyRequests, Unauthorized
from app.flows.access import ANYBODY, Caller, Keyring
from app.store import keys
from app.web import docs, pages

PUBLIC: Final = frozenset(
    {
        *("/healthz", "/readyz", "/openapi.json"),
        *("/docs", *(f"/docs/{name}" for name in docs.ASSETS)),
        *(*pages.PATHS, *(f"/pages/{name}" for name in pages.ASSETS)),
    }
)
"""What anybody may GET, without a key: nothing of what is stored."""


class Rule(NamedTuple):
    """What a key needs."""

    scope: keys.Scope
    everywhere: bool = False
    """Whether only a key for all projects will do."""


RULES: Final[Mapping[tuple[str, str], Rule]] = {
    ("POST", "/v1/recommend"): Rule("recommend"),
    ("GET", "/v1/recommendations"): Rule("read"),
    ("GET", "/v1/outcomes"): Rule("read"),
    ("GET", "/v1/overview"): Rule("read"),
    ("POST", "/v1/runs"): Rule("ingest"),
    ("PATCH", "/v1/runs"): Rule("ingest"),
    ("GET", "/v1/runs"): Rule("read"),
    ("DELETE", "/v1/runs"): Rule("admin"),
    ("GET", "/v1/datasets"): Rule("read"),
    ("GET", "/v1/similar-datasets"): Rule("read"),
    ("PUT", "/v1/datasets"): Rule("ingest"),
    ("GET", "/v1/projects"): Rule("read"),
    ("PUT", "/v1/projects"): Rule("admin"),
    ("GET", "/v1/refits"): Rule("read"),
    ("POST", "/v1/refits"): Rule("admin"),
    ("GET", "/v1/meta-learners"): Rule("read"),
    ("POST", "/v1/meta-learners"): Rule("admin"),
    ("GET", "/v1/keys"): Rule("admin", everywhere=True),
    ("POST", "/v1/keys"): Rule("admin", everywhere=True),
    ("DELETE", "/v1/keys"): Rule("admin", everywhere=True),
    ("GET", "/v1/audit"): Rule("admin", everywhere=True),
    ("GET", "/metrics"): Rule("read", everywhere=True),
}
"""By method and resource: the path, or what stands before its third slash, so that a path of items has its list's."""
OTHERWISE: Final = Rule("admin", everywhere=True)
"""Whatever is not listed, be it there or not."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_CALLER: Final = "forerun.caller"


def rule_of(method: str, path: str) -> Rule | None:
    """What a key needs for this; None: no key is needed."""
    method = "GET" if method == "HEAD" else method
    if method == "GET" and path in PUBLIC:
        return None
    return RULES.get((method, "/".join(path.split("/", 3)[:3])), OTHERWISE)


def caller_of(scope: Scope) -> Caller:
    """Who was let in."""
    caller: Caller = scope[_CALLER]
    return caller


async def _caller(request: Request) -> Caller:
    return caller_of(request.scope)


async def _keyring(request: Request) -> Keyring:
    keyring: Keyring = request.app.state.keyring
    return keyring


CallerHandle = Annotated[Caller, Depends(_caller)]
KeyringHandle = Annotated[Keyring, Depends(_keyring)]


class Access:
    """The layer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._keys_required = settings.keys_required
        self._more_hosts = frozenset(name.strip().lower() for name in settings.allowed_hosts.split(",")) - {""}
        self._hosts = LOOPBACK | {settings.host.lower()} | self._more_hosts
        self._checks_host = settings.is_loopback or bool(self._more_hosts)
        self._buckets = Buckets(settings.rate_limit, settings.rate_burst) if settings.rate_limit else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is nothing for a websocket here
            await send({"type": "websocket.close", "code": 1008})
            return
        limits: dict[str, str] = {}
        try:
            await self._admit(scope, limits)
        except ForerunError as error:
            asks = {"WWW-Authenticate": 'Bearer realm="forerun"'} if isinstance(error, Unauthorized) else {}
            await problem(error, {**asks, **limits})(scope, receive, send)
            return
        await self.app(scope, receive, _with_headers(send, limits) if limits else send)

    async def _admit(self, scope: Scope, limits: dict[str, str]) -> None:
        """Let the request pass, or raise; `limits` gets the headers that tell of the key's limit."""
        given = _Given([], [], [])
        for name, value in scope["headers"]:  # once: of Starlette's look-ups each walks all of them
            if (values := given.get(name)) is not None:
                values.append(value.decode("latin-1"))
        self._check_host(given)
        self._check_origin(given)
        rule = rule_of(scope["method"], scope["path"])
        if rule is None:
            return
        caller = await self._identify(given, scope)
        scope[_CALLER] = caller
        if self._buckets is not None:
            taken = self._buckets.take(caller.who, time.monotonic())
            limits.update(taken.headers)
            if not taken.allowed:
                message = "this key makes more requests than it may"
                raise TooManyRequests(message, retry_after_seconds=taken.retry_after_seconds)
        _check_rule(rule, caller)

    def at_once(self, method: str, path: str, headers: Mapping[bytes, bytes], keyring: Keyring) -> Caller | None:
        """Who makes a request, where that is known already, and nothing speaks against it; else None, as for items."""
        host, rule = headers.get(b"host", b"").decode("latin-1"), RULES.get((method, path))
        if b"origin" in headers or self._buckets is not None or rule is None or not self._is_known_by(host):
            return None
        bearer = _bearer(headers[b"authorization"].decode("latin-1")) if b"authorization" in headers else ""
        caller = keyring.at_once(bearer) if self._is_key(bearer) else ANYBODY
        return caller if caller is not None and caller.may(rule.scope) and not rule.everywhere else None

    def _is_key(self, bearer: str) -> bool:
        """Whether what was sent has to be a key: where none is asked for, one that is sent is still looked at."""
        return self._keys_required or bearer.startswith("fr_")

    async def _identify(self, given: _Given, scope: Scope) -> Caller:
        bearer = _bearer(given.authorizations[0]) if len(given.authorizations) == 1 else ""
        if not self._is_key(bearer):
            return ANYBODY
        if not bearer:
            raise Unauthorized("a key is needed: `Authorization: Bearer fr_...`; /docs tells more")
        keyring: Keyring = scope["app"].state.keyring
        return await keyring.caller(bearer)

    def _check_host(self, given: _Given) -> None:
        """A page of another site, whose name was made to point at this machine, gives itself away by that name."""
        if self._checks_host and (len(given.hosts) != 1 or not self._is_known_by(given.hosts[0])):
            raise Forbidden("this service is not known by the name in the Host header; see FORERUN_ALLOWED_HOSTS")

    def _is_known_by(self, host: str) -> bool:
        return not self._checks_host or _name_of(host) in self._hosts

    def _check_origin(self, given: _Given) -> None:
        """Pages of other sites may not use the service in the name of whoever looks at them."""
        for origin in given.origins:
            authority = origin.lower().partition("://")[2]
            host = given.hosts[0].lower() if given.hosts else ""
            if authority != host and _name_of(authority) not in self._more_hosts:
                raise Forbidden("this service does not answer the pages of other sites")


def _bearer(authorization: str) -> str:
    kind, _, text = authorization.partition(" ")
    return text.strip() if kind.lower() == "bearer" else ""


class _Given(NamedTuple):
    """The headers that tell who may pass."""

    hosts: list[str]
    origins: list[str]
    authorizations: list[str]

    def get(self, name: bytes) -> list[str] | None:
        index = _HEADERS.get(name)
        return None if index is None else self[index]


_HEADERS: Final = {b"host": 0, b"origin": 1, b"authorization": 2}


def _check_rule(rule: Rule, caller: Caller) -> None:
    if not caller.may(rule.scope):
        raise Forbidden(f"this needs a key with the scope {rule.scope!r}")
    if rule.everywhere and caller.projects is not None:
        raise Forbidden("this needs a key that is not limited to projects")


@lru_cache(256)  # a client says the same with each request
def _name_of(authority: str) -> str | None:
    """The host of `host:port`, without the brackets of an IPv6 address."""
    try:
        return urlsplit(f"//{authority}").hostname
    except ValueError:
        return None


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(headers)
        await send(message)

    return send_with_headers
