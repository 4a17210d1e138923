"""A store that a brand accepted from a 3PL's claim: what it sends, and what it had sent."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from relevo.operate.roles import role_of
from services.ingest import store
from services.ingest.settings import Settings
from shared.contracts.orders_received import OrderReceived
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.kafka.topics import ORDERS_RECEIVED
from shared.postgres.database import Database
from tests.integration.ingest.conftest import (
    BEARER,
    SHOPIFY_BODY,
    Client,
    StoreOwner,
    an_order,
    signed,
)
from tests.kit.locks import started_and_waiting
from tests.kit.publishers import NOON, Topics
from tests.kit.waiting import eventually

ODD = b'{"id": 1, "name": "#1"}'


@pytest.fixture
async def database(service_settings: dict[str, str]) -> AsyncIterator[Database]:
    dsn = f"{service_settings['RELEVO_POSTGRES_DSN']}?role={role_of('ingest')}"
    opened = Database(Settings(postgres_dsn=SecretStr(dsn)), "ingest")
    await opened.open()
    yield opened
    await opened.close()


async def accepted(
    shop: StoreOwner, database: Database, brand_id: UUID, alias_of: UUID | None = None
) -> UUID:
    """The claim `shop` is the brand's; the account that it was of. Returns once ingest knows."""
    former, shop.brand_id = shop.brand_id, brand_id
    rules = PaymentRules(hold_unpaid=False)
    await shop.publish(former_brand_id=former, alias_of=alias_of, payment_rules=rules)

    async def kept() -> Any:
        async with database.session() as session:
            return await session.fetchval(
                "SELECT body->>'brand_id' FROM stores WHERE id = $1", shop.id
            )

    await eventually(kept, lambda found: found == str(brand_id))
    return former


async def entries(database: Database) -> dict[UUID, UUID]:
    """Whose each entry of the quarantine is."""
    async with database.session() as session:
        rows = await session.fetch("SELECT id, brand_id FROM quarantine")
    return {row["id"]: row["brand_id"] for row in rows}


async def an_entry(database: Database, store_id: UUID, brand_id: UUID, body: bytes) -> UUID:
    async with database.session() as session:
        return await store.quarantine(
            session, store_id=store_id, brand_id=brand_id, route="shopify", reason="old", body=body,
            headers='{"x-shopify-topic":"orders/create"}',
        )  # fmt: skip


async def on_the_log(topics: Topics, count: int) -> list[OrderReceived]:
    records = await topics.all(ORDERS_RECEIVED.name, at_least=count)
    return [OrderReceived.model_validate_json(record.value) for record in records]


async def test_an_alias_proves_itself_by_its_own_credentials_and_its_orders_count_for_the_store(
    client: Client, shop: StoreOwner, topics: Topics, database: Database
) -> None:
    brand, canonical = uuid7(), uuid7()
    await accepted(shop, database, brand, canonical)
    generic = await client.post(f"/v1/stores/{shop.id}/orders", json=an_order("1"), headers=BEARER)
    shopify = await client.post(
        f"/webhooks/shopify/{shop.id}", content=SHOPIFY_BODY, headers=signed(SHOPIFY_BODY)
    )
    assert (generic.status_code, shopify.status_code) == (202, 200)
    found = await on_the_log(topics, 2)
    assert {(one.store_id, one.brand_id) for one in found} == {(canonical, brand)}
    assert {one.payment_rules.hold_unpaid for one in found} == {False}
    records = await topics.all(ORDERS_RECEIVED.name)
    assert {(record.key or b"").decode() for record in records} == {one.key for one in found}


async def test_what_a_claim_had_in_quarantine_is_the_brands_and_can_be_replayed(
    client: Client,
    shop: StoreOwner,
    topics: Topics,
    database: Database,
    make_token: Callable[..., str],
) -> None:
    brand, canonical = uuid7(), uuid7()
    before = await an_entry(database, shop.id, shop.brand_id, SHOPIFY_BODY)
    strangers = await an_entry(database, uuid7(), shop.brand_id, ODD)
    former = await accepted(shop, database, brand, canonical)
    odd = await client.post(f"/webhooks/shopify/{shop.id}", content=ODD, headers=signed(ODD))
    assert odd.json()["status"] == "quarantined"
    after = await entries(database)
    assert (after.pop(before), after.pop(strangers)) == (brand, former)
    assert list(after.values()) == [brand], "what comes later too"

    mine = {"authorization": f"Bearer {make_token(brand, 'brand')}"}
    answer = await client.post(f"/v1/quarantine/{before}/replay", headers=mine)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    (received,) = await on_the_log(topics, 1)
    assert (received.store_id, received.brand_id) == (canonical, brand)


async def test_the_same_change_read_again_moves_what_is_left(
    client: Client, shop: StoreOwner, database: Database
) -> None:
    assert client, "ingest runs"
    former = await accepted(shop, database, uuid7())
    # As if a process that had not heard of it yet had written it before it was kept.
    async with database.session() as session:
        await session.execute(
            "INSERT INTO quarantine (id, store_id, brand_id, route, reason, headers, body) "
            "VALUES ($1, $2, $3, 'generic', 'old', '{}', '')",
            uuid7(),
            shop.id,
            former,
        )
    await shop.publish(former_brand_id=former)

    async def whose() -> list[UUID]:
        return list((await entries(database)).values())

    await eventually(whose, lambda found: found == [shop.brand_id])


async def test_an_entry_that_is_written_while_the_store_moves_is_the_brands(
    database: Database, postgres_dsn: str
) -> None:
    """Its sender was looked up before; the change is kept while it is being written."""
    store_id, former, brand = uuid7(), uuid7(), uuid7()
    before = StoreChanged(
        store_id=store_id, brand_id=former, platform="shopify", domain="a.example", version=1,
        changed_at=NOON,
    )  # fmt: skip
    after = before.model_copy(update={"brand_id": brand, "former_brand_id": former, "version": 2})
    async with database.session() as session:
        await store.keep_stores(session, [before])
    async with database.transaction() as session:
        await store.keep_stores(session, [after])
        await store.move_quarantine(session, [after])
        writing = await started_and_waiting(
            postgres_dsn, an_entry(database, store_id, former, ODD), "INSERT INTO quarantine"
        )
    entry = await writing
    assert await entries(database) == {entry: brand}
