"""A process that dies at any statement of a batch, before or after it: nothing twice, no loop."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.kafka.batch import BatchHandler
from shared.kafka.topics import ORDERS_EVENTS, ORDERS_RECEIVED
from tests.integration.routing.test_positions import handled, routing
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MakeApp = Callable[[], FastAPI]
_in_batch: ContextVar[bool] = ContextVar("in_batch", default=False)


class Cut:
    """Ends the session at one statement of a batch of orders, counted from 1."""

    def __init__(self) -> None:
        self._at, self._is_after, self._seen = 0, False, 0
        self.happened = False

    def arm(self, at: int, *, is_after: bool) -> None:
        """The next batch is cut off before or after its statement `at`."""
        self._at, self._is_after, self._seen, self.happened = at, is_after, 0, False

    @contextmanager
    def here(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Watch the statements of this process."""
        handle = BatchHandler.__call__

        async def watched(handler: BatchHandler[Any], records: Any) -> None:
            is_ours = handler._topic is ORDERS_RECEIVED
            token = _in_batch.set(is_ours)
            self._seen = 0 if is_ours else self._seen
            try:
                await handle(handler, records)
            finally:
                _in_batch.reset(token)

        with monkeypatch.context() as patching:
            patching.setattr(BatchHandler, "__call__", watched)
            for name in ("execute", "fetch", "fetchrow", "fetchval"):
                patching.setattr(asyncpg.Connection, name, self._cutting(name))
            yield

    def _cutting(self, name: str) -> Callable[..., Any]:
        original = getattr(asyncpg.Connection, name)

        async def call(session: asyncpg.Connection, *arguments: Any, **named: Any) -> Any:
            is_here = False
            if _in_batch.get() and not self.happened:
                self._seen += 1
                is_here = self._seen == self._at
            if not is_here:
                return await original(session, *arguments, **named)
            self.happened = True
            if self._is_after:
                await original(session, *arguments, **named)
            session.terminate()
            raise asyncpg.ConnectionDoesNotExistError("cut off")

        return call


async def test_a_batch_cut_off_at_any_statement_is_handled_once(
    make_app: MakeApp,
    topics: Topics,
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop, cut, cuts = OrderPublisher(topics), Cut(), 0
    with cut.here(monkeypatch):
        async with routing(make_app):
            await shop.set(ConnectionState.ACTIVE)
            await eventually(lambda: database.fetch("SELECT FROM connections"))
            for at, is_after in ((n, after) for n in itertools.count(1) for after in (False, True)):
                cut.arm(at, is_after=is_after)
                name = f"{at} {is_after}"
                await shop.send(shop.order(name), shop.order(name, 1, total="12.00"))
                await handled(database, 2 * (cuts + 1))
                cuts += 1
                if not cut.happened:
                    break
            told = await topics.all(ORDERS_EVENTS.name, at_least=2 * cuts)
    # Begin, gates, positions, orders, what is written, commit: at the least.
    assert cuts > 12
    ids = [dict(record.headers)["ce_id"] for record in told]
    assert len(ids) == len(set(ids)) == 2 * cuts
    rows = await database.fetch("SELECT total, version, sequence FROM orders")
    assert [tuple(row) for row in rows] == [("12.00", 1, 2)] * cuts
    assert await database.fetchval("SELECT count(*) FROM order_history") == 2 * cuts
