"""HTTP to the other services: one pool, a deadline for every call, problems as exceptions."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import httpx
import structlog
from httpx_aiohttp import AiohttpTransport

from services.console.api.problem import ApiAway, ApiProblem

logger = structlog.get_logger(__name__)
# Too many attempts (429) is an answer to a person; these are none at all.
_AWAY = (502, 503, 504)
_MOST_CALLS, _MOST_STREAMS = 200, 2_000
# A server of ours closes an idle connection after five: it is not to be taken up as it goes.
_IDLE_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a call is made: what its service would see of the browser itself.

    `language` is asked for by mails; `headers` go with every call.
    """

    address: str = ""
    agent: str = ""
    language: str = "en"
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_headers(self) -> dict[str, str]:
        """What the service reads them from."""
        named = {
            "x-forwarded-for": self.address,
            "user-agent": self.agent,
            "accept-language": self.language,
        }
        return {name: value for name, value in named.items() if value} | dict(self.headers)


@dataclass(frozen=True, slots=True)
class Answer:
    """A success: the parsed body, None without one."""

    body: Any
    headers: Mapping[str, str]


class Apis:
    """The other services.

    Args:
        urls: base URL of each, by name.
        seconds: deadline of a call.
        transport: how they are reached; a socket unless a test says otherwise.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._urls = {name: url.rstrip("/") for name, url in urls.items()}
        self._seconds = seconds
        self._transport = transport
        self._opened: httpx.AsyncClient | None = None
        self._streaming: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Make the pools; connects to nothing yet.

        Streams have one of their own: each holds a connection, and calls are not to wait for them.
        """
        self._opened = self._pool(_MOST_CALLS)
        self._streaming = self._pool(_MOST_STREAMS)

    def _pool(self, most: int) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            timeout=self._seconds,
            transport=self._transport or _sockets(most),
            # Nobody else is to decide where tokens go.
            trust_env=False,
            follow_redirects=False,
        )

    async def close(self) -> None:
        """Close the pools."""
        for pool in (self._opened, self._streaming):
            if pool is not None:
                await pool.aclose()
        self._opened = self._streaming = None

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        caller: Caller,
        *,
        token: str = "",
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        content: AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call.

        Args:
            service: which one.
            method: of HTTP.
            path: with its ids in it, quoted.
            caller: for whom.
            token: access token; none: as anyone.
            params: of the query; None and empty text are left out, a list is repeated.
            body: sent as JSON.
            form: sent as a form instead.
            content: bytes that are sent as they come instead.
            headers: besides.

        Raises:
            ApiProblem: it says no.
            ApiAway: it does not answer, or not now.
        """
        try:
            answer = await self._client.request(
                method,
                self._urls[service] + path,
                params=_present(params or {}),
                json=body,
                data=form,
                content=content,
                headers=_headers(caller, token, headers),
            )
        except httpx.HTTPError as error:
            logger.warning("an API does not answer", service=service, error=repr(error))
            raise ApiAway(service) from error
        return _read(service, answer)

    async def text(self, service: str, path: str, caller: Caller) -> tuple[int, str]:
        """Status and text of a GET that no token is for, whatever the status.

        Raises:
            ApiAway: it does not answer.
        """
        try:
            url = self._urls[service] + path
            answer = await self._client.get(url, headers=caller.as_headers())
        except httpx.HTTPError as error:
            raise ApiAway(service) from error
        return answer.status_code, answer.text

    @asynccontextmanager
    async def stream(
        self, service: str, path: str, caller: Caller, token: str, params: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:  # fmt: skip
        """A GET whose body is read as it comes, for as long as it comes.

        Raises:
            ApiProblem, ApiAway: as `call`.
        """
        client = _open(self._streaming)
        request = client.build_request(
            "GET",
            self._urls[service] + path,
            params=_present(params),
            headers=_headers(caller, token, headers),
            timeout=httpx.Timeout(self._seconds, read=None),
        )
        try:
            answer = await client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise ApiAway(service) from error
        try:
            if not answer.is_success:
                await answer.aread()
                _read(service, answer)
            yield answer
        finally:
            await answer.aclose()

    @property
    def _client(self) -> httpx.AsyncClient:
        return _open(self._opened)


def _sockets(most: int) -> httpx.AsyncBaseTransport:
    """The pool of aiohttp: a call costs a third of one by httpx's own, whatever else is open."""
    return AiohttpTransport(
        client=lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=most, keepalive_timeout=_IDLE_SECONDS),
            # A cookie of one caller is not to go with the calls of another.
            cookie_jar=aiohttp.DummyCookieJar(),
        )
    )


def _open(pool: httpx.AsyncClient | None) -> httpx.AsyncClient:
    if pool is None:
        raise ConnectionError("the APIs are not open")
    return pool


def _present(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value not in (None, "", [], ())}


def _headers(caller: Caller, token: str, more: Mapping[str, str] | None) -> dict[str, str]:
    named = caller.as_headers() | dict(more or {})
    return named | {"authorization": f"Bearer {token}"} if token else named


def _read(service: str, answer: httpx.Response) -> Answer:
    try:
        body = answer.json() if answer.content else None
    except ValueError:
        body = None
    if answer.is_success:
        return Answer(body, answer.headers)
    problem = body if isinstance(body, dict) else {}
    if answer.status_code in _AWAY:
        raise ApiAway(service)
    raise ApiProblem(service, answer.status_code, problem)
