"""Shipments as fulfilment tells of them, in an order and in its events."""

from collections.abc import Callable
from uuid import UUID

import asyncpg
import httpx
import orjson
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.contracts.shipments_events import (
    Parcel,
    Shipment,
    ShipmentLine,
    ShipmentsChanged,
    ShipmentStatus,
)
from shared.kafka.topics import ORDERS_EVENTS, SHIPMENTS_EVENTS
from tests.kit.publishers import NOON, OrderPublisher, Topics, erased
from tests.kit.waiting import eventually


def a_change(order: UUID, version: int, status: ShipmentStatus) -> ShipmentsChanged:
    shipment = Shipment(
        id=UUID(int=9),
        status=status,
        carrier="dhl",
        lines=(ShipmentLine(index=0, sku="SKU-1", quantity=1),),
        parcels=(Parcel(number=1, tracking_number="JJD1"),),
        created_at=NOON,
    )
    return ShipmentsChanged(order_id=order, version=version, shipments=(shipment,), changed_at=NOON)


async def test_what_is_told_of_a_shipment_is_in_every_later_event_and_moves_the_order(
    app: FastAPI, topics: Topics, database: asyncpg.Connection, make_token: Callable[..., str]
) -> None:
    shop = OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    await shop.send(shop.order("1"))
    [row] = await eventually(lambda: database.fetch("SELECT id FROM orders"))
    order: UUID = row["id"]
    bearer = {"authorization": f"Bearer {make_token(shop.three_pl_id, 'three_pl')}"}

    async def status() -> str:
        found: str = await database.fetchval("SELECT status FROM orders")
        return found

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        url = f"/v1/orders/{order}"
        await client.post(f"{url}/process", json={"version": 1}, headers=bearer)
        for change in (
            a_change(UUID(int=77), 1, "ready"),
            a_change(order, 1, "ready"),
            # Once more, and late.
            a_change(order, 1, "ready"),
            a_change(order, 2, "shipped"),
            a_change(order, 1, "ready"),
        ):
            await topics.publish(SHIPMENTS_EVENTS.name, str(change.order_id), change)
        await eventually(status, lambda found: found == "shipped")
        [shown] = (await client.get(url, headers=bearer)).json()["shipments"]
        assert (shown["carrier"], shown["parcels"][0]["tracking_number"]) == ("dhl", "JJD1")
        history = (await client.get(f"{url}/history", headers=bearer)).json()["data"]
        assert [line["kind"] for line in history] == ["entered", "command", *["shipments"] * 2]
        await client.post(f"{url}/deliver", json={"version": 3}, headers=bearer)
    records = await topics.all(ORDERS_EVENTS.name, at_least=5)
    told = [orjson.loads(record.value or b"")["data"] for record in records]
    assert [
        (one["status"], [of["status"] for of in one["shipments"]], one["changed_fields"])
        for one in told
    ] == [
        ("open", [], []),
        ("processing", [], ["status"]),
        ("processing", ["ready"], ["shipments"]),
        ("shipped", ["shipped"], ["shipments", "status"]),
        ("delivered", ["shipped"], ["status"]),
    ]
    await topics.publish("accounts.changed", str(shop.brand_id), erased(shop.brand_id))
    await eventually(
        lambda: database.fetchval("SELECT shipments FROM orders"), lambda left: left == "[]"
    )
