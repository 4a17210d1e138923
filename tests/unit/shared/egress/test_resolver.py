"""Looking up endpoints with a DNS server of the test's own, which may be silent."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from dns.asyncresolver import Resolver

from shared.egress.guard import AddressRefused, Guard
from shared.egress.resolver import GuardedResolver
from shared.egress.url_check import UrlCheck
from tests.kit.dns_server import Server, dns_server


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, Resolver]]:
    async with dns_server() as both:
        yield both


async def hosts(resolver: GuardedResolver, name: str) -> list[str]:
    return [found["host"] for found in await resolver.resolve(name, 443, socket.AF_UNSPEC)]


async def test_names_that_hang_hold_up_no_other(server: tuple[Server, Resolver]) -> None:
    dns_server, asking = server
    dns_server.known["well.example", "A"] = ["8.8.8.8"]
    dns_server.known["well.example", "AAAA"] = ["2a00:1450::1"]
    resolver = GuardedResolver(Guard((), allow_http=False), asking, seconds=60)
    names = [f"hangs{number}.example" for number in range(200)]
    hanging = [asyncio.create_task(hosts(resolver, name)) for name in names]

    assert await hosts(resolver, "well.example") == ["8.8.8.8", "2a00:1450::1"]
    assert not any(task.done() for task in hanging)
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    await resolver.close()


async def test_while_dns_is_silent_a_name_keeps_its_last_addresses_as_far_as_they_are_allowed(
    server: tuple[Server, Resolver],
) -> None:
    dns_server, asking = server
    dns_server.known["well.example", "A"] = ["8.8.8.8"]
    dns_server.known["inside.example", "A"] = ["10.0.0.1"]
    resolver = GuardedResolver(Guard((), allow_http=False), asking, seconds=0.2)
    assert await hosts(resolver, "well.example") == ["8.8.8.8"]
    with pytest.raises(AddressRefused):
        await hosts(resolver, "inside.example")
    dns_server.is_silent = True

    assert await hosts(resolver, "well.example") == ["8.8.8.8"]
    with pytest.raises(AddressRefused):
        await hosts(resolver, "inside.example")
    with pytest.raises(OSError, match=r"no answer about new\.example"):
        await hosts(resolver, "new.example")
    await resolver.close()


async def test_one_refused_address_among_the_answers_refuses_the_name(
    server: tuple[Server, Resolver],
) -> None:
    dns_server, asking = server
    dns_server.known["mixed.example", "A"] = ["8.8.8.8", "10.0.0.1"]
    resolver = GuardedResolver(Guard((), allow_http=False), asking)
    with pytest.raises(AddressRefused):
        await hosts(resolver, "mixed.example")
    await resolver.close()


async def test_what_dns_does_not_have_is_the_systems(
    server: tuple[Server, Resolver], monkeypatch: pytest.MonkeyPatch
) -> None:
    dns_server, asking = server
    answer = [(socket.AF_INET, 0, 0, "", ("8.8.4.4", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    resolver = GuardedResolver(Guard((), allow_http=False), asking)

    assert await hosts(resolver, "hosts.file.example") == ["8.8.4.4"]
    assert await hosts(resolver, "receiver") == ["8.8.4.4"]
    assert dns_server.asked == {"hosts.file.example"}
    await resolver.close()


async def refusal(asking: Resolver, name: str, seconds: float = 3.0) -> str | None:
    """Why a URL of this name is not saved; None when it is."""
    guard = Guard((), allow_http=False)
    check = UrlCheck(guard, GuardedResolver(guard, asking), seconds)
    try:
        await check.check(f"https://{name}/hooks?token=s3cr3t")
    except AddressRefused as refused:
        return str(refused)
    finally:
        await check.close()
    return None


async def test_a_url_is_saved_by_what_its_name_says_now(
    server: tuple[Server, Resolver], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    dns_server, asking = server
    dns_server.known["well.example", "A"] = ["8.8.8.8"]
    dns_server.known["mixed.example", "A"] = ["8.8.8.8", "10.0.0.1"]
    dns_server.known["wrapped.example", "AAAA"] = ["::ffff:127.0.0.1"]

    assert await refusal(asking, "well.example") is None
    for name in ("mixed.example", "wrapped.example"):
        assert await refusal(asking, name) == f"{name} leads to an address that is not public"
    assert await refusal(asking, "none.example") == "none.example does not exist in DNS"
    assert await refusal(asking, "hangs.example", seconds=0.05) is None
