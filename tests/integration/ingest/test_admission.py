"""Who gets in, how often and for how long."""

import asyncio
from collections.abc import AsyncIterator

from services.ingest.main import create_app
from services.ingest.settings import Settings
from tests.integration.ingest.conftest import (
    BEARER,
    SHOPIFY_BODY,
    StoreOwner,
    an_order,
    known,
    signed,
)
from tests.kit.serving import ready, running


async def test_a_store_over_its_rate_is_told_when_to_come_back(
    service_settings: dict[str, str], shop: StoreOwner
) -> None:
    settings = Settings(ingest_store_rate=0.01, ingest_store_burst=2)
    async with running(create_app(settings)) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        url = f"/v1/stores/{shop.id}/orders"
        codes = [
            (await client.post(url, json=an_order(str(n)), headers=BEARER)).status_code
            for n in range(3)
        ]
        limited = await client.post(url, json=an_order(), headers=BEARER)
    assert codes == [202, 202, 429]
    assert int(limited.headers["retry-after"]) > 0
    assert "ratelimit-policy" in limited.headers


async def test_what_others_send_in_its_name_does_not_use_up_a_stores_rate(
    service_settings: dict[str, str], shop: StoreOwner
) -> None:
    settings = Settings(ingest_store_rate=0.01, ingest_store_burst=1)
    async with running(create_app(settings)) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        url = f"/webhooks/shopify/{shop.id}"
        forged = signed(SHOPIFY_BODY, secret="other")
        for _ in range(3):
            assert (await client.post(url, content=SHOPIFY_BODY, headers=forged)).status_code == 401
        true = signed(SHOPIFY_BODY)
        codes = [
            (await client.post(url, content=SHOPIFY_BODY, headers=true)).status_code
            for _ in range(2)
        ]
    assert codes == [200, 429]


async def test_a_body_that_does_not_come_is_not_waited_for(
    service_settings: dict[str, str], shop: StoreOwner
) -> None:
    async def stalls() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with running(create_app(Settings(ingest_body_seconds=0.2))) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        answer = await client.post(f"/webhooks/shopify/{shop.id}", content=stalls())
    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
