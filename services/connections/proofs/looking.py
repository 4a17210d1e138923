"""Looking at a domain: a guarded request or a DNS query, bounded in time, size and number.

The token is not in the request, so that no server can send it back.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import assert_never

import aiohttp
from aiohttp import hdrs
from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.rdtypes.ANY.TXT import TXT
from dns.resolver import NXDOMAIN
from yarl import URL

from services.connections.proofs import reading
from services.connections.proofs.admin_api import Question
from services.connections.proofs.models import Published
from services.connections.stores.addresses import normalise_domain
from shared.egress.guard import AddressRefused, Guard
from shared.egress.resolver import GuardedResolver, configured
from shared.failures import Refused

WELL_KNOWN = "/.well-known/relevo-verification"
_USER_AGENT = "Relevo/1.0"
_SECONDS = 10.0
_AT_ONCE = 4
_MOST_BYTES = 64 * 1024
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen at a domain, in words that hold nothing of what it answered."""

    is_proof: bool
    what: str


class _Unseen(Exception):  # noqa: N818  says what happened
    """There is nothing to read, and why."""


class Looker:
    """Looks at domains; few at once.

    Args:
        guard: decides on URLs and addresses.
        dns: whom to ask for TXT records.
        seconds: how long one look may take.
    """

    def __init__(
        self, guard: Guard, dns: Resolver | None = None, seconds: float = _SECONDS
    ) -> None:
        self._guard = guard
        self._dns = dns or configured()
        self._resolver = GuardedResolver(guard)
        self._seconds = seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make the session; needs the running loop."""
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            force_close=True,
            socket_factory=self._guard.open_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=False,
            headers={hdrs.USER_AGENT: _USER_AGENT, hdrs.ACCEPT_ENCODING: "identity"},
            read_bufsize=_MOST_BYTES,
        )

    async def close(self) -> None:
        """Close every connection, and let go of the resolver."""
        await self._resolver.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def require_turn(self) -> None:
        """Let a look begin, unless too many are under way.

        Raises:
            Refused: `too_many_attempts`.
        """
        if self._turns.locked():
            raise Refused("too_many_attempts", retry_after=round(self._seconds))

    async def look(self, way: Published, domain: str, token: str) -> Seen:
        """What the domain shows now; never within a transaction.

        Raises:
            Refused: `too_many_attempts`: too many looks are under way.
        """
        self.require_turn()
        return await self._in_turn(self._look(way, domain, token))

    async def ask(self, question: Question, domain: str) -> Seen:
        """What the admin API at the domain answers, and nowhere else: redirects are not followed.

        Raises:
            Refused: `too_many_attempts`: too many looks are under way.
        """
        self.require_turn()
        return await self._in_turn(self._ask(question, domain))

    async def _in_turn(self, look: Awaitable[Seen]) -> Seen:
        async with self._turns:
            try:
                async with asyncio.timeout(self._seconds):
                    return await look
            except _Unseen as unseen:
                return Seen(is_proof=False, what=str(unseen))
            except TimeoutError:
                return Seen(is_proof=False, what="no answer in time")

    async def _ask(self, question: Question, domain: str) -> Seen:
        body = await self._fetch(domain, question.path, question.headers)
        return _seen(question.is_answered_by(body, domain), "the answer is of another shop")

    async def _look(self, way: Published, domain: str, token: str) -> Seen:
        match way:
            case "well_known":
                body = await self._fetch(domain, WELL_KNOWN)
                return _seen(reading.is_in_file(body, token), "the file has another content")
            case "meta_tag":
                body = await self._fetch(domain, "/")
                return _seen(
                    reading.is_in_meta_tag(body, token), "the front page has no such meta tag"
                )
            case "dns_txt":
                records = await self._records(domain)
                return _seen(reading.is_in_records(records, token), "no such record")
            case _:
                assert_never(way)

    async def _fetch(self, domain: str, path: str, key: Mapping[str, str] | None = None) -> str:
        """The start of what stands at a path; without TLS only where the installation allows it.

        `key`: headers for this host alone.
        """
        try:
            return await self._follow(domain, URL(f"https://{domain}{path}"), key)
        except (aiohttp.ClientConnectionError, OSError) as error:
            plain = f"http://{domain}{path}"
            if isinstance(error, TimeoutError) or not self._allows(plain):
                raise _Unseen(_reason(error)) from error
        try:
            return await self._follow(domain, URL(plain), key)
        except (aiohttp.ClientConnectionError, OSError) as error:
            raise _Unseen(_reason(error)) from error

    def _allows(self, url: str) -> bool:
        try:
            self._guard.check_url(url)
        except AddressRefused:
            return False
        return True

    async def _follow(self, domain: str, url: URL, key: Mapping[str, str] | None) -> str:
        if self._session is None:
            raise _Unseen("no connection")
        for _ in range(_MOST_REDIRECTS + 1):
            self._guard.check_url(str(url))
            try:
                async with self._session.get(url, allow_redirects=False, headers=key) as response:
                    if key is not None or response.status not in _REDIRECTS:
                        return await _text(response)
                    url = _next(domain, url, response.headers.get(hdrs.LOCATION, ""))
            except aiohttp.ClientConnectionError:
                raise
            except (aiohttp.ClientError, ValueError) as error:
                raise _Unseen("the answer is not HTTP as it should be") from error
        raise _Unseen("too many redirects")

    async def _records(self, domain: str) -> list[str]:
        try:
            name = self._guard.check_url(f"https://{domain}/")
        except AddressRefused as error:
            raise _Unseen(_reason(error)) from error
        if name is None:
            raise _Unseen("an address has no records")
        try:
            answer = await self._dns.resolve(
                f"{name}.", "TXT", lifetime=self._seconds, raise_on_no_answer=False, search=False
            )
        except NXDOMAIN as error:
            raise _Unseen("DNS knows no such name") from error
        except (DNSException, OSError) as error:
            raise _Unseen("no answer from DNS") from error
        return [
            b"".join(record.strings).decode(errors="replace")
            for record in answer.rrset or ()
            if isinstance(record, TXT)
        ]


def _seen(is_proof: bool, otherwise: str) -> Seen:  # noqa: FBT001  it is the answer
    return Seen(is_proof, "the proof" if is_proof else otherwise)


async def _text(response: aiohttp.ClientResponse) -> str:
    """The first 64 KiB; the connection is not used again."""
    if response.status != _OK:
        raise _Unseen(f"status {response.status}")
    if response.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise _Unseen("the answer is compressed, although that was not asked for")
    body = bytearray()
    while len(body) < _MOST_BYTES and not response.content.at_eof():
        body += await response.content.readany()
    return body[:_MOST_BYTES].decode(errors="replace")


def _next(domain: str, url: URL, location: str) -> URL:
    """Where a redirect leads: to the same store, by its spelling, and never back to plain HTTP."""
    target = url.join(URL(location)).with_fragment(None)
    try:
        is_same = normalise_domain(str(target)) == domain
    except ValueError:
        is_same = False
    if not location or not is_same or (url.scheme == "https" and target.scheme != "https"):
        raise _Unseen("a redirect to another host")
    return target


_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (AddressRefused, "the domain is no public address"),
    (aiohttp.ClientConnectorDNSError, "the name does not resolve"),
    (aiohttp.ClientSSLError, "no valid certificate"),
    (TimeoutError, "no answer in time"),
)


def _reason(error: BaseException) -> str:
    """Why nothing could be read, in a few fixed words: of networks inside nothing is to be told."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        causes.append(cause)
        cause = getattr(cause, "os_error", None) or cause.__cause__
    return next(
        (words for kind, words in _REASONS if any(isinstance(one, kind) for one in causes)),
        "no connection",
    )
