"""A brand accepts a claim: its orders are the brand's, each once, whatever comes when."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from relevo.operate.roles import role_of
from services.routing import received, store
from services.routing.lists import store as lists
from services.routing.lists.filter import OrderFilter, Viewer
from services.routing.moves import mover
from services.routing.moves import store as moves
from services.routing.parking import store as parking
from services.routing.parking.replay import Replayer
from services.routing.received import read_order
from services.routing.settings import Settings
from shared.contracts.orders_received import OrderReceived
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.failures import Transient
from shared.kafka.batch import Record
from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED, STORES_CHANGED
from shared.postgres.database import Database
from tests.kit.builders import a_connection
from tests.kit.locks import started_and_waiting
from tests.kit.publishers import NOON, OrderPublisher, Topics
from tests.kit.routing_store_suite import change_of
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
_offsets = itertools.count()
NOBODY: Any = None


class Shops:
    """The brand's own store, the claim that a 3PL made of the same shop, and routing's tables."""

    def __init__(self, routing: Database) -> None:
        self.routing = routing
        # Nothing is published: what they make is handed over.
        self.own, self.claim = OrderPublisher(NOBODY), OrderPublisher(NOBODY)

    def accepted(self, *, alias: bool = False, **fields: Any) -> StoreChanged:
        """What connections says of the claim's store from then on."""
        return StoreChanged(
            **{
                "store_id": self.claim.store_id, "brand_id": self.own.brand_id, "version": 2,
                "platform": "shopify", "domain": "a.example", "changed_at": NOON,
                "former_brand_id": self.claim.brand_id,
                "alias_of": self.own.store_id if alias else None, **fields,
            }
        )  # fmt: skip

    async def take(self, *orders: OrderReceived | Record) -> None:
        """Handle records as the handler does, in one transaction."""
        records = [
            read_order(order if isinstance(order, Record) else a_record(order)) for order in orders
        ]
        async with self.routing.transaction() as session:
            handled = await received.handle(session, records)
            if handled.parked:
                await store.park(session, handled.parked)

    async def apply(self, *changes: StoreChanged) -> None:
        for change in changes:
            moving = mover.Mover(self.routing)
            await moving.note([change])
            await moving.move_all()

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.routing.session() as session:
            return await session.fetch(query, *arguments)

    async def orders(self) -> dict[tuple[UUID, str], asyncpg.Record]:
        rows = await self.rows("SELECT * FROM orders")
        return {(row["store_id"], row["external_id"]): row for row in rows}

    async def sent_again(self) -> list[OrderReceived]:
        rows = await self.rows(
            "SELECT value FROM outbox WHERE topic = $1 ORDER BY id", ORDERS_RECEIVED.name
        )
        return [OrderReceived.model_validate_json(row["value"]) for row in rows]

    async def events(self) -> list[tuple[str, str]]:
        """Type and brand of each event so far."""
        rows = await self.rows(
            "SELECT headers FROM outbox WHERE topic = $1 ORDER BY id", ORDERS_EVENTS.name
        )
        found = [orjson.loads(row["headers"]) for row in rows]
        return [(headers["ce_type"], headers["ce_brandid"]) for headers in found]


def a_record(order: OrderReceived, value: bytes | None = None) -> Record:
    return Record(
        topic=ORDERS_RECEIVED.name,
        partition=0,
        offset=next(_offsets),
        key=order.key,
        headers={},
        value=value or order.model_dump_json().encode(),
        raw=None,
    )


def broken(order: OrderReceived) -> Record:
    """No release reads this one."""
    return a_record(order, order.model_dump_json().replace('"upsert"', '"odd"').encode())


@pytest.fixture
async def shops(
    service_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shops]:
    # So that a handful of orders takes several transactions.
    monkeypatch.setattr(mover, "_CHUNK", 2)
    # With the rights of the service, no more: history may only be added to.
    dsn = f"{service_settings['RELEVO_POSTGRES_DSN']}?role={role_of('routing')}"
    opened = Database(Settings(postgres_dsn=SecretStr(dsn)), "routing")
    await opened.open()
    yield Shops(opened)
    await opened.close()


# --- a claim becomes the brand's store -------------------------------------------------------


async def test_the_claims_orders_are_the_brands_and_nobody_elses_are(shops: Shops) -> None:
    other = OrderPublisher(NOBODY)
    other.brand_id = shops.claim.brand_id
    await shops.take(other.order("1"), *(shops.claim.order(str(n)) for n in range(5)))
    before = await shops.orders()
    await shops.apply(shops.accepted())
    after = await shops.orders()
    assert after.keys() == before.keys()
    for key, row in after.items():
        is_moved = key[0] == shops.claim.store_id
        assert row["id"] == before[key]["id"]
        assert row["brand_id"] == (shops.own.brand_id if is_moved else other.brand_id)
        assert (row["updated_at"] > before[key]["updated_at"]) == is_moved
    for brand, found in ((shops.own.brand_id, ["3"]), (shops.claim.brand_id, [])):
        async with shops.routing.reading() as session:
            shown = await lists.list_orders(
                session,
                Viewer(brand, as_three_pl=False),
                OrderFilter(q="#3"),
                "-accepted_at",
                None,
                9,
            )
        assert [order.external_id for order in shown] == found


async def test_what_still_names_the_claims_account_is_the_brands_too(shops: Shops) -> None:
    await shops.take(shops.claim.order("1"))
    await shops.apply(shops.accepted())
    await shops.take(shops.claim.order("1", 5, total="11.00"), shops.claim.order("2"))
    after = await shops.orders()
    assert {key: (row["brand_id"], row["total"]) for key, row in after.items()} == {
        (shops.claim.store_id, "1"): (shops.own.brand_id, "11.00"),
        (shops.claim.store_id, "2"): (shops.own.brand_id, "10.00"),
    }


async def test_a_change_before_any_order_counts_for_those_that_come(shops: Shops) -> None:
    await shops.apply(shops.accepted(alias=True))
    await shops.take(shops.claim.order("1"), shops.own.order("1", 5, total="11.00"))
    ((key, row),) = (await shops.orders()).items()
    assert key == (shops.own.store_id, "1")
    assert (row["brand_id"], row["total"], row["sequence"]) == (shops.own.brand_id, "11.00", 2)


async def test_after_a_crash_between_chunks_the_rest_moves_and_what_came_is_the_brands(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shops.take(*(shops.claim.order(str(n)) for n in range(5)))
    await interrupted(shops, shops.accepted(), monkeypatch)
    left = await shops.rows(
        "SELECT external_id FROM orders WHERE brand_id = $1", shops.claim.brand_id
    )
    assert len(left) == 3
    await shops.take(shops.claim.order(left[0]["external_id"], 5, total="11.00"))
    assert (await shops.events())[-1] == ("order.updated", str(shops.own.brand_id))
    await shops.apply(shops.accepted())
    after = await shops.orders()
    assert {row["brand_id"] for row in after.values()} == {shops.own.brand_id}
    assert len(after) == 5


async def interrupted(shops: Shops, change: StoreChanged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply a change; the process dies in its second chunk."""
    lock, times = moves.lock_orders_to_move, itertools.count()

    async def die(*arguments: Any) -> Any:
        if next(times):
            raise ConnectionError("dies here")
        return await lock(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(moves, "lock_orders_to_move", die)
        with pytest.raises(ConnectionError):
            await shops.apply(change)


# --- the brand has the shop already ----------------------------------------------------------


async def test_an_aliases_orders_are_those_of_the_brands_store(shops: Shops) -> None:
    await shops.take(*(shops.claim.order(str(n)) for n in range(5)), shops.own.order("own"))
    ids = {row["external_id"]: row["id"] for row in (await shops.orders()).values()}
    await shops.apply(shops.accepted(alias=True))
    after = await shops.orders()
    assert {key: row["id"] for key, row in after.items()} == {
        (shops.own.store_id, external_id): id_ for external_id, id_ in ids.items()
    }
    assert {row["brand_id"] for row in after.values()} == {shops.own.brand_id}
    assert await shops.sent_again() == []


async def test_an_order_that_both_know_stays_the_stores_and_an_older_copy_goes(
    shops: Shops,
) -> None:
    connection = a_connection(
        id=uuid7(), store_id=shops.own.store_id, brand_id=shops.own.brand_id, three_pl_id=uuid7()
    )
    async with shops.routing.transaction() as session:
        await store.apply_connections(session, [change_of(connection)])
    await shops.take(
        shops.claim.order("1", financial_status="pending"),
        shops.own.order("1", 5),
        shops.own.order("2"),
    )
    before = await shops.orders()
    copy = before.pop((shops.claim.store_id, "1"))
    await shops.apply(shops.accepted(alias=True))
    after = await shops.orders()
    assert {key: tuple(row) for key, row in after.items()} == {
        key: tuple(row) for key, row in before.items()
    }
    assert after[shops.own.store_id, "1"]["connection_id"] == connection.id
    assert copy["status"] == "on_hold"
    assert await shops.rows("SELECT FROM holds") == []
    assert await shops.sent_again() == []


async def test_what_a_newer_copy_knew_is_decided_on_like_any_update(shops: Shops) -> None:
    newer = shops.claim.order("1", 5, total="11.00", financial_status="pending")
    await shops.take(shops.own.order("1"), newer)
    kept = (await shops.orders())[shops.own.store_id, "1"]
    rules = PaymentRules(hold_unpaid=False)
    await shops.apply(shops.accepted(alias=True, payment_rules=rules))
    (again,) = await shops.sent_again()
    assert (again.key, again.brand_id) == (f"{shops.own.store_id}:1", shops.own.brand_id)
    assert (again.order, again.updated_at) == (newer.order, newer.updated_at)
    assert again.payment_rules == rules
    await shops.take(again)
    ((key, row),) = (await shops.orders()).items()
    assert key == (shops.own.store_id, "1")
    assert (row["id"], row["total"], row["sequence"]) == (kept["id"], "11.00", 2)
    assert row["status"] == "open", "by the rules of the brand's store"
    assert (await shops.events())[-1] == ("order.updated", str(shops.own.brand_id))


async def test_what_is_sent_again_does_not_pass_what_came_later(shops: Shops) -> None:
    """However much later: by an old receipt it would count as newer than anything."""
    old = shops.claim.order("1", 5, total="11.00")
    old = old.model_copy(update={"received_at": NOON})
    await shops.take(shops.own.order("1"), old)
    await shops.apply(shops.accepted(alias=True))
    (again,) = await shops.sent_again()
    await shops.take(shops.own.order("1", 3_600, total="12.00"), again)
    ((_, row),) = (await shops.orders()).items()
    assert row["total"] == "12.00"


async def test_a_deletion_that_only_the_copy_knew_is_sent_again(shops: Shops) -> None:
    gone = shops.claim.order("1", 1).model_copy(update={"action": "delete", "order": None})
    await shops.take(shops.claim.order("1"), gone, shops.own.order("1", 5))
    await shops.apply(shops.accepted(alias=True))
    (again,) = await shops.sent_again()
    assert (again.action, again.order) == ("delete", None)
    await shops.take(again)
    ((_, row),) = (await shops.orders()).items()
    assert (row["status"], row["tombstone"]) == ("cancelled", True)


async def test_an_update_between_chunks_is_the_stores_and_the_rest_is_a_copy(
    shops: Shops, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shops.take(*(shops.claim.order(str(n)) for n in range(5)))
    await interrupted(shops, shops.accepted(alias=True), monkeypatch)
    left = [key for key in await shops.orders() if key[0] == shops.claim.store_id]
    assert len(left) == 3
    await shops.take(shops.claim.order(left[0][1], 5, total="11.00"))
    await shops.apply(shops.accepted(alias=True))
    after = await shops.orders()
    assert set(after) == {(shops.own.store_id, str(n)) for n in range(5)}
    assert after[shops.own.store_id, left[0][1]]["total"] == "11.00"
    assert await shops.sent_again() == []


async def test_twice_is_once_and_an_older_version_changes_nothing(shops: Shops) -> None:
    await shops.take(shops.claim.order("1", 5), shops.own.order("1"))
    newest = shops.accepted(alias=True, version=3)
    older = shops.accepted(version=2, brand_id=uuid7())
    await shops.apply(newest, newest)
    before = await shops.orders()
    await shops.apply(older)
    assert [tuple(row) for row in await shops.rows("SELECT id, store_id FROM moved_stores")] == [
        (shops.claim.store_id, shops.own.store_id)
    ]
    assert {key: tuple(row) for key, row in (await shops.orders()).items()} == {
        key: tuple(row) for key, row in before.items()
    }
    assert len(await shops.sent_again()) == 1
    await shops.take(shops.claim.order("2"))
    assert (shops.own.store_id, "2") in await shops.orders()


# --- parked records --------------------------------------------------------------------------


async def test_what_was_parked_holds_its_order_back_after_the_move_and_comes_back_in_order(
    shops: Shops,
) -> None:
    await shops.take(broken(shops.claim.order("1", 1, total="11.00")))
    await shops.apply(shops.accepted(alias=True))
    await shops.take(shops.own.order("1", 2, total="12.00"), shops.claim.order("1", 3))
    rows = await shops.rows("SELECT id, store_id, external_id FROM parked_records ORDER BY id")
    assert [tuple(row)[1:] for row in rows] == [(shops.own.store_id, "1")] * 3
    assert await shops.orders() == {}

    async with shops.routing.session() as session:
        await session.execute(
            "UPDATE parked_records SET value = convert_to(replace(convert_from(value, 'UTF8'), "
            "'\"odd\"', '\"upsert\"'), 'UTF8')"
        )
        await parking.request_replay(session, [rows[2]["id"]])
    assert await Replayer(shops.routing, received.handle_again).replay_once()
    ((key, row),) = (await shops.orders()).items()
    assert (key, row["brand_id"]) == ((shops.own.store_id, "1"), shops.own.brand_id)
    assert row["sequence"] == 3
    assert await shops.rows("SELECT FROM parked_records") == []


async def test_a_record_that_fails_alone_is_parked_where_its_order_is_now(shops: Shops) -> None:
    await shops.apply(shops.accepted(alias=True))
    order = read_order(a_record(shops.claim.order("1")))
    async with shops.routing.transaction() as session:
        await received.park(session, order, "Postgres refuses it")
    (row,) = await shops.rows("SELECT store_id FROM parked_records")
    assert row["store_id"] == shops.own.store_id


async def test_a_replay_and_a_move_wait_for_each_other_in_no_circle(
    shops: Shops, postgres_dsn: str
) -> None:
    await shops.take(broken(shops.claim.order("1")), shops.claim.order("2"))
    async with shops.routing.session() as session:
        await parking.request_replay(session, None)
    moving: asyncio.Task[None] | None = None

    async def handle(session: Any, records: Any) -> Any:
        nonlocal moving
        moving = await started_and_waiting(
            postgres_dsn, shops.apply(shops.accepted(alias=True)), "pg_advisory_xact_lock("
        )
        return await received.handle_again(session, records)

    assert await Replayer(shops.routing, handle).replay_once()
    assert moving is not None
    await moving
    (row,) = await shops.rows("SELECT store_id FROM parked_records")
    assert row["store_id"] == shops.own.store_id
    assert (shops.own.store_id, "2") in await shops.orders()


async def test_a_replay_that_waits_for_a_move_finds_its_records_at_the_next_look(
    shops: Shops, postgres_dsn: str
) -> None:
    await shops.take(broken(shops.claim.order("1")))
    async with shops.routing.session() as session:
        await parking.request_replay(session, None)
    move = mover.move_of(shops.accepted(alias=True))
    assert move is not None
    replayer = Replayer(shops.routing, received.handle_again)
    async with shops.routing.transaction() as session:
        await moves.close_gates(session, [move])
        await moves.note_moves(session, [move])
        replay = await started_and_waiting(
            postgres_dsn, replayer.replay_once(), "pg_advisory_xact_lock_shared"
        )
        await moves.rename_parked(session, [move.claim_store_id])
    assert not await replay
    assert await replayer.replay_once()
    (row,) = await shops.rows("SELECT store_id, replays FROM parked_records")
    assert (row["store_id"], row["replays"]) == (shops.own.store_id, 1)


# --- a batch and a move at once --------------------------------------------------------------


async def test_a_move_waits_for_a_batch_that_decides_and_moves_what_it_wrote(
    shops: Shops, postgres_dsn: str
) -> None:
    async with shops.routing.transaction() as session:
        await received.handle(session, [read_order(a_record(shops.claim.order("1")))])
        moving = await started_and_waiting(
            postgres_dsn, shops.apply(shops.accepted(alias=True)), "pg_advisory_xact_lock("
        )
    await moving
    assert set(await shops.orders()) == {(shops.own.store_id, "1")}


async def test_a_move_waits_for_a_batch_of_the_store_that_an_alias_counts_for(
    shops: Shops, postgres_dsn: str
) -> None:
    """Else both would write the order under its new key."""
    await shops.take(shops.claim.order("1"))
    async with shops.routing.transaction() as session:
        await received.handle(session, [read_order(a_record(shops.own.order("1")))])
        moving = await started_and_waiting(
            postgres_dsn, shops.apply(shops.accepted(alias=True)), "pg_advisory_xact_lock("
        )
    await moving
    assert set(await shops.orders()) == {(shops.own.store_id, "1")}


@pytest.mark.parametrize("alias", [True, False])
async def test_a_batch_that_waited_for_a_move_decides_by_it(
    shops: Shops, postgres_dsn: str, *, alias: bool
) -> None:
    move = mover.move_of(shops.accepted(alias=alias))
    assert move is not None
    order = shops.claim.order("1")
    async with shops.routing.transaction() as session:
        await moves.close_gates(session, [move])
        await moves.note_moves(session, [move])
        batch = await started_and_waiting(
            postgres_dsn, shops.take(order), "pg_advisory_xact_lock_shared"
        )
    # It did not know that it would need the gates of the brand, and of the other store: the handler
    # tries again.
    with pytest.raises(Transient):
        await batch
    await shops.take(order)
    ((key, row),) = (await shops.orders()).items()
    assert (key, row["brand_id"]) == ((move.store_id, "1"), shops.own.brand_id)


async def test_whatever_comes_while_a_claim_is_accepted_every_order_is_one_in_its_newest_state(
    shops: Shops, app: FastAPI, topics: Topics
) -> None:
    assert app, "routing runs"
    shops.own.topics = shops.claim.topics = topics
    changes = [
        shops.accepted(alias=True, version=3),
        shops.accepted(alias=True, version=3),
        shops.accepted(alias=True, version=2),
    ]
    newest: dict[str, str] = {}

    async def send(first: int) -> None:
        for n, seconds in itertools.product(range(20), range(3)):
            sender = (shops.own, shops.claim)[(n + seconds) % 2]
            external_id, total = str(first + n), f"{10 + seconds}.00"
            newest[external_id] = total
            await sender.send(sender.order(external_id, seconds, total=total))

    await send(0)
    await eventually(shops.orders, lambda rows: len(rows) > 10)
    sending = asyncio.create_task(send(20))
    for change in changes:
        await topics.publish(STORES_CHANGED.name, str(change.store_id), change)
    # To the end under the claim's id: ingest has not heard of it.
    await sending

    async def now() -> dict[tuple[UUID, str], str]:
        unsent = await shops.rows("SELECT FROM outbox")
        return {} if unsent else {key: row["total"] for key, row in (await shops.orders()).items()}

    wanted = {(shops.own.store_id, external_id): total for external_id, total in newest.items()}
    await eventually(now, lambda found: found == wanted, seconds=40)
    rows = await shops.orders()
    assert {row["brand_id"] for row in rows.values()} == {shops.own.brand_id}
