"""`relevo bench console`: what pages cost with very many orders, and how soon a change is seen."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil

from relevo.bench import ledger, measure
from relevo.bench.run import connect, private_stack
from relevo.demo.client import PASSWORD, Connected
from relevo.local.stack import Stack

Json = dict[str, Any]
_PAGES = {
    "Orders tab": "/orders?tab=orders",
    "all orders": "/orders?tab=all",
    "a search": "/orders?tab=all&q=quux",
    "home": "/",
    "3PL Integrations": "/integrations",
}
_ASSETS = re.compile(r'(?:href|src)="(/static/[^"]+)"')
# One connection's orders, as so many from its store would have made them.
_FILL = """
INSERT INTO routing.orders (id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch,
    settings_version, status, version, sequence, source_updated_at, content_hash, payload,
    payload_bytes, accepted_at, source_created_at, number, total, currency, cancel_too_late,
    tombstone, words)
SELECT gen_random_uuid(), c.store_id, 'b' || n, c.brand_id, c.three_pl_id, c.id, c.epoch, 1,
       CASE WHEN n % 20 < 4 THEN 'open' WHEN n % 20 < 6 THEN 'processing'
            WHEN n % 20 < 10 THEN 'shipped' ELSE 'delivered' END,
       1, 1, now(), '\\x00', json_build_object('note', repeat('x', 1500)), 1530,
       now() - n * interval '20 seconds', now(), '#b' || n, '10.00', 'EUR', false, false,
       'b' || n || CASE WHEN n % 1000 = 0 THEN ' quux' ELSE ' ada' END || ' mug-' || n % 50
FROM routing.connections c, generate_series(1, $2::int) n WHERE c.id = $1
"""


def console(say: Callable[[str], None], orders: int, rounds: int, streams: int) -> Json:
    """Pages of a 3PL with `orders`, `rounds` of each; then `streams` that hear of changes."""
    with private_stack(say) as stack:
        (connected,) = connect(stack, ["http://127.0.0.1:9/nobody"])
        return asyncio.run(_Run(stack, connected, say).all(orders, rounds, streams))


class _Run:
    """What the measurements share.

    Args:
        stack: that runs.
        connected: the 3PL that looks at its orders.
        say: tells what begins.
    """

    def __init__(self, stack: Stack, connected: Connected, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._connected = connected
        self._say = say

    async def all(self, orders: int, rounds: int, streams: int) -> Json:
        """Every figure."""
        async with httpx.AsyncClient(
            base_url=self._stack.urls["console"],
            trust_env=False,
            timeout=30,
            follow_redirects=True,
            limits=httpx.Limits(max_connections=None),
        ) as self._http:
            self._say(f"{orders} orders in one account")
            await self._fill(orders)
            await self._log_in()
            self._say(f"{rounds} of each page")
            pages = {name: await self._page(path, rounds) for name, path in _PAGES.items()}
            sizes = await self._sizes("/orders?tab=orders")
            self._say(f"{streams} open streams")
            heard = await self._streams(streams) if streams else {}
        return {
            "orders": orders,
            "pages_ms": pages,
            **sizes,
            **heard,
            # A page that failed ends the run.
            "balances": True,
            "machine": measure.machine(),
        }

    async def _fill(self, orders: int) -> None:
        session = await asyncpg.connect(self._stack.dsn)
        try:
            await session.execute(_FILL, self._connected.connection_id, orders)
            await session.execute("VACUUM ANALYZE routing.orders")
        finally:
            await session.close()

    async def _log_in(self) -> None:
        origin = {"origin": self._stack.urls["console"]}
        form = {"email": self._connected.three_pl_email, "password": PASSWORD}
        answer = await self._http.post("/log-in", data=form, headers=origin)
        answer.raise_for_status()

    async def _page(self, path: str, rounds: int) -> Json:
        """Milliseconds from request to the last byte, one after the other."""
        took = []
        for _ in range(rounds):
            started = time.perf_counter()
            answer = await self._http.get(path)
            took.append((time.perf_counter() - started) * 1_000)
            answer.raise_for_status()
        return dict(ledger.percentiles(sorted(took)))

    async def _sizes(self, path: str) -> Json:
        """Bytes of a page over the wire, the first time and after."""
        page = await self._http.get(path)
        wire = _bytes_of(page)
        assets = [await self._http.get(one) for one in sorted(set(_ASSETS.findall(page.text)))]
        scripts = [one for one in assets if one.url.path.endswith(".js")]
        return {
            "first_bytes": wire + sum(_bytes_of(one) for one in assets),
            "later_bytes": wire,
            "script_bytes": sum(len(one.content) for one in scripts),
        }

    async def _streams(self, count: int) -> Json:
        """Open streams of the list, and how long a new order takes to each of them."""
        console = psutil.Process(self._stack.pids()["console"])
        before = console.memory_info().rss
        arrived: list[float] = []
        sent_at: list[float] = []

        async def listen(ready: asyncio.Semaphore) -> None:
            async with self._http.stream("GET", "/orders/live?tab=orders", timeout=None) as answer:
                answer.raise_for_status()
                ready.release()
                async for line in answer.aiter_lines():
                    if line.startswith("data:") and sent_at:
                        arrived.append((time.perf_counter() - sent_at[0]) * 1_000)
                        return

        ready = asyncio.Semaphore(0)
        tasks = [asyncio.create_task(listen(ready)) for _ in range(count)]
        for _ in range(count):
            async with asyncio.timeout(60):
                await ready.acquire()
        after = console.memory_info().rss
        sent_at.append(time.perf_counter())
        await self._send()
        await asyncio.wait(tasks, timeout=30)
        for task in tasks:
            task.cancel()
        return {
            "streams": count,
            "heard": len(arrived),
            "stream_ms": ledger.percentiles(sorted(arrived)),
            "stream_kb": round((after - before) / 1024 / count, 1),
        }

    async def _send(self) -> None:
        now = "2026-03-01T12:00:00Z"
        order = {
            "external_id": uuid4().hex, "created_at": now, "updated_at": now, "currency": "EUR",
            "total": "10.00", "lines": [{"title": "Mug", "quantity": 1, "price": "10.00"}],
        }  # fmt: skip
        answer = await self._http.post(
            f"{self._stack.urls['ingest']}/v1/stores/{self._connected.store_id}/orders",
            json=order,
            headers={"authorization": f"Bearer {self._connected.api_key}"},
        )
        answer.raise_for_status()


def _bytes_of(answer: httpx.Response) -> int:
    """Of the body as it came over the wire."""
    return answer.num_bytes_downloaded
