"""A store, its 3PL and the 3PL's receiver around a running stack, and the ledger of it all.

Everything goes through the public HTTP APIs; the database is only looked at, for the ledger.
"""

import asyncio
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import httpx
from aiohttp import web

from relevo.local.stack import Stack
from tests.kit.client import Api
from tests.kit.mailbox import Folder
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually

Json = dict[str, Any]
SENDERS = 32


@dataclass(frozen=True)
class Verified:
    """One webhook, judged by the reference library."""

    webhook_id: str
    type: str
    external_id: str
    order_id: str
    sequence: int


class ThreePl:
    """The 3PL's end: it verifies every signature as it comes in."""

    def __init__(self, receiver: Receiver) -> None:
        receiver.answer = self._answer
        self.url = receiver.url
        self.secret = ""
        self.received: list[Verified] = []
        self.unverified = 0

    async def _answer(self, got: ReceivedWebhook) -> web.Response:
        try:
            event = got.verified(self.secret)
        except Exception:  # noqa: BLE001  whatever the judge says, it is not verified
            self.unverified += 1
            return web.Response(status=400)
        data = event["data"]
        self.received.append(
            Verified(got.id, event["type"], data["external_id"], data["id"], data["sequence"])
        )
        return web.Response()

    def of_type(self, event_type: str) -> set[str]:
        """The external ids of the events of this type."""
        return {event.external_id for event in self.received if event.type == event_type}


@dataclass
class World:
    """One 3PL connected to one store."""

    stack: Stack
    client: httpx.AsyncClient
    # The store sends thousands: a cheaper client, so that the test does not measure itself.
    store_client: aiohttp.ClientSession
    receiver: ThreePl
    three_pl_token: str = ""
    brand_token: str = ""
    store_id: str = ""
    connection_id: str = ""
    api_key: str = ""
    answers: Counter[str] = field(default_factory=Counter)

    async def call(
        self, service: str, method: str, path: str, token: str, body: Any = None, **headers: str
    ) -> Json:
        """One call; anything but 2xx is an error that shows the problem."""
        answer = await self.client.request(
            method,
            self.stack.urls[service] + path,
            json=body,
            headers=({"authorization": f"Bearer {token}"} if token else {}) | headers,
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        result: Json = answer.json()
        return result

    async def connect(self) -> None:
        """From signing up to an active connection with a webhook."""
        async with httpx.AsyncClient(
            base_url=self.stack.urls["connections"], timeout=30, trust_env=False
        ) as client:
            three_pl, brand, added = await Api(
                client, self.stack.operator_key, Folder(self.stack.mail_folder)
            ).connected()
            self.store_id, self.connection_id = added["store"]["id"], added["connection"]["id"]
            self.three_pl_token = three_pl.token
            self.brand_token = brand.token
            credentials = f"/v1/stores/{self.store_id}/credentials"
            self.api_key = (await brand.post(credentials, {"kind": "api_key"}))["secret"]
            changed = await three_pl.set(self.connection_id, webhook_url=self.receiver.url)
            self.receiver.secret = changed.json()["settings"]["webhook"]["secret"]
        await self.change_state("activate")
        await self.known_to_ingest()

    async def change_state(self, command: str) -> Json:
        """Activate or deactivate, and wait until routing has applied it."""
        connection = await self.call(
            "connections", "POST", f"/v1/connections/{self.connection_id}/{command}",
            self.three_pl_token,
        )  # fmt: skip

        async def applied() -> int | None:
            rows = await self.rows(
                "SELECT version FROM routing.connections WHERE id = $1", self.connection_id
            )
            return rows[0]["version"] if rows else None

        await eventually(applied, lambda version: version == connection["version"], seconds=30)
        return connection

    async def hand_back(self) -> Json:
        """Switch it off and wait for the sweep; the hand-over."""
        await self.change_state("deactivate")

        async def ask() -> list[Json]:
            page = await self.call(
                "routing", "GET", f"/v1/handovers?connection={self.connection_id}",
                self.three_pl_token,
            )  # fmt: skip
            handovers: list[Json] = page["data"]
            return handovers

        done = await eventually(
            ask, lambda found: bool(found) and found[0]["state"] == "done", seconds=60
        )
        return done[0]

    async def known_to_ingest(self) -> None:
        async def ask() -> int:
            answer = await self.client.get(
                f"{self.stack.urls['ingest']}/v1/stores/{self.store_id}",
                headers={"authorization": f"Bearer {self.api_key}"},
            )
            return answer.status_code

        await eventually(ask, lambda status: status == 200)

    async def send(self, external_id: str, **changes: Any) -> None:
        """As a store sends: the same order again until it is answered 2xx."""
        order = {
            "external_id": external_id,
            "number": f"#{external_id}",
            "created_at": "2026-03-01T12:00:00Z",
            "updated_at": "2026-03-01T12:00:00Z",
            "currency": "EUR",
            "total": "10.00",
            "lines": [{"sku": "SKU", "title": "Mug", "quantity": 1, "price": "10.00"}],
            **changes,
        }
        deadline = time.monotonic() + 90
        while True:
            answered = await self._try_to_send(order)
            self.answers[answered] += 1
            if answered == "202":
                return
            assert answered in {"503", "connection"}, answered
            assert time.monotonic() < deadline, f"{external_id} was never accepted"
            await asyncio.sleep(0.1)

    async def _try_to_send(self, order: Json) -> str:
        try:
            async with self.store_client.post(
                f"{self.stack.urls['ingest']}/v1/stores/{self.store_id}/orders",
                json=order,
                headers={"authorization": f"Bearer {self.api_key}"},
            ) as answer:
                return str(answer.status)
        except (aiohttp.ClientError, TimeoutError):
            return "connection"

    async def send_all(
        self, external_ids: Iterable[str], at: dict[int, Callable[[], None]] | None = None
    ) -> None:
        """Send many, `SENDERS` at once; `at` does something once so many were accepted."""
        waiting = iter(external_ids)
        accepted = itertools.count(1)
        events = at or {}

        async def sender() -> None:
            for external_id in waiting:
                await self.send(external_id)
                count = next(accepted)
                if count in events:
                    events[count]()

        await asyncio.gather(*(sender() for _ in range(SENDERS)))

    async def rows(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.stack.dsn)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def orders(self) -> list[asyncpg.Record]:
        return await self.rows("SELECT * FROM routing.orders WHERE store_id = $1", self.store_id)

    async def process(self, count: int) -> set[str]:
        """The 3PL starts to work so many orders."""
        page = await self.call(
            "routing", "GET",
            f"/v1/orders?tab=orders&connection={self.connection_id}&limit={count}",
            self.three_pl_token,
        )  # fmt: skip
        for order in page["data"]:
            await self.call(
                "routing", "POST", f"/v1/orders/{order['id']}/process", self.three_pl_token,
                {"version": order["version"]},
            )  # fmt: skip
        return {order["external_id"] for order in page["data"]}

    async def balance(self, sent: set[str], seconds: float = 60.0) -> None:
        """The ledger: every accepted order once, every event delivered and verified, gap-free.

        Raises:
            AssertionError: something is lost, twice, out of order, or in doubt.
        """

        async def delivered() -> tuple[int, int]:
            unique = {(event.order_id, event.sequence) for event in self.receiver.received}
            made = await self.rows(
                # Of an order that went back the last event is the brand's.
                "SELECT coalesce(sum(sequence - (connection_id IS NULL)::int), 0) AS events "
                "FROM routing.orders WHERE store_id = $1 AND three_pl_id IS NOT NULL",
                self.store_id,
            )
            return len(unique), made[0]["events"]

        async def kept() -> int:
            return len(await self.orders())

        await eventually(kept, lambda count: count == len(sent), seconds=seconds)
        await eventually(delivered, lambda pair: pair[0] == pair[1], seconds=seconds)
        orders = await self.orders()
        assert Counter(row["external_id"] for row in orders) == Counter(sent)
        self._check_receiver(orders)
        await self._check_invariant()

    def _check_receiver(self, orders: list[asyncpg.Record]) -> None:
        assert self.receiver.unverified == 0
        ids: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        first_received: defaultdict[str, list[int]] = defaultdict(list)
        for event in self.receiver.received:
            if not ids[event.order_id, event.sequence]:
                first_received[event.order_id].append(event.sequence)
            ids[event.order_id, event.sequence].add(event.webhook_id)
        assert all(len(same) == 1 for same in ids.values()), "one event had two webhook-ids"
        for row in orders:
            if row["three_pl_id"] is not None:
                sequences = first_received[str(row["id"])]
                last = row["sequence"] - (row["connection_id"] is None)
                assert sequences == list(range(1, last + 1)), "a gap, or out of order"

    async def _check_invariant(self) -> None:
        broken = await self.rows(
            """SELECT o.id FROM routing.orders o JOIN routing.connections c
            ON c.id = o.connection_id WHERE o.status IN ('open', 'on_hold')
            AND NOT (c.state = 'active' AND c.epoch = o.epoch)
            AND NOT EXISTS (SELECT FROM routing.handovers h WHERE h.connection_id = c.id
                            AND h.epoch >= o.epoch AND h.state = 'running')"""
        )
        assert broken == []


@asynccontextmanager
async def a_world(stack: Stack) -> AsyncIterator[World]:
    """A connected world on a running stack."""
    async with (
        Receiver() as receiver,
        httpx.AsyncClient(timeout=30, trust_env=False) as client,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as store_client,
    ):
        world = World(stack, client, store_client, ThreePl(receiver))
        await world.connect()
        yield world
