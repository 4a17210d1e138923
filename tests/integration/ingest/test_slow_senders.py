"""Senders whose bodies do not come keep places, but never everybody's; on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx
import pytest
import uvicorn

from relevo.local.processes import free_port
from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.sealing import Sealer
from tests.integration.ingest.conftest import (
    KEY,
    SHOPIFY_BODY,
    Client,
    StoreOwner,
    an_order,
    known,
    signed,
)
from tests.kit.publishers import Topics
from tests.kit.serving import ready
from tests.kit.waiting import eventually

Serve = Callable[..., Awaitable[Client]]
_MANY = 50


@pytest.fixture
async def serve(
    service_settings: dict[str, str], shop: StoreOwner, neighbour: StoreOwner
) -> AsyncIterator[Serve]:
    """Starts ingest on a port, with forty places; knows two stores."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Client:
            app = create_app(Settings(ingest_max_requests=40, **settings))
            client = await stack.enter_async_context(_listening(app))
            await ready(client)
            for store in (shop, neighbour):
                await store.publish()
                await known(client, store)
            return client

        yield start


@pytest.fixture
def neighbour(topics: Topics, sealer: Sealer) -> StoreOwner:
    return StoreOwner(topics, sealer)


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[Client]:
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=port, http="httptools", log_config=None, timeout_graceful_shutdown=1
        )
    )
    serving = asyncio.create_task(server.serve())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def listening() -> bool:
            return server.started

        await eventually(listening)
        yield client
    server.should_exit = True
    await serving


class Silent:
    """Many sockets that send their headers, and nothing more."""

    def __init__(self, client: Client, path: str, *, addresses: int = 1, key: str = "") -> None:
        self._port = client.base_url.port
        credentials = f"authorization: Bearer {key}\r\n" if key else ""
        self._head = f"POST {path} HTTP/1.1\r\nhost: x\r\n{credentials}content-length: 9\r\n\r\n"
        self._addresses = addresses
        self._writers: list[asyncio.StreamWriter] = []
        self._answers: list[asyncio.Task[bytes]] = []

    async def __aenter__(self) -> Self:
        """All of them are connected and have sent."""
        for number in range(_MANY):
            source = f"127.0.0.{2 + number % self._addresses}"
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(source, 0)
            )
            writer.write(self._head.encode())
            self._writers.append(writer)
            self._answers.append(asyncio.create_task(reader.readline()))
        return self

    async def __aexit__(self, *_: object) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*self._answers, return_exceptions=True)

    async def inside(self, expected: int) -> None:
        """Return when all others were answered that there is no place."""

        async def refused() -> int:
            return sum(answer.done() for answer in self._answers)

        await eventually(refused, lambda count: count == _MANY - expected)
        answers = {answer.result() for answer in self._answers if answer.done()}
        assert answers == {b"HTTP/1.1 503 Service Unavailable\r\n"}


async def by_key(client: Client, store: StoreOwner) -> int:
    bearer = {"authorization": f"Bearer {KEY}"}
    answer = await client.post(f"/v1/stores/{store.id}/orders", json=an_order(), headers=bearer)
    return answer.status_code


async def by_signature(client: Client, store: StoreOwner) -> int:
    headers = signed(SHOPIFY_BODY)
    url = f"/webhooks/shopify/{store.id}"
    return (await client.post(url, content=SHOPIFY_BODY, headers=headers)).status_code


async def test_one_address_shuts_nobody_out(serve: Serve, shop: StoreOwner) -> None:
    client = await serve()
    async with Silent(client, f"/webhooks/shopify/{shop.id}") as silent:
        await silent.inside(2)
        assert await by_signature(client, shop) == 200
        assert await by_key(client, shop) == 202
        metrics = (await client.get("/metrics")).text
        assert 'relevo_requests_refused_total{limit="address"}' in metrics


async def test_an_address_with_a_key_of_its_own_shuts_nobody_out(
    serve: Serve, shop: StoreOwner, neighbour: StoreOwner
) -> None:
    client = await serve()
    async with Silent(client, f"/v1/stores/{neighbour.id}/orders", key=KEY) as silent:
        await silent.inside(2)
        assert await by_signature(client, neighbour) == 200
        assert await by_key(client, shop) == 202


async def test_what_many_send_in_a_stores_name_leaves_places_for_other_stores_and_for_its_key(
    serve: Serve, shop: StoreOwner, neighbour: StoreOwner
) -> None:
    client = await serve()
    async with Silent(client, f"/webhooks/shopify/{shop.id}", addresses=25) as silent:
        await silent.inside(10)
        assert await by_signature(client, neighbour) == 200
        assert await by_key(client, shop) == 202


async def test_a_store_that_sends_slowly_from_everywhere_leaves_places_for_others(
    serve: Serve, shop: StoreOwner, neighbour: StoreOwner
) -> None:
    client = await serve()
    async with Silent(client, f"/v1/stores/{shop.id}/orders", addresses=25, key=KEY) as silent:
        await silent.inside(10)
        assert await by_key(client, shop) == 503
        assert await by_key(client, neighbour) == 202
        assert await by_signature(client, neighbour) == 200


async def test_places_are_kept_for_senders_that_proved_who_they_are(
    serve: Serve, shop: StoreOwner, neighbour: StoreOwner
) -> None:
    """However many addresses and stores those have whose signature is not known yet."""
    client = await serve(ingest_store_share=1, ingest_address_share=1)
    async with Silent(client, f"/webhooks/shopify/{shop.id}", addresses=25) as silent:
        await silent.inside(20)
        assert await by_signature(client, neighbour) == 503
        assert await by_key(client, shop) == 202
    # Who hung up gave its place back.
    await eventually(lambda: by_signature(client, neighbour), lambda status: status == 200)
