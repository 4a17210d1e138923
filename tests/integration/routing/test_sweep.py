"""The sweep and the fence on Postgres: no tenant waits for another, no switch starves."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from services.routing import assignment, store
from services.routing.assignment import Assigned
from services.routing.orders import Connection
from services.routing.settings import Settings
from services.routing.store import PendingHandover
from services.routing.sweep import Sweeper
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Database
from tests.kit.builders import a_connection, a_message
from tests.kit.routing_store_suite import change_of
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.engines


@pytest.fixture
async def routing(service_settings: dict[str, str]) -> AsyncIterator[Database]:
    assert service_settings, "set in this process"
    opened = Database(Settings(postgres_pool_size=40), "routing")
    await opened.open()
    yield opened
    await opened.close()


async def a_tenant(routing: Database, orders: int, payload_bytes: int = 100) -> Connection:
    """An active connection of a store of its own with open orders."""
    connection = a_connection(id=uuid7(), store_id=uuid7(), brand_id=uuid7(), three_pl_id=uuid7())
    payload = '{"note":"%s"}' % ("x" * payload_bytes)
    decisions = [
        assignment.receive(
            None,
            a_message(
                store_id=connection.store_id,
                brand_id=connection.brand_id,
                external_id=str(number),
                payload=payload,
            ),
            Assigned(connection),
            uuid7(),
        )
        for number in range(orders)
    ]
    async with routing.transaction() as session:
        await store.apply_connections(session, [change_of(connection)])
        await store.write(session, decisions)
    return connection


async def switch_off(routing: Database, connection: Connection) -> float:
    """End a connection as routing does; the seconds that the fence took."""
    ended = replace(connection, state=ConnectionState.INACTIVE, version=connection.version + 1)
    started = time.monotonic()
    async with routing.transaction() as session:
        await store.lock_connections(session, [change_of(ended)])
        await store.apply_connections(session, [change_of(ended)])
        pending = PendingHandover.of(ended, ended.epoch, "the connection is inactive")
        await store.record_handovers(session, [pending])
    return time.monotonic() - started


async def with_the_three_pl(routing: Database, connection: Connection) -> int:
    async with routing.session() as session:
        found: int = await session.fetchval(
            "SELECT count(*) FROM orders WHERE connection_id = $1", connection.id
        )
    return found


async def sweep(sweeper: Sweeper, times: int) -> None:
    for _ in range(times):
        await sweeper.sweep_once()


async def refuse_updates_of(routing: Database, brand_id: UUID) -> None:
    """Postgres refuses whatever would hand this brand's orders back."""
    async with routing.session() as session:
        await session.execute(
            f"""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '54000'; END $$;
            CREATE TRIGGER refuse BEFORE UPDATE ON orders FOR EACH ROW
            WHEN (NEW.brand_id = '{brand_id}') EXECUTE FUNCTION refuse();
            """
        )


async def test_a_hand_over_that_fails_waits_by_itself_and_the_others_go_on(
    routing: Database,
) -> None:
    broken, sound = await a_tenant(routing, 3), await a_tenant(routing, 3)
    await refuse_updates_of(routing, broken.brand_id)
    for connection in (broken, sound):
        await switch_off(routing, connection)
    await sweep(Sweeper(routing, chunk=100), times=4)
    assert await with_the_three_pl(routing, sound) == 0
    assert await with_the_three_pl(routing, broken) == 3
    async with routing.session() as session:
        row = await session.fetchrow(
            "SELECT state, failures, last_error, next_attempt_at > now() AS waits FROM handovers "
            "WHERE connection_id = $1",
            broken.id,
        )
    assert row is not None
    assert (row["state"], row["failures"], row["waits"]) == ("running", 1, True)
    assert "no" in row["last_error"]


async def test_a_hand_over_that_failed_is_done_once_it_can_be(routing: Database) -> None:
    connection = await a_tenant(routing, 3)
    await refuse_updates_of(routing, connection.brand_id)
    await switch_off(routing, connection)
    sweeper = Sweeper(routing, chunk=100)
    assert await sweeper.sweep_once()
    assert not await sweeper.sweep_once(), "it waits"
    async with routing.session() as session:
        await session.execute("DROP TRIGGER refuse ON orders")
        await session.execute("UPDATE handovers SET next_attempt_at = now()")
    await sweep(sweeper, times=2)
    assert await with_the_three_pl(routing, connection) == 0
    async with routing.session() as session:
        row = await session.fetchrow("SELECT state, returned, failures FROM handovers")
    assert row is not None
    assert tuple(row) == ("done", 3, 0)


async def test_a_large_hand_over_leaves_turns_to_a_small_one(routing: Database) -> None:
    large, small = await a_tenant(routing, 30), await a_tenant(routing, 2)
    await switch_off(routing, large)
    await switch_off(routing, small)
    await sweep(Sweeper(routing, chunk=5), times=2)
    assert await with_the_three_pl(routing, small) == 0
    assert await with_the_three_pl(routing, large) == 25


async def test_a_chunk_is_bounded_by_bytes_and_makes_progress_whatever_the_size(
    routing: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.routing.sweep._CHUNK_BYTES", 25_000)
    connection = await a_tenant(routing, 5, payload_bytes=10_000)
    await switch_off(routing, connection)
    sweeper, left = Sweeper(routing, chunk=100), []
    for _ in range(2):
        await sweeper.sweep_once()
        left.append(await with_the_three_pl(routing, connection))
    assert left == [2, 0]
    monkeypatch.setattr("services.routing.sweep._CHUNK_BYTES", 1)
    huge = await a_tenant(routing, 2, payload_bytes=10_000)
    await switch_off(routing, huge)
    await sweep(sweeper, times=3)
    assert await with_the_three_pl(routing, huge) == 0


async def test_a_switch_does_not_starve_among_readers_without_end(routing: Database) -> None:
    """Batches that overlap all the time: row locks alone would let each of them pass the switch."""
    connection = await a_tenant(routing, 1)
    over, batches, is_queued, passed = asyncio.Event(), 0, False, 0

    async def reader() -> None:
        nonlocal batches, passed
        while not over.is_set():
            began_behind = is_queued
            async with routing.transaction() as session:
                found = await store.lock_connections_of_stores(session, [connection.store_id])
                # As long as the batch takes; the locks are held meanwhile.
                await session.execute("SELECT pg_sleep(0.05)")
            batches += 1
            if found[connection.store_id][0].state is not ConnectionState.ACTIVE:
                over.set()
            elif began_behind:
                passed += 1

    async def queued() -> bool:
        async with routing.session() as session:
            return bool(
                await session.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%' "
                    "AND query NOT LIKE '%pg_stat_activity%'"
                )
            )

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for _ in range(24):
            tasks.create_task(reader())
        await wait_until(lambda: batches >= 24)
        switch = tasks.create_task(switch_off(routing, connection))
        while not switch.done() and not is_queued:
            is_queued = await queued()
    assert passed == 0, "whoever comes after the switch sees it"
    assert switch.done()
