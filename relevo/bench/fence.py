"""`relevo bench fence`: how long does a switch-off wait for those who hold the connection?"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
from uuid_utils.compat import uuid7

from relevo.bench import ledger, measure
from relevo.bench.routing_database import routing_database
from services.routing import store
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionSettings,
    ConnectionState,
)

Json = dict[str, Any]
_SPARE_SESSIONS = 2


def fence(
    say: Callable[[str], None], progress: Callable[[int, int], None], holders: int, hold_ms: float,
    switches: int,
) -> Json:  # fmt: skip
    """Readers without end, each holding for `hold_ms`, and switches that have to come through."""
    return asyncio.run(_fence(say, progress, holders, hold_ms, switches))


async def _fence(
    say: Callable[[str], None], progress: Callable[[int, int], None], holders: int, hold_ms: float,
    switches: int,
) -> Json:  # fmt: skip
    say("PostgreSQL starts")
    async with routing_database(holders + _SPARE_SESSIONS) as pool:
        change = _a_connection()
        async with pool.acquire() as session, session.transaction():
            await store.apply_connections(session, [change])
        held = [0]
        readers = [
            asyncio.create_task(_hold(pool, change, hold_ms / 1_000, held)) for _ in range(holders)
        ]
        waits = []
        try:
            say(f"{holders} holders of {hold_ms:g} ms, {switches} switches")
            for number in range(switches):
                change = _switched(change)
                started = time.monotonic()
                async with pool.acquire() as session, session.transaction():
                    await store.lock_connections(session, [change])
                    await store.apply_connections(session, [change])
                waits.append((time.monotonic() - started) * 1_000)
                progress(number + 1, switches)
                # As many readers as ever are at it again before the next one.
                await asyncio.sleep(hold_ms / 1_000)
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
    return {
        "holders": holders,
        "hold_ms": hold_ms,
        "switches": switches,
        "held": held[0],
        "switch_ms": ledger.percentiles(sorted(waits)),
        "balances": len(waits) == switches,
        "machine": measure.machine(),
    }


async def _hold(
    pool: asyncpg.Pool, change: ConnectionChanged, seconds: float, held: list[int]
) -> None:
    """As a batch or a command does, again and again."""
    while True:
        async with pool.acquire() as session, session.transaction():
            await store.lock_connections_of_stores(session, [change.store_id])
            await asyncio.sleep(seconds)
            held[0] += 1


def _a_connection() -> ConnectionChanged:
    return ConnectionChanged(
        connection_id=uuid7(),
        store_id=uuid7(),
        brand_id=uuid7(),
        three_pl_id=uuid7(),
        state=ConnectionState.ACTIVE,
        version=1,
        epoch=1,
        priority=1,
        settings=ConnectionSettings(version=1),
        changed_at=datetime.now(UTC),
    )


def _switched(change: ConnectionChanged) -> ConnectionChanged:
    on = change.state is not ConnectionState.ACTIVE
    return change.model_copy(
        update={
            "state": ConnectionState.ACTIVE if on else ConnectionState.INACTIVE,
            "version": change.version + 1,
            "epoch": change.epoch + on,
        }
    )
