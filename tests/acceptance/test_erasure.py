"""Case 22 from end to end: after the erasure what the buyer said is in no table of any service."""

import httpx
import orjson
import pytest
from aiohttp import web

from relevo.local.stack import Stack
from services import catalog
from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED, TOPICS
from tests.acceptance.world import ThreePl, World, a_world
from tests.integration.ingest.conftest import signed
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics
from tests.kit.receiver import ReceivedWebhook
from tests.kit.waiting import eventually

MARK = "Quux-Buyer"
SECRET = "shpss_0123456789"


async def tables(world: World) -> set[str]:
    """Where the mark stands."""
    return {
        f"{schema}.{table}"
        for schema in catalog.NAMES
        for table in await tables_with(world.stack.dsn, schema, [MARK])
    }


async def erase(world: World, account: str) -> httpx.Response:
    return await world.client.delete(
        f"{world.stack.urls['connections']}/v1/accounts/{account}/personal-data",
        headers={"authorization": f"Bearer {world.brand_token}"},
    )


async def park(topics: Topics, world: World, brand: str) -> None:
    """A record that no release reads, with the buyer in it."""
    broken = {"store_id": world.store_id, "brand_id": brand, "external_id": "x", "note": MARK}
    key = f"{world.store_id}:x"
    await topics.publish(ORDERS_RECEIVED.name, key, orjson.dumps(broken))


async def filled(world: World, topics: Topics) -> str:
    """Orders, notes, deliveries with their answers, a parked record; the brand's account."""
    for n in range(5):
        await world.send(
            str(n), note=MARK, email=f"{MARK}@a.example", shipping_address={"name": MARK},
            lines=[{"sku": MARK, "title": MARK, "quantity": 1, "price": "10.00"}],
        )  # fmt: skip
    await eventually(world.orders, lambda rows: len(rows) == 5)
    await world.process(2)
    page = await world.call("routing", "GET", "/v1/orders?status=open", world.three_pl_token)
    held = page["data"][0]
    await world.call(
        "routing", "POST", f"/v1/orders/{held['id']}/hold", world.three_pl_token,
        {"version": held["version"], "note": MARK},
    )  # fmt: skip
    brand = str((await world.orders())[0]["brand_id"])
    await park(topics, world, brand)
    await world.call(
        "connections",
        "POST",
        f"/v1/stores/{world.store_id}/credentials",
        world.brand_token,
        {"kind": "shopify", "secret": SECRET},
    )
    odd = f'{{"id": 1, "name": "{MARK}"}}'.encode()
    url = f"{world.stack.urls['ingest']}/webhooks/shopify/{world.store_id}"

    async def quarantined() -> bool:
        sent = await world.client.post(url, content=odd, headers=signed(odd, secret=SECRET))
        return sent.is_success and sent.json()["status"] == "quarantined"

    await eventually(quarantined)
    return brand


@pytest.mark.timeout(120)
async def test_nothing_of_the_buyers_is_left_in_any_table(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ThreePl._answer

    async def telling(self: ThreePl, got: ReceivedWebhook) -> web.Response:
        told = await answer(self, got)
        # What is answered to a return is kept: nothing of a buyer was in it.
        is_return = got.json["type"] == "order.unassigned"
        return web.Response(status=told.status, text="" if is_return else MARK)

    monkeypatch.setattr(ThreePl, "_answer", telling)
    async with a_world(stack) as world, Topics(stack.kafka.address, "") as topics:
        brand = await filled(world, topics)
        everywhere = {
            "routing.orders", "routing.holds", "routing.order_history", "routing.parked_records",
            "webhooks.events", "ingest.quarantine", "webhooks.attempts",
        }  # fmt: skip
        await eventually(lambda: tables(world), lambda found: found >= everywhere)
        # Five orders, two processed, one held: no answer that a second look has to find.
        delivered = (
            "SELECT FROM webhooks.deliveries d JOIN webhooks.endpoints e ON e.id = d.endpoint_id "
            "WHERE d.state = 'delivered' AND e.store_id = $1"
        )
        await eventually(lambda: world.rows(delivered, world.store_id), lambda rows: len(rows) == 8)
        refused = await erase(world, brand)
        assert (refused.status_code, refused.json()["code"]) == (409, "connections_live")
        await world.call(
            "connections", "POST", f"/v1/connections/{world.connection_id}/disconnect",
            world.brand_token,
        )  # fmt: skip
        erased = await erase(world, brand)
        assert erased.status_code == 200, erased.text
        # What is on its way, or comes once more, is not kept either.
        await park(topics, world, brand)

        await eventually(lambda: tables(world), lambda found: not found, seconds=60)
        kept = await world.orders()
        assert (
            sorted(row["status"] for row in kept)
            == ["on_hold", "open", "open"] + ["processing"] * 2
        )
        assert all(row["erased_at"] for row in kept)
        told = {event.external_id for event in world.receiver.received}
        assert told == {str(n) for n in range(5)}
        may_hold = {ORDERS_RECEIVED.name, ORDERS_EVENTS.name}
        marked = {
            topic.name
            for topic in TOPICS
            for record in await topics.all(topic.name)
            if MARK.encode() in (record.value or b"")
        }
        assert marked <= may_hold, "topics of 7 days alone"
