"""`relevo bench handover`: from an order's return to the moment that nothing of it can begin."""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from relevo.bench import ledger, measure
from relevo.bench.run import Load, Progress, Sending, Sink, connect, ingest_urls, private_stack
from relevo.demo.client import Client, expect
from relevo.local.stack import Stack
from relevo.mails import of_folder

Json = dict[str, Any]
_HEALTHY = 4
_SENDERS = 32
_WAIT_SECONDS = 120
_KNOWN = "SELECT count(*) FROM routing.orders"
_READ = "SELECT count(*) FROM webhooks.events WHERE type = 'order.unassigned'"
_RETURNS = """
SELECT extract(epoch FROM d.created_at
               - (convert_from(e.body, 'UTF8')::json->>'timestamp')::timestamptz)::float8 * 1000
           AS ms, d.state, d.created_at, d.order_id
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id
WHERE e.type = 'order.unassigned'
"""
# First attempts of anything of an order after its return was read.
_LATE = """
WITH returns AS (SELECT d.order_id, d.endpoint_id, d.created_at
                 FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id
                 WHERE e.type = 'order.unassigned')
SELECT count(*) FROM returns r
JOIN webhooks.deliveries d ON d.order_id = r.order_id AND d.endpoint_id = r.endpoint_id
JOIN webhooks.events e ON e.id = d.event_id AND e.type <> 'order.unassigned'
JOIN webhooks.attempts a ON a.delivery_id = d.id AND a.number = 1 AND a.at > r.created_at
"""
_SUPERSEDED = """
SELECT count(*) FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id
WHERE e.type = 'order.created' AND d.state = 'superseded'
"""


def handover(say: Callable[[str], None], progress: Progress, orders: int) -> Json:
    """Switch off what is busy: healthy endpoints, and one that accepts and never answers."""
    with private_stack(say) as stack, tempfile.TemporaryDirectory() as scratch:
        sink = Sink()
        try:
            urls = [f"{sink.url}{n}" for n in range(_HEALTHY)]
            stores = connect(stack, [*urls, f"{sink.hanging_url}0"])
            say(f"{orders} orders, a fifth of them for an endpoint that never answers")
            load = Load(orders, _SENDERS, None)
            sending = Sending(ingest_urls(stack), stores, load, Path(scratch))
            sending.start()
            sending.result()
            _wait_for(stack, _KNOWN, orders, "routing to know every order")
            say("Every connection is switched off")
            client = Client(stack.urls, of_folder(stack.mail_folder))
            for store in stores:
                path = f"/v1/connections/{store.connection_id}/deactivate"
                client.call("connections", "POST", path, store.three_pl_token)
            _wait_for(stack, _READ, orders, "webhooks to have read every return", progress)
            return asyncio.run(_figures(stack, orders))
        finally:
            sink.end()


def _wait_for(
    stack: Stack, query: str, count: int, what: str, progress: Progress = lambda *_: None
) -> None:
    def look() -> bool:
        found = asyncio.run(_value(stack, query))
        progress(found, count)
        return found >= count

    expect(what, look, seconds=_WAIT_SECONDS, look_at=str(stack.log("webhooks")))


async def _value(stack: Stack, query: str) -> int:
    session = await asyncpg.connect(stack.dsn)
    try:
        found: int = await session.fetchval(query)
    finally:
        await session.close()
    return found


async def _figures(stack: Stack, orders: int) -> Json:
    session = await asyncpg.connect(stack.dsn)
    try:
        returns = await session.fetch(_RETURNS)
        late = await session.fetchval(_LATE)
        superseded = await session.fetchval(_SUPERSEDED)
        took = await session.fetchval(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float8 "
            "FROM routing.handovers"
        )
    finally:
        await session.close()
    return {
        "orders": orders,
        "returned": len(returns),
        "handover_seconds": round(took, 2),
        "superseded": superseded,
        "told_to_stop": sum(row["state"] != "superseded" for row in returns),
        "first_attempts_after": late,
        "read_ms": ledger.percentiles(sorted(row["ms"] for row in returns)),
        "balances": late == 0 and len(returns) == orders,
        "machine": measure.machine(),
    }
