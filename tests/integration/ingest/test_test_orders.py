"""Test orders: as any order, marked, and cancelled when their time is over."""

from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ORDERS_RECEIVED
from shared.web.auth import Delegation
from tests.integration.ingest.conftest import Client, StoreOwner, known
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeToken = Callable[..., str]


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


async def received(topics: Topics, at_least: int) -> list[OrderReceived]:
    records = await topics.all(ORDERS_RECEIVED.name, at_least)
    return [OrderReceived.model_validate_json(record.value) for record in records]


async def test_ten_an_hour_by_the_brand_and_in_its_name_for_that_store(
    client: Client, shop: StoreOwner, topics: Topics, make_token: MakeToken
) -> None:
    path = f"/v1/stores/{shop.id}/test-order"
    brand = bearer(make_token(shop.brand_id, "brand"))

    def in_its_name(store_id: UUID) -> dict[str, str]:
        delegation = Delegation.of(
            {"connection": str(uuid4()), "connection_ver": 1, "epoch": 1, "store": str(store_id),
             "keys": False}
        )  # fmt: skip
        act = {"account": str(uuid4()), "sub": str(uuid4())}
        claims = {"act": act, **delegation.claims()}
        return bearer(make_token(shop.brand_id, "brand", "operator", **claims))

    made = await client.post(path, headers=brand)
    assert made.status_code == 202, made.text
    said = made.json()
    assert (said["number"], said["store_id"]) == ("TEST-1", str(shop.id))
    assert (await client.post(path, headers=in_its_name(shop.id))).json()["number"] == "TEST-2"
    others = [
        in_its_name(uuid4()), bearer(make_token(uuid4(), "brand")),
        bearer(make_token(uuid4(), "three_pl")),
    ]  # fmt: skip
    for headers in others:
        answer = await client.post(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    # Of a claim it is its 3PL's to send, until a brand has accepted.
    connection = OrderPublisher(topics)
    connection.store_id = shop.id
    its_3pl = bearer(make_token(connection.three_pl_id, "three_pl"))
    for state, status in ((ConnectionState.PENDING, 200), (ConnectionState.INACTIVE, 404)):
        await connection.set(state)

        async def asked() -> int:
            return (await client.get(f"/v1/stores/{shop.id}/arrivals", headers=its_3pl)).status_code

        await eventually(asked, lambda seen, wanted=status: seen == wanted)  # type: ignore[misc]
    viewer = bearer(make_token(shop.brand_id, "brand", "viewer"))
    assert (await client.post(path, headers=viewer)).json()["code"] == "role_required"
    assert (await client.post(path)).json()["code"] == "missing_token"

    first, second = sorted(await received(topics, 2), key=lambda one: one.order.number or "")  # type: ignore[union-attr]
    assert first.external_id == said["external_id"] != second.external_id
    assert (first.store_id, first.brand_id, first.action) == (shop.id, shop.brand_id, "upsert")
    assert first.order is not None
    assert first.order.test
    assert (first.order.number, first.order.cancelled_at) == ("TEST-1", None)
    assert sum(line.quantity for line in first.order.lines) == 3
    for _ in range(8):
        assert (await client.post(path, headers=brand)).status_code == 202
    over = await client.post(path, headers=brand)
    assert (over.status_code, over.json()["code"]) == (429, "too_many_attempts")
    assert 3_500 < int(over.headers["retry-after"]) <= 3_600


async def test_each_is_cancelled_once_by_a_process_that_comes_after(
    service_settings: dict[str, str],
    shop: StoreOwner,
    topics: Topics,
    postgres_dsn: str,
    make_token: MakeToken,
) -> None:
    brand = bearer(make_token(shop.brand_id, "brand"))
    path = f"/v1/stores/{shop.id}/test-order"
    async with running(create_app(Settings())) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        first = (await client.post(path, headers=brand)).json()
        await client.post(path, headers=brand)
    database = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "ingest"})
    # The first's hour is over. Of a third nobody knows whether it was accepted: a crash.
    await database.execute(
        "UPDATE test_orders SET cancel_at = made_at + interval '1 ms' WHERE number = 1"
    )
    await database.execute(
        "INSERT INTO test_orders (id, store_id, number, cancel_at) VALUES ($1, $2, 3, now())",
        uuid4(), shop.id,
    )  # fmt: skip

    async def left() -> int:
        return int(
            await database.fetchval("SELECT count(*) FROM test_orders WHERE cancelled_at IS NULL")
        )

    async with running(create_app(Settings())), running(create_app(Settings())):
        await eventually(left, lambda count: count == 1)
    all_ = await received(topics, 4)
    made, cancelled = [one for one in all_ if one.external_id == first["external_id"]]
    assert made.order is not None
    assert cancelled.order is not None
    assert cancelled.order.cancelled_at == cancelled.updated_at > made.updated_at
    assert (
        cancelled.order.model_copy(
            update={"cancelled_at": None, "updated_at": made.order.updated_at}
        )
        == made.order
    )
    (lost,) = [one for one in all_ if one.action == "delete"]
    assert lost.order is None
    assert len(all_) == 4
    await database.close()
