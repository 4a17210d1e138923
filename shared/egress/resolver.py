"""Where endpoints are: asked of DNS without threads, so that names that hang hold up no others.

aiohttp asks once at a time for each host and port, whoever waits for it, and keeps answers for a
few seconds; what is here bounds each time in its length.
"""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from aiohttp.abc import AbstractResolver, ResolveResult
from dns.asyncresolver import Resolver
from dns.exception import DNSException
from dns.resolver import NXDOMAIN, Answer, NoResolverConfiguration

from shared.egress.guard import Guard

_LOOK_UP_SECONDS = 5.0
_REMEMBERED_SECONDS = 86_400.0
_REMEMBERED_NAMES = 10_000
_SYSTEM_THREADS = 8
_RECORDS = {socket.AF_INET: "A", socket.AF_INET6: "AAAA"}
# Family and address.
Addresses = Sequence[tuple[int, str]]


class _Remembered(NamedTuple):
    addresses: Addresses
    until: float


class UnknownName(OSError):  # noqa: N818  says what is known
    """DNS has answered that there is no such name, and the system knows none either."""


class _NotInDns(Exception):  # noqa: N818  says what is known
    """DNS has answered, and knows no address."""


def configured() -> Resolver:
    """Asks the servers of this machine's resolv.conf; none when there is no such file."""
    try:
        return Resolver()
    except NoResolverConfiguration:
        return Resolver(configure=False)


class GuardedResolver(AbstractResolver):
    """Resolves names and lets only allowed addresses through.

    A name without a dot, and one that DNS says it does not have, is the system's to resolve (hosts
    file, search domains), in threads that no other name waits for. While DNS does not answer, a
    name keeps the addresses that it had last.

    Args:
        guard: decides on addresses, remembered ones as well.
        dns: whom to ask.
        seconds: how long one look-up may take.
    """

    def __init__(
        self, guard: Guard, dns: Resolver | None = None, seconds: float = _LOOK_UP_SECONDS
    ) -> None:
        self._guard = guard
        self._dns = dns or configured()
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(_SYSTEM_THREADS, thread_name_prefix="dns")
        self._remembered: OrderedDict[tuple[str, int], _Remembered] = OrderedDict()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of `host`; connected to as they are, never looked up again.

        Raises:
            AddressRefused: one of them is not allowed; then none is used.
            UnknownName: DNS says that there is no such name.
            OSError: the name does not resolve, or not in time.
        """
        found = await self._look_up(host, family)
        for _, address in found:
            self._guard.check_address(address)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=kind,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, address in found
        ]

    async def _look_up(self, host: str, family: socket.AddressFamily) -> Addresses:
        if "." not in host:
            return await self._ask_system(host, family)
        try:
            found = await self._ask_dns(host, family)
        except _NotInDns:
            try:
                return await self._ask_system(host, family)
            except OSError as error:
                raise UnknownName(f"{host} does not exist in DNS") from error
        except (DNSException, OSError) as error:
            known = self._remembered.get((host, family))
            if known is None or known.until < time.monotonic():
                raise OSError(f"no answer about {host}: {error}") from error
            return known.addresses
        self._remember((host, family), found)
        return found

    async def _ask_dns(self, host: str, family: socket.AddressFamily) -> Addresses:
        """What DNS says; of two kinds of addresses one is enough."""
        kinds = [family] if family in _RECORDS else list(_RECORDS)
        answers = await asyncio.gather(
            *(
                self._dns.resolve(
                    host, _RECORDS[kind], lifetime=self._seconds, raise_on_no_answer=False
                )
                for kind in kinds
            ),
            return_exceptions=True,
        )
        found = [
            (int(kind), str(record.address))
            for kind, answer in zip(kinds, answers, strict=True)
            if isinstance(answer, Answer)
            for record in answer.rrset or ()
        ]
        failed = [answer for answer in answers if isinstance(answer, BaseException)]
        if found:
            return found
        raise next((error for error in failed if not isinstance(error, NXDOMAIN)), _NotInDns())

    async def _ask_system(self, host: str, family: socket.AddressFamily) -> Addresses:
        asked = asyncio.get_running_loop().run_in_executor(self._threads, _system, host, family)
        async with asyncio.timeout(self._seconds):
            return await asked

    def _remember(self, name: tuple[str, int], addresses: Addresses) -> None:
        until = time.monotonic() + _REMEMBERED_SECONDS
        self._remembered[name] = _Remembered(addresses, until)
        self._remembered.move_to_end(name)
        if len(self._remembered) > _REMEMBERED_NAMES:
            self._remembered.popitem(last=False)

    async def close(self) -> None:
        """Let go of the threads; one that hangs in a look-up is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _system(host: str, family: socket.AddressFamily) -> Addresses:
    infos = socket.getaddrinfo(
        host, None, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [(info[0], str(info[4][0])) for info in infos]
