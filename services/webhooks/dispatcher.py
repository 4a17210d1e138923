"""The dispatcher: keeps every endpoint as busy as it may be, and none waiting for another.

Deliveries come in two ways, both under a lease of this process: straight from the log (`take`),
and claimed from Postgres (`run`): retries, what there was no room for, what a dead process held.
An endpoint has its own lanes, limits and room in memory; the only thing that all share is a bound
on sockets and bytes, and even beyond it every endpoint keeps a little of its own.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import structlog
from uuid_utils.compat import uuid7

from services.webhooks import store
from services.webhooks.backoff import next_attempt
from services.webhooks.endpoints import Endpoint, Endpoints
from services.webhooks.lanes import Delivery, Lanes
from services.webhooks.outcomes import Outcomes
from services.webhooks.sender import Answer, Sender
from services.webhooks.settings import Settings
from services.webhooks.store import Attempt, Incoming, Inserted, Room
from shared.failures import is_transient
from shared.postgres.database import Database
from shared.telemetry import (
    DELIVERIES_BACKLOG,
    DELIVERIES_BACKLOG_OLDEST,
    DELIVERIES_IN_FLIGHT,
    DELIVERIES_WAITING,
    DELIVERY_ATTEMPT_SECONDS,
    DELIVERY_ATTEMPTS,
)

logger = structlog.get_logger(__name__)

_LEASE_MARGIN = 0.1
_CLAIM_MOST = 1_000
_COUNT_MOST = 100_000
_COUNT_EVERY_SECONDS = 15.0
_HEAD_CHARACTERS = 1_024
_SUCCESS = range(200, 300)
_GONE = 410
_ASKS_TO_WAIT = frozenset({429, 503})


@dataclass(slots=True, eq=False)
class _Lot:
    """What the process knows of one endpoint's work."""

    lanes: Lanes
    # Postgres may have first attempts, or retries, that could be claimed now.
    firsts_stored: bool = False
    retries_stored: bool = False
    # First attempts wait in Postgres for room: new ones must not overtake them.
    overflowed: bool = False
    finished_since_claim: int = 0

    def look(self) -> None:
        """Something changed in Postgres: look there."""
        self.firsts_stored = self.retries_stored = True

    @property
    def is_idle(self) -> bool:
        """Nothing is known of its work that would be forgotten with it."""
        return self.lanes.is_idle and not (
            self.firsts_stored or self.retries_stored or self.overflowed
        )


class Dispatcher:
    """Sends what is due.

    Args:
        database: webhooks' schema.
        endpoints: whom to send to.
        sender: how.
        settings: limits and times.
        draw: the jitter of retries.
    """

    def __init__(
        self,
        database: Database,
        endpoints: Endpoints,
        sender: Sender,
        settings: Settings,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._sender = sender
        self._settings = settings
        self._draw = draw
        self.owner = uuid4()
        self.outcomes = Outcomes(
            database,
            self.owner,
            flush_seconds=settings.webhooks_flush_seconds,
            limit=settings.webhooks_unwritten_outcomes,
        )
        self.outcomes.on_written = self._on_written
        self.outcomes.on_released = self._on_released
        self._lots: dict[UUID, _Lot] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._releasing: dict[UUID, UUID] = {}
        self._held_back: set[UUID] = set()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self._poll_at = self._count_at = 0.0

    # --- from the log -----------------------------------------------------------------------

    async def take(self, incoming: Sequence[Incoming]) -> None:
        """Store events and start on them; returns when they are durable.

        Raises:
            Exception: Postgres did not take them; nothing was handed on.
        """
        await self.outcomes.room()
        await self._endpoints.load({each.endpoint_id for each in incoming})
        rooms: dict[UUID, int] = {}
        rows = []
        for each in incoming:
            room = rooms.get(each.endpoint_id)
            if room is None:
                room = self._room_for_new(each.endpoint_id)
            rows.append((uuid7(), each, room > 0))
            rooms[each.endpoint_id] = room - 1
        lease = self._settings.webhooks_lease_seconds
        start_before = self._start_before()
        async with self._database.session() as session:
            inserted = await store.insert_events(session, rows, self.owner, lease)
        self._accept(rows, inserted, start_before)

    def _room_for_new(self, endpoint_id: UUID) -> int:
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.is_enabled or self._stopping:
            return 0
        lot = self._lot(endpoint_id)
        return 0 if lot.overflowed else self._room(lot)

    def _accept(
        self,
        rows: Iterable[tuple[UUID, Incoming, bool]],
        inserted: dict[UUID, Inserted],
        start_before: float,
    ) -> None:
        """Hand over what the statement leased; give back what memory cannot keep in order."""
        refused: list[Delivery] = []
        # The last of each lane in this batch: Postgres told only of those that were there before.
        last: dict[tuple[UUID, UUID], int] = {}
        for delivery_id, each, wanted in rows:
            lane = (each.endpoint_id, each.attributes.order_id)
            behind = last.get(lane)
            last[lane] = each.attributes.sequence
            new = inserted.get(delivery_id)
            if new is None or new.parked:
                continue
            if not new.leased:
                self._note_stored(each, wanted=wanted)
                continue
            delivery = _delivery(delivery_id, each, start_before)
            behind = new.behind if behind is None else behind
            if self._lot(each.endpoint_id).lanes.add(delivery, behind=behind):
                self._bytes += len(each.body)
            else:
                refused.append(delivery)
        self._release(refused, held=False)
        for endpoint_id in {endpoint_id for endpoint_id, _ in last}:
            self._pump(endpoint_id)

    def _note_stored(self, each: Incoming, *, wanted: bool) -> None:
        endpoint = self._endpoints.get(each.endpoint_id)
        if endpoint is None:
            return
        lot = self._lot(each.endpoint_id)
        lot.lanes.note_followed(each.attributes.order_id)
        if not wanted:
            lot.overflowed = lot.firsts_stored = True
            self._wake.set()

    def endpoints_changed(self, ids: Iterable[UUID]) -> None:
        """Endpoints that may have become known: what waits for them can be claimed."""
        for endpoint_id in ids:
            if self._endpoints.get(endpoint_id) is not None:
                self._lot(endpoint_id).look()
        self._wake.set()

    # --- sending ----------------------------------------------------------------------------

    def _pump(self, endpoint_id: UUID) -> None:
        """Start whatever may start at one endpoint."""
        lot = self._lots.get(endpoint_id)
        if lot is None:
            return
        lanes = lot.lanes
        endpoint = self._endpoints.get(endpoint_id)
        if endpoint is None or not endpoint.is_enabled:
            self._release(lanes.take_waiting())
            return
        # Over the bound on sockets an endpoint still gets one.
        while (
            not self._stopping
            and self.outcomes.has_room
            and (len(self._tasks) < self._settings.webhooks_in_flight or not lanes.running)
        ):
            delivery = lanes.start()
            if delivery is None:
                break
            if delivery.start_before < time.monotonic():
                self._release(lanes.give_back(delivery))
                continue
            task = asyncio.create_task(self._attempt(endpoint, lot, delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            if lanes.waiting:
                self._held_back.add(endpoint_id)
        if self._claim_room(lot) is not None:
            self._wake.set()

    async def _attempt(self, endpoint: Endpoint, lot: _Lot, delivery: Delivery) -> None:
        at = datetime.now(UTC)
        started = time.perf_counter()
        try:
            answer = await self._sender.send(endpoint, delivery)
        except asyncio.CancelledError:
            # Whether it arrived is not known: another process sends it again, soon.
            self._release(lot.lanes.give_back(delivery))
            raise
        except Exception:
            logger.exception("an attempt broke", delivery=delivery.id)
            answer = Answer(None, "internal")
        seconds = time.perf_counter() - started
        DELIVERY_ATTEMPT_SECONDS.observe(seconds)
        self._finish(endpoint, lot, delivery, answer, at, seconds)

    def _finish(
        self,
        endpoint: Endpoint,
        lot: _Lot,
        delivery: Delivery,
        answer: Answer,
        at: datetime,
        seconds: float,
    ) -> None:
        state, wait = self._decide(delivery, answer)
        DELIVERY_ATTEMPTS.labels(_outcome_of(answer)).inc()
        self._bytes -= len(delivery.body)
        lot.finished_since_claim += 1
        goes_on = state in {"delivered", "exhausted"}
        # Those behind a failed one are given back by the statement that records the failure.
        followers = lot.lanes.finish(delivery, goes_on=goes_on)
        self._bytes -= sum(len(follower.body) for follower in followers)
        gone = answer.status == _GONE
        self.outcomes.add(
            Attempt(
                delivery=delivery,
                state=state,
                wait=wait,
                at=at,
                duration_ms=round(seconds * 1000),
                status=answer.status,
                error=answer.error,
                response_head=_head_of(answer.body),
                followers=[follower.id for follower in followers],
            ),
            gone=gone,
        )
        if gone:
            logger.warning("endpoint disabled", endpoint=endpoint.id, reason="410 Gone")
            self._endpoints.disable(endpoint.id)
        if state == "retrying" and wait < self._settings.webhooks_poll_seconds:
            self._wake_later(delivery.endpoint_id, wait)
        self._pump(delivery.endpoint_id)
        self._pump_held_back()

    def _decide(self, delivery: Delivery, answer: Answer) -> tuple[str, float]:
        """The delivery's next state, and the seconds until its next attempt."""
        if answer.status in _SUCCESS:
            return "delivered", 0.0
        if answer.status == _GONE:
            return "parked", 0.0
        retry_after = answer.retry_after if answer.status in _ASKS_TO_WAIT else None
        wait = next_attempt(
            delivery.attempts + 1,
            retry_after,
            self._draw,
            self._settings.webhooks_retry_schedule_seconds,
        )
        return ("exhausted", 0.0) if wait is None else ("retrying", wait)

    def _pump_held_back(self) -> None:
        """Endpoints that could not start for the bounds that all share."""
        if self._held_back and self.outcomes.has_room:
            self._pump(self._held_back.pop())

    def _wake_later(self, endpoint_id: UUID, seconds: float) -> None:
        def due() -> None:
            self._timers.discard(timer)
            self._lot(endpoint_id).look()
            self._wake.set()

        # The row has to be written before it can be due.
        delay = seconds + 2 * self._settings.webhooks_flush_seconds + 0.005
        timer = asyncio.get_running_loop().call_later(delay, due)
        self._timers.add(timer)

    def _on_written(self, attempts: Sequence[Attempt]) -> None:
        """Outcomes are in Postgres: lanes go on there, and whoever had to wait may start."""
        for attempt in attempts:
            delivery = attempt.delivery
            lot = self._lots[delivery.endpoint_id]
            if lot.lanes.written(delivery):
                lot.look()
                self._wake.set()
        for endpoint_id in list(self._held_back):
            self._held_back.discard(endpoint_id)
            self._pump(endpoint_id)

    # --- giving back ------------------------------------------------------------------------

    def _release(self, deliveries: Sequence[Delivery], *, held: bool = True) -> None:
        if not deliveries:
            return
        for each in deliveries:
            self._releasing[each.id] = each.endpoint_id
            if held:
                self._bytes -= len(each.body)
        self.outcomes.release([each.id for each in deliveries])

    def _on_released(self, ids: Sequence[UUID]) -> None:
        for delivery_id in ids:
            endpoint_id = self._releasing.pop(delivery_id, None)
            if endpoint_id is not None:
                self._lot(endpoint_id).look()
        self._wake.set()

    # --- from Postgres ----------------------------------------------------------------------

    async def run(self) -> None:
        """Claim what is due until cancelled; losing Postgres only pauses it."""
        while not self._stopping:
            try:
                async with asyncio.timeout(max(0.0, self._poll_at - time.monotonic())):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._poll()
                await self._claim()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("claiming pauses", reason=str(error))
                await asyncio.sleep(self._settings.webhooks_poll_seconds)

    async def _poll(self) -> None:
        """The slow look at everything that no event in this process tells of."""
        now = time.monotonic()
        if now < self._poll_at:
            return
        self._poll_at = now + self._settings.webhooks_poll_seconds
        self._tidy(now)
        await self._endpoints.refresh()
        async with self._database.session() as session:
            busy = await store.endpoints_with_work(session)
            if now >= self._count_at:
                self._count_at = now + _COUNT_EVERY_SECONDS
                deliveries, oldest = await store.backlog(session, _COUNT_MOST)
                DELIVERIES_BACKLOG.set(deliveries)
                DELIVERIES_BACKLOG_OLDEST.set(oldest)
        await self._endpoints.load(busy)
        disabled = []
        for endpoint_id in busy:
            endpoint = self._endpoints.get(endpoint_id)
            if endpoint is not None and endpoint.is_enabled:
                self._lot(endpoint_id).look()
            elif endpoint is not None:
                disabled.append(endpoint_id)
        if disabled:
            async with self._database.session() as session:
                await store.park_deliveries(session, disabled)

    def _tidy(self, now: float) -> None:
        waiting = 0
        for endpoint_id, lot in list(self._lots.items()):
            self._release(lot.lanes.take_expired(now))
            waiting += lot.lanes.waiting
            if lot.is_idle:
                del self._lots[endpoint_id]
        DELIVERIES_WAITING.set(waiting)
        DELIVERIES_IN_FLIGHT.set(len(self._tasks))

    async def _claim(self) -> None:
        """Fill the room of endpoints that have work in Postgres, with one statement."""
        # Outcomes that cannot be written may be of the very rows that look abandoned.
        while not self._stopping and self.outcomes.has_room and not self.outcomes.is_stuck:
            rooms = self._rooms()
            if not rooms:
                return
            for endpoint_id, room in rooms.items():
                lot = self._lots[endpoint_id]
                lot.firsts_stored &= not room.firsts
                lot.retries_stored &= not room.retries
                lot.finished_since_claim = 0
            try:
                claimed = await self._claim_into(rooms)
            except BaseException:
                for endpoint_id in rooms:
                    self._lot(endpoint_id).look()
                raise
            self._note_claimed(rooms, claimed)

    async def _claim_into(self, rooms: dict[UUID, Room]) -> list[Delivery]:
        lease, start_before = self._settings.webhooks_lease_seconds, self._start_before()
        async with self._database.session() as session:
            claimed = await store.claim_due_deliveries(
                session, rooms, self.owner, lease, start_before
            )
        refused: list[Delivery] = []
        for delivery, followed in claimed:
            if self._lot(delivery.endpoint_id).lanes.add(delivery, behind=None, followed=followed):
                self._bytes += len(delivery.body)
            else:
                refused.append(delivery)
        self._release(refused, held=False)
        return [delivery for delivery, _ in claimed]

    def _note_claimed(self, rooms: dict[UUID, Room], claimed: Sequence[Delivery]) -> None:
        firsts = dict.fromkeys(rooms, 0)
        retries = dict.fromkeys(rooms, 0)
        for delivery in claimed:
            (retries if delivery.attempts else firsts)[delivery.endpoint_id] += 1
        for endpoint_id, room in rooms.items():
            lot = self._lot(endpoint_id)
            if room.firsts and firsts[endpoint_id] >= room.firsts:
                lot.firsts_stored = True
            elif room.firsts and not lot.firsts_stored:
                lot.overflowed = False
            if room.retries and retries[endpoint_id] >= room.retries:
                lot.retries_stored = True
            self._pump(endpoint_id)

    def _rooms(self) -> dict[UUID, Room]:
        rooms: dict[UUID, Room] = {}
        left = _CLAIM_MOST
        for endpoint_id, lot in self._lots.items():
            room = self._claim_room(lot)
            if room is None or left <= 0:
                continue
            endpoint = self._endpoints.get(endpoint_id)
            if endpoint is None or not endpoint.is_enabled:
                lot.firsts_stored = lot.retries_stored = lot.overflowed = False
                continue
            rooms[endpoint_id] = room
            left -= room.firsts + room.retries
        return rooms

    def _claim_room(self, lot: _Lot) -> Room | None:
        """What to claim for an endpoint; None while it has enough to do.

        As much again as it got done since the last claim: a fast one is fed in large pieces, one
        that hangs holds little. Small pieces only when an attempt could start that has nothing to
        send.
        """
        lanes, firsts, retries = lot.lanes, 0, 0
        if lot.firsts_stored:
            pace = max(2 * lanes.concurrency, min(2 * lot.finished_since_claim, _CLAIM_MOST // 2))
            pace = min(pace, self._most(lot))
            waiting = lanes.waiting - lanes.waiting_retries
            wanted = min(pace - waiting, self._room(lot))
            could_start = not waiting and lanes.running_firsts < lanes.concurrency
            firsts = wanted if wanted >= (1 if could_start else max(1, pace // 2)) else 0
        if lot.retries_stored:
            free = 2 * lanes.retry_concurrency - lanes.waiting_retries - lanes.running_retries
            retries = free if free >= lanes.retry_concurrency else 0
        return Room(firsts, retries) if firsts or retries else None

    # --- bounds -----------------------------------------------------------------------------

    def _lot(self, endpoint_id: UUID) -> _Lot:
        lot = self._lots.get(endpoint_id)
        if lot is None:
            settings = self._settings
            lanes = Lanes(settings.webhooks_concurrency, settings.webhooks_retry_concurrency)
            lot = self._lots[endpoint_id] = _Lot(lanes)
        return lot

    def _most(self, lot: _Lot) -> int:
        """How many deliveries memory takes for one endpoint."""
        most = self._settings.webhooks_queue_deliveries
        if self._bytes > self._settings.webhooks_memory_bytes:
            return min(most, 2 * lot.lanes.concurrency)
        return most

    def _room(self, lot: _Lot) -> int:
        return self._most(lot) - lot.lanes.held

    def _start_before(self) -> float:
        """The last moment to start an attempt under a lease that is taken now."""
        settings = self._settings
        lease = settings.webhooks_lease_seconds
        spare = lease - settings.webhooks_attempt_seconds
        return time.monotonic() + spare - min(_LEASE_MARGIN * lease, spare / 2)

    # --- the end ----------------------------------------------------------------------------

    async def stop(self, seconds: float) -> None:
        """Start nothing more, let attempts finish, write outcomes, give every lease back.

        Args:
            seconds: how long attempts may take; then they are cut off.
        """
        self._stopping = True
        self._wake.set()
        for timer in self._timers:
            timer.cancel()
        for lot in self._lots.values():
            self._release(lot.lanes.take_waiting())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            async with asyncio.timeout(seconds):
                await self.outcomes.settled()
        except TimeoutError:
            logger.warning("stopped before outcomes were written; their leases run out")


def _delivery(delivery_id: UUID, each: Incoming, start_before: float) -> Delivery:
    return Delivery(
        id=delivery_id,
        event_id=each.attributes.id,
        endpoint_id=each.endpoint_id,
        order_id=each.attributes.order_id,
        sequence=each.attributes.sequence,
        attempts=0,
        body=each.body,
        traceparent=each.traceparent,
        start_before=start_before,
    )


def _head_of(body: bytes) -> str | None:
    """The start of an answer as text that Postgres takes; data, never to be rendered."""
    if not body:
        return None
    return (
        body[: 4 * _HEAD_CHARACTERS].decode(errors="replace").replace("\0", "�")[:_HEAD_CHARACTERS]
    )


def _outcome_of(answer: Answer) -> str:
    """The class of an outcome, for metrics."""
    status = answer.status
    if status is None:
        return answer.error or "protocol"
    if status in _SUCCESS:
        return "delivered"
    if status in _ASKS_TO_WAIT:
        return "throttled"
    if status == _GONE:
        return "gone"
    classes = {3: "redirect", 4: "rejected", 5: "server_error"}
    return classes.get(status // 100, "protocol")
