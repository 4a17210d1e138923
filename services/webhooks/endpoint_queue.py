"""What one endpoint may do now: start, take in, claim. Pure.

Every endpoint has lanes, limits and memory of its own. The only thing that all share is a bound on
bytes, and even beyond it every endpoint keeps a little.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from services.webhooks.delivery import Delivery
from services.webhooks.lanes import Lanes

# Deliveries in one claim of all endpoints; one endpoint gets at most half of it.
LARGEST_CLAIM = 1_000
_ANY_SIZE = 2**62


@dataclass(frozen=True, slots=True)
class Limits:
    """What one endpoint may have: attempts under way of either kind, and deliveries in memory.

    `memory_bytes` is of the bodies of all endpoints together, `endpoint_bytes` of those of one: it
    takes more while it holds less than that, so that one of any size fits.
    """

    first_attempts: int
    retries: int
    deliveries: int
    memory_bytes: int
    endpoint_bytes: int


@dataclass(frozen=True, slots=True)
class ClaimQuota:
    """How many first attempts and retries to claim for an endpoint, or that were claimed.

    Of either kind no more once their bodies have that many `bytes`.
    """

    first_attempts: int
    retries: int
    bytes: int = field(default=_ANY_SIZE, compare=False)


class Memory:
    """The bodies that all endpoints hold.

    Args:
        limit: bytes; beyond it every endpoint is held to about what it has under way.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held_bytes = 0

    @property
    def is_over_limit(self) -> bool:
        """Whether endpoints have to make do with little."""
        return self.held_bytes > self._limit


class EndpointQueue:
    """What this process holds of one endpoint's work, and what it knows of the rest in Postgres.

    Args:
        limits: of every endpoint.
        memory: shared by all endpoints; counted here.
    """

    def __init__(self, limits: Limits, memory: Memory) -> None:
        self._limits = limits
        self._memory = memory
        self._held_bytes = 0
        self._lanes = Lanes(limits.first_attempts, limits.retries)
        # Postgres may have first attempts, or retries, that could be claimed now.
        self._first_attempts_stored = False
        self._retries_stored = False
        # First attempts wait in Postgres for capacity: new ones must not overtake them.
        self._overflowed = False
        self._finished_since_claim = 0
        # Orders that went back: statements under way may still bring what is before that sequence.
        self._returned: dict[UUID, int] = {}

    @property
    def waiting(self) -> int:
        """Deliveries in memory that are not under way."""
        return self._lanes.waiting

    @property
    def running(self) -> int:
        """Attempts under way."""
        return self._lanes.running

    @property
    def is_idle(self) -> bool:
        """Nothing is known of its work that would be forgotten with it."""
        return self._lanes.is_idle and not (
            self._first_attempts_stored
            or self._retries_stored
            or self._overflowed
            or self._returned
        )

    @property
    def capacity(self) -> int:
        """How many new deliveries may skip Postgres; 0 or less for none."""
        return 0 if self._overflowed else self._free

    @property
    def _most(self) -> int:
        """How many deliveries memory takes."""
        most = self._limits.deliveries
        if self._memory.is_over_limit:
            return min(most, 2 * self._limits.first_attempts)
        return most

    @property
    def _free(self) -> int:
        return self._most - self._lanes.held if self.free_bytes > 0 else 0

    @property
    def free_bytes(self) -> int:
        """How many bytes of bodies it may take in; the last may be larger."""
        return self._limits.endpoint_bytes - self._held_bytes

    # --- what is in memory ------------------------------------------------------------------

    def __iter__(self) -> Iterator[Delivery]:
        """Deliveries waiting or under way."""
        return iter(self._lanes)

    def add(
        self, delivery: Delivery, *, predecessor: int | None, has_successors: bool = False
    ) -> bool:
        """Take in a delivery; False when it has to wait in Postgres, see `Lanes.add`."""
        taken = self._lanes.add(delivery, predecessor=predecessor, has_successors=has_successors)
        if taken:
            self._count_bytes(len(delivery.body))
        return taken

    def start(self) -> Delivery | None:
        """The next delivery to attempt, counted as under way; None when nothing may start."""
        return self._lanes.start()

    def finish(self, delivery: Delivery, *, goes_on: bool) -> list[Delivery]:
        """An attempt has ended; the successors that have to wait in Postgres, see `Lanes`."""
        self._finished_since_claim += 1
        self._count_bytes(-len(delivery.body))
        return self._forget_bodies(self._lanes.finish(delivery, goes_on=goes_on))

    def note_written(self, delivery: Delivery) -> bool:
        """The outcome is in Postgres; True when more of the lane can be claimed there now."""
        if not self._lanes.written(delivery):
            return False
        self.note_stored_work()
        return True

    def give_back(self, delivery: Delivery) -> list[Delivery]:
        """`start` gave it but it was not attempted; it and its successors, for Postgres."""
        return self._forget_bodies(self._lanes.give_back(delivery))

    def take_expired(self, now: float) -> list[Delivery]:
        """What could not end within its lease any more, for Postgres; `now` is monotonic."""
        return self._forget_bodies(self._lanes.take_expired(now))

    def take_waiting(self) -> list[Delivery]:
        """Everything that is not under way, for Postgres."""
        return self._forget_bodies(self._lanes.take_waiting())

    def supersede(self, order_id: UUID, before: int) -> bool:
        """The order went back: nothing before that sequence starts from now on, see `Lanes`.

        Holds until `forget_return`. Returns whether an attempt of the lane is under way or
        unwritten.
        """
        self._returned[order_id] = before
        taken, has_begun = self._lanes.supersede(order_id, before)
        self._forget_bodies(taken)
        return has_begun

    def is_pointless(self, delivery: Delivery) -> bool:
        """Whether its order went back after it; then it must not be added."""
        return delivery.sequence < self._returned.get(delivery.order_id, 0)

    def forget_return(self, order_id: UUID) -> None:
        """Nothing that was asked of Postgres before the order went back can start any more."""
        self._returned.pop(order_id, None)

    def _forget_bodies(self, deliveries: list[Delivery]) -> list[Delivery]:
        self._count_bytes(-sum(len(delivery.body) for delivery in deliveries))
        return deliveries

    def _count_bytes(self, change: int) -> None:
        self._held_bytes += change
        self._memory.held_bytes += change

    # --- what is in Postgres ----------------------------------------------------------------

    def note_stored_work(self) -> None:
        """Postgres may have something that can be claimed now."""
        self._first_attempts_stored = self._retries_stored = True

    def note_successor(self, order_id: UUID) -> None:
        """A new delivery of this order went to Postgres alone, for its lane has to wait there."""
        self._lanes.note_successors(order_id)

    def note_overflow(self) -> None:
        """A new delivery went to Postgres alone, for want of capacity."""
        self._overflowed = self._first_attempts_stored = True

    def forget_stored_work(self) -> None:
        """The endpoint takes nothing now; whatever mends it notes its work again."""
        self._first_attempts_stored = self._retries_stored = self._overflowed = False

    def claim_quota(self) -> ClaimQuota | None:
        """What to claim; None while there is enough to do."""
        if self.free_bytes <= 0:
            return None
        first_attempts = self._first_attempts_to_claim() if self._first_attempts_stored else 0
        retries = self._retries_to_claim() if self._retries_stored else 0
        if not first_attempts and not retries:
            return None
        return ClaimQuota(first_attempts, retries, max(1, self.free_bytes // 2))

    def _first_attempts_to_claim(self) -> int:
        """As much again as got done since the last claim.

        A fast endpoint is fed in large pieces, one that hangs holds little. Small pieces only when
        an attempt could start that has nothing to send.
        """
        lanes = self._lanes
        done = min(2 * self._finished_since_claim, LARGEST_CLAIM // 2)
        pace = min(max(2 * lanes.concurrency, done), self._most)
        waiting = lanes.waiting - lanes.waiting_retries
        wanted = min(pace - waiting, self._free)
        could_start = not waiting and lanes.running_first_attempts < lanes.concurrency
        return wanted if wanted >= (1 if could_start else max(1, pace // 2)) else 0

    def _retries_to_claim(self) -> int:
        lanes = self._lanes
        free = 2 * lanes.retry_concurrency - lanes.waiting_retries - lanes.running_retries
        return free if free >= lanes.retry_concurrency else 0

    def begin_claim(self, quota: ClaimQuota) -> None:
        """A claim is under way; what is noted from now on is news."""
        self._first_attempts_stored &= not quota.first_attempts
        self._retries_stored &= not quota.retries
        self._finished_since_claim = 0

    def end_claim(self, quota: ClaimQuota, claimed: ClaimQuota) -> None:
        """A full claim means that there may be more; one that is not full, that nothing waits."""
        if quota.first_attempts and claimed.first_attempts >= quota.first_attempts:
            self._first_attempts_stored = True
        elif quota.first_attempts and not self._first_attempts_stored:
            self._overflowed = False
        if quota.retries and claimed.retries >= quota.retries:
            self._retries_stored = True


class EndpointQueues:
    """The queues of all endpoints that have work, made when first needed.

    Args:
        limits: of each.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._memory = Memory(limits.memory_bytes)
        self._queues: dict[UUID, EndpointQueue] = {}
        # What statements under way may lease to this process.
        self.arriving: set[UUID] = set()

    def of(self, endpoint_id: UUID) -> EndpointQueue:
        """The endpoint's queue, made if there is none."""
        queue = self._queues.get(endpoint_id)
        if queue is None:
            queue = self._queues[endpoint_id] = EndpointQueue(self._limits, self._memory)
        return queue

    def get(self, endpoint_id: UUID) -> EndpointQueue | None:
        """The endpoint's queue, if there is one."""
        return self._queues.get(endpoint_id)

    def held(self) -> set[UUID]:
        """The deliveries in memory, or on their way there."""
        return self.arriving | self.in_memory()

    def in_memory(self) -> set[UUID]:
        """The deliveries waiting or under way."""
        return {delivery.id for _, queue in self for delivery in queue}

    def __iter__(self) -> Iterator[tuple[UUID, EndpointQueue]]:
        return iter(self._queues.items())

    def forget_idle(self) -> None:
        """Let go of queues with nothing in them."""
        self._queues = {
            endpoint_id: queue for endpoint_id, queue in self._queues.items() if not queue.is_idle
        }
