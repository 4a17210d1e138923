"""The quarantine: kept, listed, read again, dropped; by its brand alone."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families
from uuid_utils.compat import uuid7

from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.contracts.notices import OrdersQuarantined
from shared.contracts.orders_received import OrderReceived
from shared.kafka.topics import ORDERS_RECEIVED
from tests.integration.ingest.conftest import (
    BEARER,
    SHOPIFY_BODY,
    Client,
    StoreOwner,
    kept,
    known,
    signed,
)
from tests.kit.notices import notices
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

ODD = b'{"id": 1, "name": "#1"}'
Bearer = dict[str, str]


@pytest.fixture
def mine(shop: StoreOwner, make_token: Callable[..., str]) -> Bearer:
    return {"authorization": f"Bearer {make_token(shop.brand_id, 'brand')}"}


@pytest.fixture
def other(make_token: Callable[..., str]) -> Bearer:
    return {"authorization": f"Bearer {make_token(uuid7(), 'brand')}"}


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(postgres_dsn)
    yield session
    await session.close()


async def an_older_version_kept(
    database: asyncpg.Connection,
    shop: StoreOwner,
    bodies: Sequence[bytes],
    topic: str = "orders/create",
    received_at: datetime | None = None,
) -> list[UUID]:
    """As if this version's reading were the fix."""
    entries = [uuid7() for _ in bodies]
    headers = orjson.dumps({"x-shopify-topic": topic}).decode()
    await database.executemany(
        "INSERT INTO ingest.quarantine VALUES ($1, $2, $3, $4, 'shopify', 'old', $5, $6)",
        [
            (entry, shop.id, shop.brand_id, received_at or datetime.now(UTC), headers, body)
            for entry, body in zip(entries, bodies, strict=True)
        ],
    )
    return entries


async def entries_of(client: Client, bearer: Bearer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await client.get("/v1/quarantine", headers=bearer)).json()[
        "data"
    ]
    return listed


async def on_the_log(topics: Topics) -> list[OrderReceived]:
    records = await topics.all(ORDERS_RECEIVED.name)
    return [OrderReceived.model_validate_json(record.value) for record in records]


async def test_malformed_json_with_right_credentials_is_kept_and_listed(
    client: Client,
    shop: StoreOwner,
    make_token: Callable[..., str],
    postgres_dsn: str,
) -> None:
    generic = await client.post(
        f"/v1/stores/{shop.id}/orders", content=b'{"external_id": ', headers=BEARER
    )
    odd = b'{"id": 1, "name": "#1"}'
    shopify = await client.post(f"/webhooks/shopify/{shop.id}", content=odd, headers=signed(odd))
    assert (generic.status_code, generic.json()["status"]) == (202, "quarantined")
    assert (shopify.status_code, shopify.json()["status"]) == (200, "quarantined")

    mine = {"authorization": f"Bearer {make_token(shop.brand_id, 'brand')}"}
    listed = (await client.get("/v1/quarantine", headers=mine)).json()["data"]
    assert [entry["route"] for entry in listed] == ["shopify", "generic"]
    assert "/created_at" in listed[0]["reason"]
    one = await client.get(f"/v1/quarantine/{listed[0]['id']}", headers=mine)
    assert one.json()["body"].encode() == odd

    other = {"authorization": f"Bearer {make_token(uuid7(), 'brand')}"}
    assert (await client.get("/v1/quarantine", headers=other)).json()["data"] == []
    hidden = await client.get(f"/v1/quarantine/{listed[0]['id']}", headers=other)
    assert hidden.status_code == 404


async def test_what_is_understood_now_goes_on_the_log_with_its_own_time_and_leaves(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
) -> None:
    (entry,) = await an_older_version_kept(database, shop, [SHOPIFY_BODY])
    answer = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    (received,) = await on_the_log(topics)
    assert received.updated_at == datetime.fromisoformat(orjson.loads(SHOPIFY_BODY)["updated_at"])
    assert (received.store_id, received.brand_id) == (shop.id, shop.brand_id)
    assert await entries_of(client, mine) == []
    again = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_a_deletion_is_replayed_at_the_time_that_it_came(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
) -> None:
    came = datetime(2026, 3, 1, 12, tzinfo=UTC)
    await an_older_version_kept(database, shop, [b'{"id": 7}'], "orders/delete", came)
    await client.post("/v1/quarantine/replay", headers=mine)
    (received,) = await on_the_log(topics)
    assert (received.action, received.external_id, received.updated_at) == ("delete", "7", came)


async def test_what_is_about_no_order_leaves_without_one(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
) -> None:
    (entry,) = await an_older_version_kept(database, shop, [ODD], "carts/update")
    answer = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
    assert await entries_of(client, mine) == []
    assert await topics.all(ORDERS_RECEIVED.name) == []


async def test_what_is_still_not_understood_stays_with_the_newest_reason(
    client: Client, shop: StoreOwner, database: asyncpg.Connection, mine: Bearer
) -> None:
    (entry,) = await an_older_version_kept(database, shop, [ODD])
    answer = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert "/created_at" in [flaw["pointer"] for flaw in answer.json()["errors"]]
    (kept,) = await entries_of(client, mine)
    assert "/created_at" in kept["reason"]


async def test_all_of_a_store_in_bounded_calls_that_one_bad_entry_does_not_stop(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
) -> None:
    good = [SHOPIFY_BODY.replace(b"9007199254740993", b"%d" % n) for n in range(1, 130)]
    bad = (await an_older_version_kept(database, shop, [ODD, *good]))[0]
    elsewhere = {"store": str(uuid7())}
    none = await client.post("/v1/quarantine/replay", params=elsewhere, headers=mine)
    assert none.json() == {"accepted": 0, "ignored": 0, "failed": [], "left": 0, "next": None}

    first = await client.post("/v1/quarantine/replay", params={"store": str(shop.id)}, headers=mine)
    said = first.json()
    assert (said["accepted"], said["left"]) == (99, 30)
    assert [failed["id"] for failed in said["failed"]] == [str(bad)]
    rest = await client.post("/v1/quarantine/replay", params={"after": said["next"]}, headers=mine)
    assert rest.json() == {"accepted": 30, "ignored": 0, "failed": [], "left": 0, "next": None}
    assert [entry["id"] for entry in await entries_of(client, mine)] == [str(bad)]
    assert {received.external_id for received in await on_the_log(topics)} == {
        str(n) for n in range(1, 130)
    }


async def test_a_call_is_bounded_by_bytes_too(
    client: Client, shop: StoreOwner, database: asyncpg.Connection, mine: Bearer
) -> None:
    large = ODD + b" " * 1_000_000
    await an_older_version_kept(database, shop, [large] * 8)
    said = (await client.post("/v1/quarantine/replay", headers=mine)).json()
    assert (len(said["failed"]), said["left"]) == (5, 3)


async def test_an_entry_that_did_not_go_after_its_order_did_is_sent_once_more(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
) -> None:
    (entry,) = await an_older_version_kept(database, shop, [SHOPIFY_BODY])
    await database.execute(
        "CREATE FUNCTION ingest.lost() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'connection lost' USING ERRCODE = '08006'; END $$;"
        "CREATE TRIGGER lost BEFORE DELETE ON ingest.quarantine"
        " FOR EACH ROW EXECUTE FUNCTION ingest.lost()"
    )
    cut = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert cut.status_code >= 500
    await database.execute("DROP TRIGGER lost ON ingest.quarantine")
    again = await client.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert again.status_code == 200
    first, second = await on_the_log(topics)
    assert (first.key, first.updated_at, first.order) == (
        second.key,
        second.updated_at,
        second.order,
    )


async def test_with_nowhere_to_put_an_order_its_entry_stays(
    client: Client,
    shop: StoreOwner,
    database: asyncpg.Connection,
    service_settings: dict[str, str],
    mine: Bearer,
) -> None:
    """Kafka is away, and the spool takes nothing."""
    await kept(database)
    (entry,) = await an_older_version_kept(database, shop, [SHOPIFY_BODY])
    await database.execute("ALTER TABLE ingest.outbox RENAME TO gone")
    away = Settings(kafka="127.0.0.1:1", ingest_acknowledge_seconds=0.2)
    app = create_app(away)
    # As if it had read all that there is before Kafka went away.
    app.state.runtime.kafka.router.catch_ups.clear()
    async with running(app) as cut_off:
        await known(cut_off, shop)
        answer = await cut_off.post(f"/v1/quarantine/{entry}/replay", headers=mine)
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    assert [kept["id"] for kept in await entries_of(client, mine)] == [str(entry)]


async def test_an_entry_is_dropped_for_good(
    client: Client, shop: StoreOwner, database: asyncpg.Connection, mine: Bearer
) -> None:
    first, second = await an_older_version_kept(database, shop, [ODD, ODD])
    assert (await client.delete(f"/v1/quarantine/{first}", headers=mine)).status_code == 204
    assert (await client.delete(f"/v1/quarantine/{first}", headers=mine)).status_code == 404
    assert [entry["id"] for entry in await entries_of(client, mine)] == [str(second)]


async def test_another_brand_can_neither_replay_nor_drop(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: asyncpg.Connection,
    mine: Bearer,
    other: Bearer,
) -> None:
    (entry,) = await an_older_version_kept(database, shop, [SHOPIFY_BODY])
    one = await client.post(f"/v1/quarantine/{entry}/replay", headers=other)
    drop = await client.delete(f"/v1/quarantine/{entry}", headers=other)
    every = await client.post(
        "/v1/quarantine/replay", params={"store": str(shop.id)}, headers=other
    )
    assert (one.status_code, drop.status_code) == (404, 404)
    assert (every.json()["accepted"], every.json()["left"]) == (0, 0)
    assert len(await entries_of(client, mine)) == 1
    assert await topics.all(ORDERS_RECEIVED.name) == []


async def test_the_metrics_say_how_much_each_store_has_there(
    shop: StoreOwner, database: asyncpg.Connection, service_settings: dict[str, str]
) -> None:
    entries = await an_older_version_kept(database, shop, [ODD] * 3)
    async with running(create_app(Settings(ingest_measure_seconds=0.05))) as client:
        await ready(client)

        async def entries_of_shop() -> float | None:
            found = text_string_to_metric_families((await client.get("/metrics")).text)
            samples = [one for family in found for one in family.samples]
            values = [
                sample.value
                for sample in samples
                if sample.name == "relevo_quarantine_entries"
                and sample.labels["store"] == str(shop.id)
            ]
            return values[0] if values else None

        await eventually(entries_of_shop, lambda value: value == 3)
        await database.execute("DELETE FROM ingest.quarantine WHERE id = ANY($1)", entries)
        await eventually(entries_of_shop, lambda value: value is None)


async def test_its_brand_is_told_of_a_store_once_an_hour_by_counts_alone(
    shop: StoreOwner, topics: Topics, database: asyncpg.Connection, service_settings: dict[str, str]
) -> None:
    async def send(client: Client, count: int) -> None:
        for _ in range(count):
            path = f"/webhooks/shopify/{shop.id}"
            answer = await client.post(path, content=ODD, headers=signed(ODD))
            assert answer.json()["status"] == "quarantined"

    assert service_settings, "set in this process"
    async with running(create_app(Settings(ingest_measure_seconds=0.05))) as client:
        await ready(client)
        await shop.publish()
        await known(client, shop)
        await send(client, 1)
        (first,) = await notices(topics, 1)
        await send(client, 3)
        assert await database.fetchval("SELECT count(*) FROM ingest.tally_marks") == 3
        await database.execute("UPDATE ingest.tallies SET told_at = now() - interval '1 hour'")
        _, second = await notices(topics, 2)
        # An order that is understood is nothing to tell of.
        body = SHOPIFY_BODY
        await client.post(f"/webhooks/shopify/{shop.id}", content=body, headers=signed(body))
        assert await database.fetchval("SELECT count(*) FROM ingest.tally_marks") == 0

    assert {first.account_id, second.account_id} == {shop.brand_id}
    told = [one.data for one in (first, second) if isinstance(one.data, OrdersQuarantined)]
    assert [(data.store_id, data.entries) for data in told] == [(shop.id, 1), (shop.id, 3)]
