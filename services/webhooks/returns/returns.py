"""Orders that went back: what was not attempted by then never is (case 15).

The reader of a return takes what waits in its own memory out before it says so in Postgres. Another
process that holds something of the order is told by NOTIFY; should that be lost, it looks every
second.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.webhooks.delivery import Lease
from services.webhooks.endpoint_queue import EndpointQueues
from services.webhooks.returns import store
from services.webhooks.returns.store import SupersededLease
from services.webhooks.store import Incoming, Inserted, NewDelivery
from shared.failures import is_transient
from shared.kafka.positions import Step
from shared.postgres.database import Database, Session
from shared.telemetry import RETURN_EFFECTIVE_SECONDS

logger = structlog.get_logger(__name__)

_CHANNEL = "webhooks_returns"


def in_turn(incoming: Iterable[Incoming]) -> Iterator[tuple[list[Incoming], list[Incoming]]]:
    """Events, then the returns that follow them, as often as lanes need it: mostly once.

    No lane has two returns in one turn, or an event after its return.
    """
    left = list(incoming)
    while left:
        events: list[Incoming] = []
        returns: dict[tuple[UUID, UUID], Incoming] = {}
        later: list[Incoming] = []
        for event in left:
            if event.lane in returns:
                later.append(event)
            elif event.is_return:
                returns[event.lane] = event
            else:
                events.append(event)
        yield events, list(returns.values())
        left = later


class Returns:
    """Keeps orders that went back from being attempted.

    `on_freed` is called with the endpoints whose returns may be sent now.

    Args:
        database: webhooks' schema.
        queues: what waits in memory.
        lease: in whose name this process holds deliveries, and how long an answer of Postgres that
            is under way may still lead to an attempt.
        poll_seconds: how often to look when nobody tells.
    """

    def __init__(
        self, database: Database, queues: EndpointQueues, lease: Lease, poll_seconds: float
    ) -> None:
        self._database = database
        self._queues = queues
        self._lease = lease
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self.on_freed: Callable[[Iterable[UUID]], None] = lambda _: None

    # --- what this process reads ------------------------------------------------------------

    def hold(self, returns: Sequence[Incoming]) -> dict[UUID, bool]:
        """Nothing before them starts here from now on; by event whether its lane has begun."""
        return {
            event.attributes.id: self._queues.of(event.endpoint_id).supersede(
                event.attributes.order_id, event.attributes.sequence
            )
            for event in returns
        }

    def let_go(self, lanes: Iterable[tuple[UUID, UUID]]) -> None:
        """Forget them once nothing that Postgres was asked for before can start any more."""
        held = list(lanes)
        if held:
            loop = asyncio.get_running_loop()
            loop.call_later(self._lease.seconds, self._forget, held)

    def _forget(self, lanes: Iterable[tuple[UUID, UUID]]) -> None:
        for endpoint_id, order_id in lanes:
            queue = self._queues.get(endpoint_id)
            if queue is not None:
                queue.forget_return(order_id)

    async def insert(
        self,
        session: Session,
        new: Sequence[NewDelivery],
        begun: Mapping[UUID, bool],
        steps: Sequence[Step] = (),
    ) -> dict[UUID, Inserted]:
        """Store them; what they find waiting is superseded.

        Raises:
            OutOfStep: another process reads these events.
        """
        # Lanes are locked in the order in which outcomes lock them.
        new = sorted(new, key=lambda one: (one.event.lane[1].int, one.event.lane[0].int))
        flags = [begun[delivery.event.attributes.id] for delivery in new]
        inserted = await store.insert_returns(session, new, self._lease, flags, steps)
        now = datetime.now(UTC)
        for delivery in new:
            row, at = inserted.get(delivery.id), delivery.event.at
            if row is not None and at is not None and not row.is_held_elsewhere:
                RETURN_EFFECTIVE_SECONDS.observe(max(0.0, (now - at).total_seconds()))
        return inserted

    # --- what other processes read ----------------------------------------------------------

    async def run(self) -> None:
        """Drop what others superseded, until cancelled; losing Postgres only pauses it."""
        while True:
            try:
                await self._listen()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("listening for returns pauses", reason=str(error))
            await asyncio.sleep(self._poll_seconds)

    async def _listen(self) -> None:
        session = await self._database.dedicated()
        try:
            await session.add_listener(_CHANNEL, self._on_notify)
            session.add_termination_listener(lambda _: self._wake.set())
            while not session.is_closed():
                self._wake.clear()
                await self._look(session)
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wake.wait()
        finally:
            await session.close(timeout=2)

    def _on_notify(self, _session: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == str(self._lease.owner):
            self._wake.set()

    async def _look(self, session: Session) -> None:
        """Take what others superseded out of memory; what is not under way is let go of."""
        asked_at = time.monotonic()
        found = await store.superseded_leases(session, self._lease.owner)
        lanes: defaultdict[tuple[UUID, UUID], list[SupersededLease]] = defaultdict(list)
        for row in found:
            lanes[row.endpoint_id, row.order_id].append(row)
        idle = [rows for lane, rows in lanes.items() if not self._drop(lane, rows)]
        self.let_go(lanes)
        if idle:
            ids = sorted(row.id for rows in idle for row in rows)
            await store.free_superseded(session, ids, self._lease.owner)
            self.on_freed({rows[0].endpoint_id for rows in idle})
        for rows in idle:
            if rows[0].seconds is not None:
                RETURN_EFFECTIVE_SECONDS.observe(rows[0].seconds + time.monotonic() - asked_at)

    def _drop(self, lane: tuple[UUID, UUID], rows: Sequence[SupersededLease]) -> bool:
        """Whether an attempt of the lane is under way, or its outcome is yet to be written."""
        endpoint_id, order_id = lane
        newest = max(row.sequence for row in rows)
        return self._queues.of(endpoint_id).supersede(order_id, newest + 1)
