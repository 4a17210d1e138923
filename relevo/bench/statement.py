"""`relevo bench fulfilment`, statements: what charging costs, and a month of very many charges."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median
from typing import Any, cast
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from relevo.bench.routing_database import routing_database
from services.fulfilment.ledger import charging
from services.fulfilment.ledger.charging import Chargeable
from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.ledger.months import period_of
from services.fulfilment.ledger.statements import statement, store
from services.fulfilment.ledger.statements.pdf import StatementPdf
from services.fulfilment.ledger.statements.statement import Statement
from shared.postgres.database import Database, Session

Json = dict[str, Any]
_BATCH, _BATCHES, _ROUNDS = 500, 20, 3
_THREE_PL, _BRAND = UUID(int=1), UUID(int=2)
_MONTH = f"{datetime.now(UTC):%Y-%m}"
_LIST = """
INSERT INTO price_lists (id, account_id, name, currency) VALUES ($1, $2, 'Prices', 'EUR')
"""
_VERSION = """
INSERT INTO price_list_versions (price_list_id, version, valid_from, prices)
VALUES ($1, 1, '2020-01-01', '{"per_order": "0.20", "per_item": "0.05"}')
"""
# As the ledger writes them, but for the ids; a pending row and a posted one for each charge.
_FILL = """
INSERT INTO ledger_entries (id, phase, pending_id, debit_account, credit_account, amount, currency,
    digits, price_list_id, version, item, basis, quantity, shipment_id, order_id, brand_id,
    three_pl_id)
SELECT md5($1 || n)::uuid, $1, CASE $1 WHEN 'posted' THEN md5('pending' || n)::uuid END, $2, $3,
    0.05, 'EUR', 2, $4, 1, 'per_item', 'item', 1, md5('s' || n)::uuid, md5('o' || n)::uuid, $5, $2
FROM generate_series($6::int, $7::int) AS n
"""
_CHUNK = 100_000


class _Reading:
    """A pool as statements read by it."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        async with self._pool.acquire() as session:
            yield session


def statements(say: Callable[[str], None], charges: int) -> Json:
    """Charge batches of shipments, fill a month up, read it in each form."""
    return asyncio.run(_measured(say, charges))


async def _measured(say: Callable[[str], None], charges: int) -> Json:
    async with routing_database(2, schema="fulfilment") as pool:
        async with pool.acquire() as session:
            list_id = uuid7()
            await session.execute(_LIST, list_id, OPERATOR)
            await session.execute(_VERSION, list_id)
            say(f"{_BATCHES} batches of {_BATCH} shipments are charged")
            took = [await _charge(session) for _ in range(_BATCHES)]
            say(f"{charges:,} charges in a month")
            for phase in ("pending", "posted"):
                for first in range(1, charges + 1, _CHUNK):
                    last = min(first + _CHUNK - 1, charges)
                    await session.execute(
                        _FILL, phase, _THREE_PL, OPERATOR, list_id, _BRAND, first, last
                    )
            await session.execute("VACUUM ANALYZE ledger_entries")
        database = cast("Database", _Reading(pool))
        before = _peak_mb()
        sums = [await _timed(_sums(pool)) for _ in range(_ROUNDS)]
        csv_seconds = await _timed(_csv(database))
        pdf_seconds = await _timed(_pdf(pool, database))
    return {
        "charges": charges,
        "shipments_charged_per_second": round(_BATCH / median(took)),
        "statement_ms": round(median(sums) * 1_000),
        "csv_seconds": round(csv_seconds, 2),
        "pdf_seconds": round(pdf_seconds, 2),
        "memory_grew_mb": round(_peak_mb() - before, 1),
    }


async def _charge(session: Session) -> float:
    """Seconds to charge a batch, from nothing to posted."""
    shipments = [
        Chargeable(
            uuid7(), uuid7(), _BRAND, _THREE_PL, _THREE_PL, 2, 400, "seur",
            own_contract=False, at=datetime.now(UTC),
        )
        for _ in range(_BATCH)
    ]  # fmt: skip
    started = time.perf_counter()
    async with session.transaction():
        await charging.pend(session, shipments)
        await charging.post(session, [one.shipment_id for one in shipments])
    return time.perf_counter() - started


async def _timed(work: Any) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


async def _sums(pool: asyncpg.Pool) -> Statement:
    since, until = period_of(_MONTH)
    async with pool.acquire() as session:
        opening = await store.opening(session, _THREE_PL, since)
        sums = await store.sums(session, _THREE_PL, since, until)
    amounts = {row["currency"]: row["amount"] for row in opening}
    currencies = statement.currencies_of(amounts, sums)
    return Statement(
        account_id=_THREE_PL, month=_MONTH, since=since, until=until, currencies=currencies
    )


async def _csv(database: Database) -> None:
    async for page in store.pages(database, _THREE_PL, *period_of(_MONTH)):
        statement.csv_lines(page)


async def _pdf(pool: asyncpg.Pool, database: Database) -> None:
    drawn = StatementPdf(await _sums(pool))
    async for page in store.pages(database, _THREE_PL, *period_of(_MONTH)):
        if not drawn.add(page):
            break
    drawn.finish()


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
