"""`relevo bench console`: what pages cost with very many orders, and how soon a change is seen."""

import asyncio
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import httpx
import psutil

from relevo.bench import browser, ledger, measure
from relevo.bench.run import connect, private_stack
from relevo.demo.client import PASSWORD, Connected
from relevo.local.stack import Stack

Json = dict[str, Any]
_PAGES = {
    "Orders tab": "/orders?tab=orders",
    "its counts": "/orders/counts?tab=orders",
    "all orders": "/orders?tab=all",
    "a search": "/orders?tab=all&q=quux",
    "home": "/",
    "3PL Integrations": "/integrations",
}
_ORDERS_PER_SECOND, _SECONDS = 100, 10
_LIVE = re.compile(r'hx-sse:connect="([^"]+)"')
_NEW = re.compile(rb"([0-9]+) new")
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
            paint = await self._first_paint("/orders?tab=orders", rounds)
            self._say(f"{streams} open streams")
            heard = await self._streams(streams) if streams else {}
        return {
            "orders": orders,
            "pages_ms": pages,
            **sizes,
            **paint,
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

    async def _first_paint(self, path: str, rounds: int) -> Json:
        cookies = {one.name: one.value or "" for one in self._http.cookies.jar}
        url = self._stack.urls["console"]
        took = await browser.first_paints(url, path, cookies, rounds)
        return {"first_paint_ms": dict(ledger.percentiles(sorted(took)))} if took else {}

    async def _streams(self, count: int) -> Json:
        """Open streams of the list, and how soon each of them tells of each new order."""
        console = psutil.Process(self._stack.pids()["console"])
        before = console.memory_info().rss
        sent: list[float] = []
        heard: list[list[float]] = [[] for _ in range(count)]
        ready = asyncio.Semaphore(0)
        async with aiohttp.ClientSession(
            cookies={one.name: one.value or "" for one in self._http.cookies.jar},
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session:
            page = (await self._http.get("/orders?tab=orders")).text
            url = self._stack.urls["console"] + unescape(_LIVE.findall(page)[0])
            tasks = [asyncio.create_task(_listen(session, url, ready, one)) for one in heard]
            async with asyncio.timeout(120):
                for _ in range(count):
                    await ready.acquire()
            after = console.memory_info().rss
            await self._send(session, sent)
            await asyncio.wait_for(asyncio.gather(*tasks), timeout=60)
        took = sorted(
            (at - start) * 1_000 for one in heard for start, at in zip(sent, one, strict=False)
        )
        return {
            "streams": count,
            "stream_ms": ledger.percentiles(took),
            "stream_kb": round((after - before) / 1024 / count, 1),
        }

    async def _send(self, session: aiohttp.ClientSession, sent: list[float]) -> None:
        """So many orders a second for some seconds; when each was sent."""
        now = "2026-03-01T12:00:00Z"
        url = f"{self._stack.urls['ingest']}/v1/stores/{self._connected.store_id}/orders"
        headers = {"authorization": f"Bearer {self._connected.api_key}"}

        async def one() -> None:
            order = {
                "external_id": uuid4().hex, "created_at": now, "updated_at": now, "currency": "EUR",
                "total": "10.00", "lines": [{"title": "Mug", "quantity": 1, "price": "10.00"}],
            }  # fmt: skip
            async with session.post(url, json=order, headers=headers) as answer:
                answer.raise_for_status()

        begins = time.perf_counter()
        async with asyncio.TaskGroup() as orders:
            for number in range(_ORDERS_PER_SECOND * _SECONDS):
                due = begins + number / _ORDERS_PER_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                sent.append(time.perf_counter())
                orders.create_task(one())


async def _listen(
    session: aiohttp.ClientSession, url: str, ready: asyncio.Semaphore, heard: list[float]
) -> None:
    """A reader: when it was told of the first new order, the second, and so on."""
    async with session.get(url) as answer:
        answer.raise_for_status()
        # The first event says how the page is now.
        async for line in answer.content:
            if line.startswith(b"data:"):
                break
        ready.release()
        async for line in answer.content:
            if found := _NEW.search(line):
                heard += [time.perf_counter()] * (int(found[1]) - len(heard))
            if len(heard) >= _ORDERS_PER_SECOND * _SECONDS:
                return


def _bytes_of(answer: httpx.Response) -> int:
    """Of the body as it came over the wire."""
    return answer.num_bytes_downloaded
