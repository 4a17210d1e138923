"""Case 22 in ingest: quarantine, spool and the stores of an erased brand."""

import itertools
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.ingest import store
from services.ingest.credentials import Stores
from services.ingest.erasure import eraser
from services.ingest.erasure import store as erasure
from shared.contracts.stores_changed import StoreChanged, StoreCredential
from shared.kafka.message import Message
from shared.kafka.topics import ACCOUNTS_CHANGED, ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Database, Session
from shared.postgres.erased_accounts import ErasedAccounts
from tests.integration.ingest.conftest import Client, StoreOwner, signed
from tests.integration.ingest.test_moved_stores import database as database  # noqa: PLC0414  a fixture
from tests.kit.leaks import tables_with
from tests.kit.publishers import NOON, OrderPublisher, Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MARK = "quux-shop.example"
ODD = f'{{"id": 1, "name": "{MARK}"}}'.encode()
NOBODY: Any = None


def a_store(shop: OrderPublisher, version: int, **fields: Any) -> StoreChanged:
    """The store as `connections` tells of it, credentials and all."""
    return StoreChanged(
        **{
            "store_id": shop.store_id, "brand_id": shop.brand_id, "platform": "shopify",
            "domain": MARK, "version": version, "changed_at": NOON,
            "credentials": (StoreCredential(id=uuid7(), kind="api_key", digest=MARK),), **fields,
        }
    )  # fmt: skip


async def fill(database: Database, shop: OrderPublisher) -> None:
    """A known store with five entries in quarantine and two orders in the spool."""
    async with database.transaction() as session:
        await store.keep_stores(session, [a_store(shop, 1)])
        for _ in range(5):
            await quarantined(session, shop)
        await outbox.write(
            session,
            [
                Message(ORDERS_RECEIVED.name, order.key, {}, order.model_dump_json().encode())
                for order in (shop.order("1", note=MARK), shop.order("2", note=MARK))
            ],
        )


async def quarantined(session: Session, shop: OrderPublisher) -> None:
    await store.quarantine(
        session, store_id=shop.store_id, brand_id=shop.brand_id, route="generic", reason=MARK,
        body=ODD, headers="{}",
    )  # fmt: skip


async def rows(database: Database, brand: UUID) -> dict[str, list[str]]:
    """What there is of a brand, by table, as text."""
    async with database.session() as session:
        return {
            table: [
                row[0]
                for row in await session.fetch(
                    f"SELECT t::text FROM {table} t WHERE {condition} ORDER BY 1",  # noqa: S608  of the test
                    str(brand),
                )
            ]
            for table, condition in {
                "quarantine": "brand_id::text = $1",
                "stores": "body->>'brand_id' = $1",
                "outbox": "position(convert_to($1, 'UTF8') IN value) > 0",
                "tally_marks": "account_id::text = $1",
            }.items()
        }


async def test_quarantine_and_spool_go_and_the_stores_ids_stay(
    database: Database, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eraser, "_CHUNK", 2)
    shop, other = OrderPublisher(NOBODY), OrderPublisher(NOBODY)
    for one in (shop, other):
        await fill(database, one)
    untouched = await rows(database, other.brand_id)
    assert [len(found) for found in untouched.values()] == [5, 1, 2, 5]
    drop, calls = erasure.drop_quarantine, itertools.count()

    async def die(*arguments: Any) -> int:
        if next(calls):
            raise ConnectionError("dies here")
        return await drop(*arguments)

    erase = partial(eraser.erase, database)
    accounts = ErasedAccounts(database, "ingest", erase, 3_600.0)
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "drop_quarantine", die)
        await accounts.apply([erased(shop.brand_id)])
        with pytest.raises(ConnectionError):
            await accounts.settle()
    assert len((await rows(database, shop.brand_id))["quarantine"]) == 3
    for _ in range(2):
        await accounts.apply([erased(shop.brand_id), erased(other.three_pl_id, "three_pl")])
        await accounts.settle()
    # Read again from the start, newer ones too; and what a claim brings to the brand.
    claim = OrderPublisher(NOBODY)
    joined = a_store(claim, 2, brand_id=shop.brand_id, former_brand_id=claim.brand_id)
    await fill(database, claim)
    async with database.transaction() as session:
        await quarantined(session, shop)
    await Stores(database, NOBODY, lambda: True).apply([a_store(shop, 1), joined])
    await Stores(database, NOBODY, lambda: True).apply([a_store(shop, 2)])
    left = await rows(database, shop.brand_id)
    assert [len(found) for found in left.values()] == [0, 2, 0, 0]
    assert not any(MARK in row for row in left["stores"])
    # What was under way the first time, as if it had been written only now: the second look.
    async with database.session() as session:
        await session.execute(
            "INSERT INTO quarantine (id, store_id, brand_id, route, reason, headers, body) "
            "VALUES ($1, $2, $3, 'generic', $4, '{}', '')",
            *(uuid7(), shop.store_id, shop.brand_id, MARK),
        )
    await ErasedAccounts(database, "ingest", erase, 0.0).settle()

    left = await rows(database, shop.brand_id)
    assert [len(found) for found in left.values()] == [0, 2, 0, 0]
    assert not any(MARK in row for row in left["stores"])
    assert str(shop.store_id) in "".join(left["stores"])
    assert await rows(database, other.brand_id) == untouched
    async with database.session() as session:
        await session.execute("DELETE FROM quarantine; DELETE FROM outbox")
        await session.execute(
            "DELETE FROM stores WHERE body->>'brand_id' = $1", str(other.brand_id)
        )
    assert await tables_with(postgres_dsn, "ingest", [MARK]) == set()


async def test_the_service_hears_of_it_and_keeps_nothing_that_comes_later(
    client: Client, shop: StoreOwner, topics: Topics, postgres_dsn: str
) -> None:
    async def send() -> int:
        answer = await client.post(f"/webhooks/shopify/{shop.id}", content=ODD, headers=signed(ODD))
        return answer.status_code

    assert await send() < 300
    assert await tables_with(postgres_dsn, "ingest", [MARK]) == {"quarantine"}
    await topics.publish(ACCOUNTS_CHANGED.name, str(shop.brand_id), erased(shop.brand_id))
    await eventually(
        lambda: tables_with(postgres_dsn, "ingest", [MARK]), lambda tables: tables == set()
    )
    # Its credentials go on another topic, which may be read later.
    assert await send() < 300
    assert await tables_with(postgres_dsn, "ingest", [MARK]) == set()
    await shop.publish(keys=(), secrets=())

    await eventually(send, lambda status: status == 401)
