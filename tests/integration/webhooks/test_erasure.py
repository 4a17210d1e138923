"""Case 22 in webhooks: bodies and answers of an erased account go; ids, times and states stay."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from relevo.operate.roles import role_of
from services.webhooks.erasure import eraser, store
from services.webhooks.settings import Settings
from shared.contracts.orders_events import OrderEventAttributes
from shared.kafka.topics import ACCOUNTS_CHANGED
from shared.postgres.database import Database
from shared.postgres.erased_accounts import ErasedAccounts
from shared.sealing import Sealer
from tests.integration.webhooks.conftest import MakeApp
from tests.integration.webhooks.test_returns import BUSY, ENDLESS, put, states
from tests.kit.leaks import tables_with
from tests.kit.publishers import EventPublisher, erased
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MARK = "Quux-Buyer"
_DECISIONS = """
SELECT d.id, e.id, d.order_id, d.sequence, e.type, d.attempts, d.state, e.created_at,
       (SELECT json_agg(json_build_array(a.number, a.at, a.status) ORDER BY a.id)::text
        FROM attempts a WHERE a.delivery_id = d.id)
FROM deliveries d JOIN events e ON e.id = d.event_id WHERE e.brand_id = $1 ORDER BY d.id
"""


def marked(shop: EventPublisher, order: UUID, sequence: int) -> tuple[OrderEventAttributes, bytes]:
    """An event that says who bought."""
    attributes, body = shop.event(order, sequence)
    return attributes, body.replace("Zoë".encode(), MARK.encode())


def unassigned(
    shop: EventPublisher, order: UUID, sequence: int
) -> tuple[OrderEventAttributes, bytes]:
    """The order goes back; as routing makes it, without the order."""
    attributes, body = shop.event(order, sequence)
    return replace(attributes, type="order.unassigned"), body


async def tell(shop: EventPublisher, account: UUID, kind: Any = "brand") -> None:
    await shop.topics.publish(ACCOUNTS_CHANGED.name, str(account), erased(account, kind))


async def test_what_was_sent_and_answered_goes_and_what_waits_is_never_sent(
    start: MakeApp,
    connection: EventPublisher,
    other_connection: EventPublisher,
    receiver: Receiver,
    other_receiver: Receiver,
    database: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    """Twice told, told before the rest comes; what is in memory is dropped, as is what comes."""

    async def echo(got: ReceivedWebhook) -> web.Response:
        return web.Response(text=got.body.decode())

    receiver.answer = other_receiver.answer = echo
    await start(**BUSY, **ENDLESS)
    for shop in (connection, other_connection):
        await shop.publish_connection()
    done, waiting, others = uuid7(), uuid7(), uuid7()
    await put(connection, marked(connection, done, 1), marked(connection, done, 2))
    await put(other_connection, marked(other_connection, others, 1))
    await states(database, done, "delivered", "delivered")
    await states(database, others, "delivered")
    untouched = await database.fetch(_DECISIONS, other_connection.brand_id)

    # One attempt hangs, the others wait in memory behind it.
    answered = asyncio.Event()

    async def late(got: ReceivedWebhook) -> web.Response:
        await answered.wait()
        return web.Response(text=got.body.decode())

    receiver.answer = late
    hanging = uuid7()
    await put(connection, marked(connection, hanging, 1))
    await receiver.has(3)
    await put(connection, marked(connection, waiting, 1), marked(connection, waiting, 2))
    await states(database, waiting, "pending", "pending")
    assert await tables_with(postgres_dsn, "webhooks", [MARK]) == {"events", "attempts"}
    before = await database.fetch(_DECISIONS, connection.brand_id)

    for _ in range(2):
        await tell(connection, connection.brand_id)
    await states(database, waiting, "superseded", "superseded")
    await states(database, hanging, "superseded")
    after = await database.fetch(_DECISIONS, connection.brand_id)
    assert [(*row[:6], *row[7:]) for row in after] == [(*row[:6], *row[7:]) for row in before]

    answered.set()
    await states(database, hanging, "delivered")
    stop, late_order = uuid7(), uuid7()
    await put(connection, marked(connection, late_order, 1), unassigned(connection, stop, 2))
    await states(database, stop, "delivered")
    told = [(got.order, got.sequence) for got in receiver.got[2:]]
    assert told == [(str(hanging), 1), (str(stop), 2)], "who must stop is still told"
    assert not await database.fetch("SELECT FROM deliveries WHERE order_id = $1", late_order)

    # The attempt that was under way wrote its answer after that: the second look finds it.
    assert await database.fetchval("SELECT count(*) FROM attempts WHERE response_head ~ $1", MARK)
    opened = Database(
        Settings(postgres_dsn=SecretStr(f"{postgres_dsn}?role={role_of('webhooks')}")), "webhooks"
    )
    await opened.open()

    async def once_more(account: UUID, kind: Any) -> None:
        await eraser.erase(opened, account, kind)

    await ErasedAccounts(opened, "webhooks", once_more, 3_600.0).settle()
    assert await database.fetchval("SELECT count(*) FROM erased_accounts WHERE settled_at IS NULL")
    await ErasedAccounts(opened, "webhooks", once_more, 0.0).settle()
    await opened.close()
    assert not await database.fetch("SELECT FROM erased_accounts WHERE settled_at IS NULL")
    assert await database.fetch(_DECISIONS, other_connection.brand_id) == untouched
    assert await database.fetchval(
        "SELECT body FROM events WHERE brand_id = $1", other_connection.brand_id
    )
    await database.execute("DELETE FROM events WHERE brand_id = $1", other_connection.brand_id)
    await database.execute(
        "DELETE FROM attempts WHERE delivery_id = (SELECT id FROM deliveries WHERE order_id = $1)",
        others,
    )
    assert await tables_with(postgres_dsn, "webhooks", [MARK]) == set()


async def test_a_3pl_that_is_erased_is_sent_nothing_and_leaves_no_address(
    start: MakeApp,
    connection: EventPublisher,
    receiver: Receiver,
    sealer: Sealer,
    database: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    """Whatever of connections and events is read later, or again from the start."""
    receiver.answer = receiver.hang
    await start(**BUSY, **ENDLESS)
    change = connection.change()
    await connection.publish_connection()
    busy, order, gone = uuid7(), uuid7(), uuid7()
    await put(connection, marked(connection, busy, 1))
    await receiver.has(1)
    await put(connection, marked(connection, order, 1), unassigned(connection, gone, 1))
    await states(database, order, "pending")
    await states(database, gone, "pending")
    secret = change.endpoints[0].sealed_secrets[0]
    # Told of lately: the next time is in an hour.
    endpoint = connection.endpoint_id
    await database.execute("INSERT INTO tallies VALUES ($1, now())", endpoint)
    await database.execute(
        "INSERT INTO tally_marks (subject_id, account_id, counted) VALUES ($1, $2, 1)",
        endpoint, connection.three_pl_id,
    )  # fmt: skip
    await tell(connection, connection.three_pl_id, "three_pl")
    await states(database, order, "superseded")
    await connection.publish_connection()
    new = EventPublisher(connection.topics, sealer, receiver.url)
    new.three_pl_id = connection.three_pl_id
    await new.publish_connection()
    other = EventPublisher(connection.topics, sealer, receiver.url)
    await other.publish_connection()
    await put(connection, marked(connection, uuid7(), 1), unassigned(connection, uuid7(), 2))
    receiver.will(200)
    await put(other, marked(other, last := uuid7(), 1))
    await states(database, last, "delivered")

    rows = await database.fetch(
        "SELECT url, sealed_url, sealed_secrets, state FROM endpoints WHERE three_pl_id = $1",
        connection.three_pl_id,
    )
    assert [tuple(row) for row in rows] == [(None, "", [], "disabled")]
    found = await database.fetch(
        "SELECT state FROM deliveries d JOIN events e ON e.id = d.event_id "
        "WHERE e.three_pl_id = $1", connection.three_pl_id,
    )  # fmt: skip
    assert [row["state"] for row in found] == ["superseded"] * 3
    assert await tables_with(postgres_dsn, "webhooks", [secret]) == set()
    assert await database.fetchval("SELECT count(*) FROM tally_marks") == 0
    assert len(receiver.got) == 2


async def test_after_a_crash_between_chunks_the_rest_is_erased(
    start: MakeApp,
    connection: EventPublisher,
    database: asyncpg.Connection,
    postgres_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The endpoint is not known yet: everything waits in Postgres. By the index of the account."""
    monkeypatch.setattr(eraser, "_CHUNK", 2)
    app = await start()
    orders = [uuid7() for _ in range(5)]
    await put(connection, *(marked(connection, order, 1) for order in orders))
    await states(database, orders[-1], "pending")
    await eventually(
        lambda: database.fetch("SELECT FROM deliveries"), lambda rows: len(rows) == len(orders)
    )
    erase, calls = store.erase_bodies, itertools.count()

    async def die(*arguments: Any) -> None:
        if next(calls) == 1:
            raise RuntimeError("dies here")
        await erase(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(store, "erase_bodies", die)
        with pytest.raises(RuntimeError):
            await eraser.erase(app.state.runtime.database, connection.brand_id, "brand")
        left = await database.fetch("SELECT FROM deliveries WHERE state = 'pending'")
        assert len(left) == 3
    await tell(connection, connection.brand_id)
    await eventually(
        lambda: tables_with(postgres_dsn, "webhooks", [MARK]), lambda tables: tables == set()
    )
    for order in orders:
        await states(database, order, "superseded")
    await database.execute("SET enable_seqscan = off")
    by_brand = await database.fetch(
        "EXPLAIN SELECT id FROM events WHERE brand_id = $1 AND id > $2 ORDER BY id LIMIT 500",
        *(uuid7(), UUID(int=0)),
    )
    assert "events_of_brand" in str(by_brand)
    assert "Sort" not in str(by_brand)
