"""`relevo bench growth`: does an order cost more when many are stored already?

Orders are filled in at once, as they stand when they are delivered, and autovacuum is spared its
wait; then real ones are sent on top, lists are read and a connection is switched off.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from relevo.bench import measure
from relevo.bench.path import run_once
from relevo.bench.run import Load, Progress, Sending, Sink, connect, ingest_urls, private_stack
from relevo.demo.client import Client, Connected, expect
from relevo.local.stack import Stack
from relevo.mails import of_folder

Json = dict[str, Any]
_STORES, _SENDERS, _RATE = 10, 64, 300.0
_WARM_UP, _BURST, _OPEN_LOOP = 500, 5_000, 3_000
_PAGES, _SWEPT = 20, 10_000
_IDS_OF_LOAD, _FILLED_ID = 10_000_000, 4_000_000_000_000_000
_CHUNK = 50_000
_SWEEP_SECONDS = 120
# What every order leaves behind once it is delivered; one in twenty is still in the Orders tab.
_FILL = """
WITH parties AS (
    SELECT (row_number() OVER (ORDER BY id) - 1)::int AS number, count(*) OVER ()::int AS parties,
           id AS connection_id, store_id, brand_id, three_pl_id, endpoint_id, epoch
    FROM routing.connections WHERE id = ANY($1::uuid[])
), filled AS (
    SELECT gen_random_uuid() AS id, gen_random_uuid() AS event_id, gen_random_uuid() AS delivery_id,
           p.*, n, CASE WHEN $4::bool OR n % 20 = 0 THEN 'open' ELSE 'delivered' END AS status,
           now() - interval '90 days' * random() AS at
    FROM generate_series($2::bigint, $3::bigint) n JOIN parties p ON n % p.parties = p.number
), orders AS (
    INSERT INTO routing.orders (
        id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch, settings_version,
        endpoint_id, status, version, sequence, source_updated_at, content_hash, payload,
        payload_bytes, cancel_too_late, tombstone, created_at, updated_at, accepted_at,
        source_created_at, number, total, currency, shipping_rules_owner, billing_owner,
        support_owner, log_generation, log_partition, log_offset, source_received_at, words)
    SELECT id, store_id, n::text, brand_id, three_pl_id, connection_id, epoch, 1, endpoint_id,
           status, 1, 1, at, decode(md5(n::text), 'hex'),
           json_build_object('external_id', n::text, 'note', repeat('x', 1400)), 1440, false, false,
           at, at, at, at, '#' || n, '63.90', 'EUR', 'brand', 'brand', 'brand', 0, 0, 0, at,
           n || ' #' || n || ' ana@example.com ana ruiz mug-' || n % 5000
    FROM filled
), history AS (
    INSERT INTO routing.order_history (order_id, at, kind, event, sequence, status, connection_id,
                                       why)
    SELECT id, at, 'entered', 'order.created', 1, status, connection_id, '{}' FROM filled
), events AS (
    INSERT INTO webhooks.events (id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
                                 sequence, body, created_at)
    SELECT event_id, id, store_id, brand_id, connection_id, three_pl_id, 'order.created', 1,
           convert_to(repeat('x', 1900), 'UTF8'), at
    FROM filled
), deliveries AS (
    INSERT INTO webhooks.deliveries (id, event_id, endpoint_id, order_id, sequence, state, attempts,
                                     due_at, created_at, delivered_at)
    SELECT delivery_id, event_id, endpoint_id, id, 1, 'delivered', 1, at, at, at FROM filled
), attempts AS (
    INSERT INTO webhooks.attempts (delivery_id, number, at, duration_ms, status, endpoint_id)
    SELECT delivery_id, 1, at, 20, 200, endpoint_id FROM filled
)
INSERT INTO fulfilment.orders (id, sequence, store_id, brand_id, three_pl_id, connection_id,
                               external_id, number, status, shipping_rules_owner, entered_at, facts)
SELECT id, 1, store_id, brand_id, three_pl_id, connection_id, n::text, '#' || n, status, 'brand',
       at, '{}'
FROM filled
"""
_SWEPT_IN = """
SELECT extract(epoch FROM finished_at - started_at)::float8 FROM routing.handovers
WHERE connection_id = $1 AND state = 'done'
"""


def growth(say: Callable[[str], None], progress: Progress, sizes: Sequence[int]) -> Json:
    """The same real orders, pages and hand-over on top of so many stored orders.

    Args:
        say: what is going on.
        progress: what was delivered, of how many.
        sizes: ascending.
    """
    steps: list[Json] = []
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            stores = connect(stack, [f"{sink.url}{n}" for n in range(_STORES + len(sizes))])
            # Each step hands the orders of one more connection back.
            busy, swept = stores[:_STORES], stores[_STORES:]
            run = _Run(stack, sink, busy, Path(scratch), progress)
            run.send(_WARM_UP, None)
            filled = 0
            for size, ending in zip(sizes, swept, strict=True):
                say(f"{size:,} orders are filled in")
                before = asyncio.run(_bytes(stack))
                asyncio.run(_fill(stack, busy, filled, size))
                added = (asyncio.run(_bytes(stack)) - before) / (size - filled)
                filled = size
                say("Real ones on top of them")
                steps.append({"orders": size, "disk_bytes_per_order": round(added)})
                steps[-1] |= _step(run, ending)
        finally:
            sink.end()
    return {
        "steps": steps,
        "ratios": ratios(steps),
        "balances": all(step["balances"] for step in steps),
        "machine": measure.machine(),
    }


def ratios(steps: Sequence[Json]) -> dict[str, float]:
    """The last step's figures in terms of the first one's. Pure."""
    first, last = steps[0], steps[-1]
    return {
        name: round(last[name] / first[name], 2)
        for name in first
        if name not in {"orders", "balances", "peak_rss_mb"} and first[name]
    }


class _Run:
    """Sends loads that share no order."""

    def __init__(
        self,
        stack: Stack,
        sink: Sink,
        stores: Sequence[Connected],
        folder: Path,
        progress: Progress,
    ) -> None:
        self.stack, self.sink, self.stores = stack, sink, stores
        self._folder, self._progress, self._sent = folder, progress, 0

    def send(self, orders: int, rate: float | None) -> Json:
        """What they cost, and how long they took."""
        self._sent += 1
        load = Load(orders, _SENDERS, rate, first_id=self._sent * _IDS_OF_LOAD)
        sending = Sending(ingest_urls(self.stack), self.stores, load, self._folder)
        return run_once(sending, self.sink, self.stack, self._progress)


def _step(run: _Run, ending: Connected) -> Json:
    burst, open_loop = run.send(_BURST, None), run.send(_OPEN_LOOP, _RATE)
    return {
        "burst_per_second": burst["orders_per_second"],
        "burst_cpu_per_1000": burst["cpu_seconds_per_1000"]["total"],
        "open_loop_p50_ms": open_loop["latency_ms"]["p50"],
        "open_loop_p99_ms": open_loop["latency_ms"]["p99"],
        "open_loop_cpu_per_1000": open_loop["cpu_seconds_per_1000"]["total"],
        "orders_tab_ms": _page(run),
        "sweep_seconds": _sweep(run.stack, ending),
        "balances": burst["balances"] and open_loop["balances"],
        "peak_rss_mb": open_loop["peak_rss_mb"],
    }


def _page(run: _Run) -> float:
    """Milliseconds of a page of 100 of the 3PL's Orders tab; the middle of many."""
    client = Client(run.stack.urls, of_folder(run.stack.mail_folder))
    took = []
    for _ in range(_PAGES):
        started = time.perf_counter()
        path = "/v1/orders?status=open&status=on_hold&limit=100"
        client.call("routing", "GET", path, run.stores[0].three_pl_token)
        took.append((time.perf_counter() - started) * 1_000)
    return round(median(took), 1)


def _sweep(stack: Stack, ending: Connected) -> float:
    """Seconds until the Orders tab of a connection went back to its brand."""
    asyncio.run(_fill(stack, [ending], 0, _SWEPT, is_open=True))
    client = Client(stack.urls, of_folder(stack.mail_folder))
    path = f"/v1/connections/{ending.connection_id}/deactivate"
    client.call("connections", "POST", path, ending.three_pl_token)
    found: list[float] = []

    def is_done() -> bool:
        found[:] = asyncio.run(_swept_in(stack, ending.connection_id))
        return bool(found)

    expect("the hand-over", is_done, seconds=_SWEEP_SECONDS, look_at=str(stack.log("routing")))
    return round(found[0], 2)


async def _swept_in(stack: Stack, connection_id: str) -> list[float]:
    async with _session(stack) as session:
        return [row[0] for row in await session.fetch(_SWEPT_IN, connection_id)]


async def _fill(
    stack: Stack, stores: Sequence[Connected], stored: int, size: int, *, is_open: bool = False
) -> None:
    connections = [store.connection_id for store in stores]
    async with _session(stack) as session:
        for first in range(stored, size, _CHUNK):
            last = min(first + _CHUNK, size) - 1
            bounds = (_FILLED_ID + first, _FILLED_ID + last)
            await session.execute(_FILL, connections, *bounds, is_open)
        await session.execute("VACUUM ANALYZE")


async def _bytes(stack: Stack) -> int:
    async with _session(stack) as session:
        found: int = await session.fetchval("SELECT pg_database_size(current_database())")
    return found


@asynccontextmanager
async def _session(stack: Stack) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(stack.dsn)
    try:
        yield session
    finally:
        await session.close()
