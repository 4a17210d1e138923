"""A DNS server of the test's own, which may be silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import dns.message
import dns.rcode
import dns.rrset
from dns.asyncresolver import Resolver


class Server(asyncio.DatagramProtocol):
    """Answers what it knows, NXDOMAIN to the rest, nothing for names that begin with `hangs`."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], list[str]] = {}
        self.is_silent = False
        self.asked: set[str] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        self.asked.add(name)
        if self.is_silent or name.startswith("hangs"):
            return
        answer = dns.message.make_response(query)
        kind = dns.rdatatype.to_text(question.rdtype)
        if not any(known == name for known, _ in self.known):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found := self.known.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 0, "IN", kind, *found))
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), address)


@asynccontextmanager
async def dns_server() -> AsyncIterator[tuple[Server, Resolver]]:
    """A server, and a resolver that asks it."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(Server, local_addr=("127.0.0.1", 0))
    asking = Resolver(configure=False)
    asking.nameservers, asking.port = ["127.0.0.1"], transport.get_extra_info("sockname")[1]
    try:
        yield server, asking
    finally:
        transport.close()
