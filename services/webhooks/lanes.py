"""The lanes of one endpoint: what may be sent next.

A lane is what one endpoint gets of one order. Within a lane deliveries go one by one, in sequence;
lanes do not wait for each other. First attempts and retries start from separate queues with
separate limits, so that a storm of retries leaves first attempts alone.

Pure. No clock either: `services.webhooks.endpoint_queue` drives it, a property test drives it
harder.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from services.webhooks.delivery import Delivery


@dataclass(slots=True, eq=False)
class _Lane:
    waiting: deque[Delivery] = field(default_factory=deque)
    running: Delivery | None = None
    last_sequence: int = 0
    # Finished, but not yet written: Postgres still counts them as unfinished.
    unwritten: int = 0
    # A delivery failed or was given back: what follows has to wait for it in Postgres.
    broken: bool = False
    # More of this lane waits in Postgres and can be claimed once this part of it is written.
    has_successors: bool = False

    @property
    def is_idle(self) -> bool:
        return not self.waiting and self.running is None and not self.unwritten


class Lanes:
    """All lanes of one endpoint.

    Args:
        concurrency: most first attempts under way.
        retry_concurrency: most retries under way, besides.
    """

    def __init__(self, concurrency: int, retry_concurrency: int) -> None:
        self.concurrency = concurrency
        self.retry_concurrency = retry_concurrency
        self.running_first_attempts = 0
        self.running_retries = 0
        self.waiting = 0
        self.waiting_retries = 0
        self._lanes: dict[UUID, _Lane] = {}
        self._first_attempts_ready: deque[_Lane] = deque()
        self._retries_ready: deque[_Lane] = deque()

    @property
    def running(self) -> int:
        """Attempts under way."""
        return self.running_first_attempts + self.running_retries

    @property
    def held(self) -> int:
        """Deliveries in memory: waiting or under way."""
        return self.waiting + self.running

    @property
    def is_idle(self) -> bool:
        """Nothing waits, runs, or is yet to be written."""
        return not self._lanes

    def __iter__(self) -> Iterator[Delivery]:
        """Deliveries in memory."""
        for lane in self._lanes.values():
            yield from lane.waiting
            if lane.running is not None:
                yield lane.running

    def add(
        self, delivery: Delivery, *, predecessor: int | None, has_successors: bool = False
    ) -> bool:
        """Take in a delivery; False when it has to wait in Postgres.

        Args:
            delivery: leased by this process.
            predecessor: the sequence of the unfinished delivery before it in the lane, as Postgres
                knew it; None for the first. Memory must end with just that one, and well: since
                Postgres was asked the lane may have failed, and come back with only its head.
            has_successors: Postgres has later ones of this lane.
        """
        lane = self._lanes.get(delivery.order_id)
        if lane is None:
            if predecessor is not None:
                return False
            lane = self._lanes[delivery.order_id] = _Lane()
        elif (
            lane.broken
            or delivery.sequence <= lane.last_sequence
            or predecessor not in (None, lane.last_sequence)
        ):
            lane.has_successors = True
            return False
        lane.has_successors |= has_successors
        lane.last_sequence = delivery.sequence
        lane.waiting.append(delivery)
        self._count_waiting(delivery, 1)
        if lane.running is None and len(lane.waiting) == 1:
            self._queue(lane)
        return True

    def note_successors(self, order_id: UUID) -> None:
        """Postgres has more of this lane than memory."""
        lane = self._lanes.get(order_id)
        if lane is not None:
            lane.has_successors = True

    def start(self) -> Delivery | None:
        """The next delivery to attempt, counted as under way; None when nothing may start."""
        if self._first_attempts_ready and self.running_first_attempts < self.concurrency:
            lane = self._first_attempts_ready.popleft()
            self.running_first_attempts += 1
        elif self._retries_ready and self.running_retries < self.retry_concurrency:
            lane = self._retries_ready.popleft()
            self.running_retries += 1
        else:
            return None
        delivery = lane.waiting.popleft()
        self._count_waiting(delivery, -1)
        lane.running = delivery
        return delivery

    def finish(self, delivery: Delivery, *, goes_on: bool) -> list[Delivery]:
        """An attempt has ended; its outcome is yet to be written.

        Args:
            delivery: as `start` gave it.
            goes_on: whether the lane may go on: delivered, or given up for good.

        Returns:
            Its successors in memory, which have to wait in Postgres now.
        """
        lane = self._lanes[delivery.order_id]
        self._stop_running(lane, delivery)
        lane.unwritten += 1
        if not goes_on:
            return self._break(lane)
        if lane.waiting:
            self._queue(lane)
        return []

    def written(self, delivery: Delivery) -> bool:
        """The outcome is in Postgres; True when more of the lane can be claimed there now."""
        lane = self._lanes[delivery.order_id]
        lane.unwritten -= 1
        if not lane.is_idle:
            return False
        del self._lanes[delivery.order_id]
        return lane.has_successors

    def take_expired(self, now: float) -> list[Delivery]:
        """Deliveries whose lease could end before an attempt does, with all that follow them."""
        expired: list[Delivery] = []
        for ready in (self._first_attempts_ready, self._retries_ready):
            # Leases are taken in order, so the oldest stand in front.
            while ready and ready[0].waiting[0].start_before < now:
                lane = ready.popleft()
                order_id = lane.waiting[0].order_id
                expired += self._break(lane)
                self._forget_if_idle(order_id, lane)
        return expired

    def take_waiting(self) -> list[Delivery]:
        """Everything that is not under way: the endpoint is disabled, or the process stops."""
        taken: list[Delivery] = []
        self._first_attempts_ready.clear()
        self._retries_ready.clear()
        for order_id, lane in list(self._lanes.items()):
            taken += self._break(lane)
            self._forget_if_idle(order_id, lane)
        return taken

    def give_back(self, delivery: Delivery) -> list[Delivery]:
        """`start` gave it but it was not attempted; it and what follows, for Postgres."""
        lane = self._lanes[delivery.order_id]
        self._stop_running(lane, delivery)
        successors = self._break(lane)
        self._forget_if_idle(delivery.order_id, lane)
        return [delivery, *successors]

    def supersede(self, order_id: UUID, before: int) -> tuple[list[Delivery], bool]:
        """The order went back: nothing before that sequence is attempted any more.

        Returns:
            What was taken out, and whether an attempt of the lane is under way or unwritten; one
            that is under way is marked as superseded.
        """
        lane = self._lanes.get(order_id)
        if lane is None:
            return [], False
        taken = [delivery for delivery in lane.waiting if delivery.sequence < before]
        if taken:
            self._take_out(lane, taken)
        if lane.running is not None and lane.running.sequence < before:
            lane.running.is_superseded = True
        has_begun = lane.running is not None or lane.unwritten > 0
        self._forget_if_idle(order_id, lane)
        return taken, has_begun

    def _take_out(self, lane: _Lane, taken: list[Delivery]) -> None:
        """Take the first of its waiting deliveries out of a lane."""
        if lane.running is None:
            for ready in (self._first_attempts_ready, self._retries_ready):
                if lane in ready:
                    ready.remove(lane)
        for delivery in taken:
            lane.waiting.popleft()
            self._count_waiting(delivery, -1)
        if lane.running is None and lane.waiting:
            self._queue(lane)

    def _queue(self, lane: _Lane) -> None:
        ready = self._retries_ready if lane.waiting[0].attempts else self._first_attempts_ready
        ready.append(lane)

    def _stop_running(self, lane: _Lane, delivery: Delivery) -> None:
        lane.running = None
        if delivery.attempts:
            self.running_retries -= 1
        else:
            self.running_first_attempts -= 1

    def _break(self, lane: _Lane) -> list[Delivery]:
        successors = list(lane.waiting)
        for delivery in successors:
            self._count_waiting(delivery, -1)
        lane.waiting.clear()
        lane.broken = True
        lane.has_successors |= bool(successors)
        return successors

    def _forget_if_idle(self, order_id: UUID, lane: _Lane) -> None:
        if lane.is_idle:
            del self._lanes[order_id]

    def _count_waiting(self, delivery: Delivery, change: int) -> None:
        self.waiting += change
        if delivery.attempts:
            self.waiting_retries += change
