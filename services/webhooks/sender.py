"""One HTTP POST: signed, guarded, with one deadline for all of it."""

import io
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import aiohttp
from aiohttp import ClientTimeout, hdrs
from yarl import URL

from services.webhooks.backoff import parse_retry_after
from services.webhooks.delivery import Answer, Delivery
from services.webhooks.endpoints import Endpoint
from shared.egress.guard import AddressRefused, Guard
from shared.egress.masking import redacted
from shared.egress.resolver import GuardedResolver
from shared.signing import signature

USER_AGENT = "Relevo/1.0"
MAX_RESPONSE_BYTES = 16 * 1024
# Shorter than what common receivers keep an idle connection for (5 s): a connection that they
# close while we write to it is a failed attempt.
_KEEPALIVE_SECONDS = 4.0
_DNS_CACHE_SECONDS = 10
# aiohttp writes larger bytes in one go and warns; from a file it takes pieces.
_LARGE_BODY_BYTES = 1024 * 1024
_SKIPPED = frozenset({hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT})


class Sender(Protocol):
    """The port that deliveries leave by."""

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        """Make one attempt; raises nothing but cancellation."""


class HttpSender:
    """The port on aiohttp: no redirects, cookies, proxies or hidden second tries.

    Args:
        guard: decides on URLs and addresses.
        attempt_seconds: the deadline.
    """

    def __init__(self, guard: Guard, attempt_seconds: float) -> None:
        self._guard = guard
        # The ceiling rounds deadlines up to whole seconds unless it is out of reach.
        self._timeout = ClientTimeout(total=attempt_seconds, ceil_threshold=3_600)
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[UUID, tuple[str, URL]] = {}

    async def open(self) -> None:
        """Make the session; needs the running loop."""
        connector = aiohttp.TCPConnector(
            # The limits are the lanes': a pool that can fill would let endpoints wait for others.
            limit=0,
            limit_per_host=0,
            resolver=GuardedResolver(self._guard),
            ttl_dns_cache=_DNS_CACHE_SECONDS,
            keepalive_timeout=_KEEPALIVE_SECONDS,
            socket_factory=self._guard.open_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=_SKIPPED,
            read_bufsize=MAX_RESPONSE_BYTES,
        )

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        """Make one attempt.

        Success and failure are the caller's to tell from the status; network failures are
        answers too.
        """
        if self._session is None:
            return Answer(None, "connection")
        signed_at = int(time.time())
        try:
            async with self._session.post(
                self._target(endpoint),
                data=_payload(delivery.body),
                headers=_headers(endpoint, delivery, signed_at),
                allow_redirects=False,
            ) as response:
                # The status is the answer: a body that breaks off or never ends changes nothing.
                body = await _read_head(response)
                retry_after = parse_retry_after(
                    response.headers.get(hdrs.RETRY_AFTER), datetime.now(UTC)
                )
                head = redacted(body, endpoint.url)
                return Answer(response.status, None, retry_after, head, signed_at)
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, _class_of(error), signed_at=signed_at)

    async def send_once(self, endpoint: Endpoint, delivery: Delivery) -> Answer:
        """The same to a URL that nobody keeps."""
        try:
            return await self.send(endpoint, delivery)
        finally:
            self._targets.pop(endpoint.id, None)

    def _target(self, endpoint: Endpoint) -> URL:
        known = self._targets.get(endpoint.id)
        if known is not None and known[0] == endpoint.url:
            return known[1]
        self._guard.check_url(endpoint.url)
        target = URL(endpoint.url)
        self._targets[endpoint.id] = (endpoint.url, target)
        return target


def _headers(endpoint: Endpoint, delivery: Delivery, signed_at: int) -> Mapping[str, str]:
    signed = signature(endpoint.keys, str(delivery.event_id), signed_at, delivery.body)
    return request_headers(delivery.event_id, delivery.traceparent, signed_at, signed)


def request_headers(
    event_id: UUID, traceparent: str | None, signed_at: int, signed: str
) -> dict[str, str]:
    """What is sent with a body, `signed` being its signature; also to be shown, without one."""
    headers = {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(signed_at),
        "webhook-signature": signed,
        "content-type": "application/json",
        "user-agent": USER_AGENT,
    }
    if traceparent:
        headers["traceparent"] = traceparent
    return headers


def _payload(body: bytes) -> bytes | io.BytesIO:
    return body if len(body) <= _LARGE_BODY_BYTES else io.BytesIO(body)


async def _read_head(response: aiohttp.ClientResponse) -> bytes:
    """What came of the body, up to 16 KiB; with more than that the connection is dropped."""
    content = response.content
    head = b""
    try:
        while not content.at_eof():
            head += await content.readany()
            if len(head) > MAX_RESPONSE_BYTES:
                response.close()
                return head[:MAX_RESPONSE_BYTES]
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()
    return head


def _class_of(error: BaseException) -> str:
    """The class of a network failure, for attempts and metrics."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return "address_refused"
        cause = getattr(cause, "os_error", None) or cause.__cause__
    for kind, name in (
        (TimeoutError, "timeout"),
        (aiohttp.ClientConnectorDNSError, "dns"),
        (aiohttp.ClientSSLError, "tls"),
        (OSError, "connection"),
        (aiohttp.ServerDisconnectedError, "connection"),
    ):
        if isinstance(error, kind):
            return name
    return "protocol"
