"""HTTP calls to carriers: guarded like webhooks, with a deadline, and no more read than is bound.

No redirects, no cookies, no proxies, no second try that nobody knows of.
"""

from collections.abc import Mapping

import aiohttp
from aiohttp import ClientTimeout, hdrs
from yarl import URL

from services.fulfilment.carriers.answers import Answer
from shared.egress.guard import AddressRefused, Guard
from shared.egress.resolver import GuardedResolver

USER_AGENT = "Relevo/1.0"
MOST_ANSWER_BYTES = 8 * 1024 * 1024
_AT_ONCE = 32
_KEEPALIVE_SECONDS = 4.0


class Calls:
    """The connections of one process to carriers.

    Args:
        guard: decides on URLs and addresses.
        seconds: the deadline of one call.
    """

    def __init__(self, guard: Guard, seconds: float) -> None:
        self._guard = guard
        self._timeout = ClientTimeout(total=seconds, ceil_threshold=3_600)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; needs the running loop."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_AT_ONCE,
                resolver=GuardedResolver(self._guard),
                keepalive_timeout=_KEEPALIVE_SECONDS,
                socket_factory=self._guard.open_socket,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request; every failure of the network is an answer too."""
        if self._session is None:
            return Answer(None, error="stopping", was_sent=False)
        try:
            self._guard.check_url(url)
        except AddressRefused as error:
            return Answer(None, error=str(error), was_sent=False)
        try:
            async with self._session.request(
                method,
                URL(url),
                data=body,
                headers={hdrs.USER_AGENT: USER_AGENT, hdrs.ACCEPT: "*/*", **headers},
                allow_redirects=False,
            ) as response:
                return await _answer(response)
        except aiohttp.ClientConnectorError as error:
            refused = error.os_error if isinstance(error.os_error, AddressRefused) else None
            reason = str(refused) if refused else "no connection"
            return Answer(None, error=reason, was_sent=False)
        except TimeoutError:
            return Answer(None, error="no answer in time")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, error=f"the connection broke off ({type(error).__name__})")


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > MOST_ANSWER_BYTES:
            return Answer(None, error="the answer is too large")
    after = response.headers.get(hdrs.RETRY_AFTER, "")
    return Answer(response.status, bytes(body), float(after) if after.isdecimal() else None)
