"""The dispatcher: starts attempts as their endpoints allow, and none waits for another's.

New deliveries come straight from the log, under a lease that the statement took which stored them;
the others come from Postgres by way of `services.webhooks.claimer`.
"""

import asyncio
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.webhooks import store
from services.webhooks.claimer import Claimer
from services.webhooks.delivery import (
    UNFINISHED,
    Answer,
    Attempt,
    Delivery,
    DeliveryState,
    Lease,
    outcome_class,
    verdict,
)
from services.webhooks.endpoint_queue import EndpointQueue, EndpointQueues
from services.webhooks.endpoints import Endpoint, Endpoints
from services.webhooks.outcome_writer import OutcomeWriter
from services.webhooks.returns.returns import Returns, in_turn
from services.webhooks.sender import Sender
from services.webhooks.settings import Settings
from services.webhooks.store import Incoming, Inserted, NewDelivery
from shared.ids import delivery_id
from shared.kafka.positions import Step
from shared.postgres.database import Database, Session
from shared.telemetry import DELIVERY_ATTEMPT_SECONDS, DELIVERY_ATTEMPTS

logger = structlog.get_logger(__name__)


class Dispatcher:
    """Sends what is due.

    Args:
        database: webhooks' schema.
        endpoints: whom to send to.
        sender: how.
        queues: what waits, by endpoint.
        outcomes: where the ends of attempts go.
        claimer: told when Postgres may have more.
        returns: stores the events that take orders back.
        lease: new deliveries are held by it.
        settings: the schedule of retries, and how many attempts at once.
    """

    def __init__(
        self,
        database: Database,
        endpoints: Endpoints,
        sender: Sender,
        queues: EndpointQueues,
        outcomes: OutcomeWriter,
        claimer: Claimer,
        returns: Returns,
        lease: Lease,
        settings: Settings,
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._sender = sender
        self._queues = queues
        self._outcomes = outcomes
        self._claimer = claimer
        self._returns = returns
        self._lease = lease
        self._most_in_flight = settings.webhooks_in_flight
        self._schedule = settings.webhooks_retry_schedule_seconds
        self._tasks: set[asyncio.Task[None]] = set()
        # Endpoints that could start nothing for the bounds that all share.
        self._held_back: set[UUID] = set()
        self._stopping = False

    # --- accept -----------------------------------------------------------------------------

    async def accept(self, incoming: Sequence[Incoming], steps: Sequence[Step] = ()) -> None:
        """Store events and start on them; returns when they are durable.

        Args:
            incoming: in the order of the log.
            steps: of the positions, with the last of them.

        Raises:
            OutOfStep: another process reads them.
            Exception: Postgres did not take them; nothing was handed on.
        """
        turns = list(in_turn(incoming))
        for turn, (events, returns) in enumerate(turns, 1):
            last = steps if turn == len(turns) else ()
            begun = self._returns.hold(returns)
            try:
                await self._outcomes.wait_for_capacity()
                await self._endpoints.load({event.endpoint_id for event in (*events, *returns)})
                await self._store(events, None, () if returns else last)
                await self._store(returns, begun, last)
            finally:
                self._returns.let_go(event.lane for event in returns)

    async def _store(
        self,
        incoming: Sequence[Incoming],
        begun: Mapping[UUID, bool] | None,
        steps: Sequence[Step],
    ) -> None:
        """Store events, or returns of which it is known whether their lanes have begun."""
        if not incoming:
            return
        new = self._new_deliveries(incoming)
        arriving = {delivery.id for delivery in new}
        self._queues.arriving |= arriving
        try:
            async with self._database.session() as session:
                start_before = self._lease.start_before(time.monotonic())
                inserted = await self._insert(session, new, begun, steps)
            self._enqueue(new, inserted, start_before)
        finally:
            self._queues.arriving -= arriving

    async def _insert(
        self,
        session: Session,
        new: Sequence[NewDelivery],
        begun: Mapping[UUID, bool] | None,
        steps: Sequence[Step],
    ) -> Mapping[UUID, Inserted]:
        """What is new; gives back what may have been leased when that is not known."""
        try:
            if begun is None:
                return await store.insert_events(session, new, self._lease, steps)
            return await self._returns.insert(session, new, begun, steps)
        except BaseException:
            # The answer may have been lost after the commit; the same events come again. Of those
            # that came before, what is under way keeps its lease.
            held = self._queues.in_memory() | self._outcomes.held()
            self._outcomes.release_leases(
                [(one.id, one.event.endpoint_id) for one in new if one.id not in held]
            )
            raise

    def _new_deliveries(self, incoming: Iterable[Incoming]) -> list[NewDelivery]:
        """A delivery for each event, to be leased at once while its endpoint has capacity.

        One that stands on the log twice is one.
        """
        left: dict[UUID, tuple[int, int]] = {}
        new: dict[UUID, NewDelivery] = {}
        for event in incoming:
            id_ = delivery_id(event.attributes.id, event.endpoint_id, 0)
            if id_ in new:
                continue
            capacity, free_bytes = left.get(event.endpoint_id) or self._room(event.endpoint_id)
            new[id_] = NewDelivery(id_, event, wants_lease=capacity > 0 and free_bytes > 0)
            left[event.endpoint_id] = capacity - 1, free_bytes - len(event.body)
        return list(new.values())

    def _room(self, endpoint_id: UUID) -> tuple[int, int]:
        """How many new deliveries its memory takes, and bytes of them."""
        return self._capacity(endpoint_id), self._queues.of(endpoint_id).free_bytes

    def _capacity(self, endpoint_id: UUID) -> int:
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.is_enabled or endpoint.is_paused or self._stopping:
            return 0
        return self._queues.of(endpoint_id).capacity

    def _enqueue(
        self, new: Iterable[NewDelivery], inserted: Mapping[UUID, Inserted], start_before: float
    ) -> None:
        """Hand over what the statement leased; give back what memory cannot keep in order."""
        refused: list[Delivery] = []
        # The last of each lane in this batch: Postgres told only of those that were there before.
        last: dict[tuple[UUID, UUID], int] = {}
        for id_, event, _ in new:
            lane = (event.endpoint_id, event.attributes.order_id)
            predecessor = last.get(lane)
            last[lane] = event.attributes.sequence
            row = inserted.get(id_)
            if row is None or row.state is not DeliveryState.PENDING:
                continue
            if not row.leased:
                self._note_stored(event, overflows=row.predecessor is None)
                continue
            delivery = event.delivery(id_, start_before)
            predecessor = row.predecessor if predecessor is None else predecessor
            queue = self._queues.of(event.endpoint_id)
            # One that the same batch takes back stays leased, so that nobody else attempts it.
            if queue.is_pointless(delivery):
                continue
            if self._stopping or not queue.add(delivery, predecessor=predecessor):
                refused.append(delivery)
        self._outcomes.release(refused)
        for endpoint_id in {endpoint_id for endpoint_id, _ in last}:
            self.start(endpoint_id)

    def _note_stored(self, event: Incoming, *, overflows: bool) -> None:
        if self._endpoints.get(event.endpoint_id) is None:
            return
        queue = self._queues.of(event.endpoint_id)
        queue.note_successor(event.attributes.order_id)
        if overflows:
            queue.note_overflow()
            self._claimer.wake()

    # --- start ------------------------------------------------------------------------------

    def start(self, endpoint_id: UUID) -> None:
        """Start whatever may start at one endpoint."""
        queue = self._queues.get(endpoint_id)
        if queue is None:
            return
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.is_enabled or endpoint.is_paused:
            self._outcomes.release(queue.take_waiting())
            return
        while self._may_start(queue):
            delivery = queue.start()
            if delivery is None:
                break
            if delivery.start_before < time.monotonic():
                self._outcomes.release(queue.give_back(delivery))
                continue
            task = asyncio.create_task(self._attempt(endpoint, queue, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            if queue.waiting:
                self._held_back.add(endpoint_id)
        if queue.claim_quota() is not None:
            self._claimer.wake()

    def _may_start(self, queue: EndpointQueue) -> bool:
        """The bounds that all share; over the one on sockets an endpoint still gets one."""
        return (
            not self._stopping
            and self._outcomes.has_capacity
            and (len(self._tasks) < self._most_in_flight or not queue.running)
        )

    # --- attempt ----------------------------------------------------------------------------

    async def _attempt(self, endpoint: Endpoint, queue: EndpointQueue, delivery: Delivery) -> None:
        at = datetime.now(UTC)
        started = time.perf_counter()
        try:
            answer = await self._sender.send(endpoint, delivery)
        except asyncio.CancelledError:
            # Whether it arrived is not known: another process sends it again, soon.
            self._outcomes.release(queue.give_back(delivery), cut_off=delivery)
            raise
        except Exception:
            logger.exception("an attempt broke", delivery=delivery.id)
            answer = Answer(None, "internal")
        seconds = time.perf_counter() - started
        DELIVERY_ATTEMPT_SECONDS.observe(seconds)
        DELIVERY_ATTEMPTS.labels(outcome_class(answer)).inc()
        self._record(queue, delivery, answer, (at, seconds), endpoint.masked_url)

    # --- record -----------------------------------------------------------------------------

    def _record(
        self,
        queue: EndpointQueue,
        delivery: Delivery,
        answer: Answer,
        timing: tuple[datetime, float],
        url: str,
    ) -> None:
        """Pass the outcome on to be written, and let the lane go on without waiting for that."""
        state, wait = verdict(delivery, answer, random.uniform, self._schedule)
        # The statement that records a failure also gives back its successors.
        successors = queue.finish(delivery, goes_on=state not in UNFINISHED)
        self._outcomes.add(Attempt.of(delivery, answer, (state, wait), timing, successors, url))
        if answer.is_gone:
            logger.warning("endpoint disabled", endpoint=delivery.endpoint_id, reason="410 Gone")
            self._endpoints.disable(delivery.endpoint_id)
        if answer.pause:
            # One answer speaks for the receiver: whatever else waits for it waits as long.
            self._endpoints.pause(delivery.endpoint_id, answer.pause)
            self._claimer.expect_retry(delivery.endpoint_id, answer.pause)
        if state is DeliveryState.RETRYING:
            self._claimer.expect_retry(delivery.endpoint_id, wait)
        self.start(delivery.endpoint_id)
        if self._held_back and self._outcomes.has_capacity:
            self.start(self._held_back.pop())

    def note_written(self, attempts: Sequence[Attempt]) -> None:
        """Outcomes are in Postgres: lanes go on there, and whoever had to wait may start."""
        for attempt in attempts:
            if self._queues.of(attempt.delivery.endpoint_id).note_written(attempt.delivery):
                self._claimer.wake()
        for endpoint_id in list(self._held_back):
            self._held_back.discard(endpoint_id)
            self.start(endpoint_id)

    # --- the end ----------------------------------------------------------------------------

    async def stop(self, seconds: float) -> None:
        """Start nothing more, let attempts finish, write outcomes, give every lease back.

        Args:
            seconds: how long attempts may take, then they are cut off; and again for the writing.
        """
        self._stopping = True
        for _, queue in self._queues:
            self._outcomes.release(queue.take_waiting())
        logger.info("stopping", attempts=len(self._tasks))
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            async with asyncio.timeout(seconds):
                await self._claimer.idle()
                await self._outcomes.settled()
        except TimeoutError:
            logger.warning("stopped before outcomes were written; their leases run out")
