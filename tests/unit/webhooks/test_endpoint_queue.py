"""What one endpoint may do now: capacity, what to claim, overflow, memory."""

from uuid import UUID, uuid4

import pytest

from services.webhooks.delivery import Delivery
from services.webhooks.endpoint_queue import (
    LARGEST_CLAIM,
    ClaimQuota,
    EndpointQueue,
    EndpointQueues,
    Limits,
    Memory,
)

NOTHING = ClaimQuota(0, 0)


def limits(
    first_attempts: int = 4,
    retries: int = 2,
    deliveries: int = 100,
    memory_bytes: int = 1_000,
    endpoint_bytes: int = 1_000_000,
) -> Limits:
    return Limits(first_attempts, retries, deliveries, memory_bytes, endpoint_bytes)


def make(limits: Limits) -> tuple[EndpointQueue, Memory]:
    memory = Memory(limits.memory_bytes)
    return EndpointQueue(limits, memory), memory


def delivery(
    order: UUID | None = None, sequence: int = 1, attempts: int = 0, body: bytes = b"12345"
) -> Delivery:
    return Delivery(
        uuid4(), uuid4(), UUID(int=9), order or uuid4(), sequence, attempts, body, None, 10.0
    )


def fill(queue: EndpointQueue, count: int, attempts: int = 0) -> None:
    for _ in range(count):
        assert queue.add(delivery(attempts=attempts), predecessor=None)


def finish_all(queue: EndpointQueue) -> None:
    """Everything that is in memory succeeds and is written."""
    while (started := queue.start()) is not None:
        queue.finish(started, goes_on=True)
        queue.note_written(started)


# --- capacity -------------------------------------------------------------------------------


def test_capacity_is_what_is_not_held_under_way_or_waiting() -> None:
    queue, _ = make(limits(deliveries=10))
    assert queue.capacity == 10
    fill(queue, 3)
    started = queue.start()
    assert started is not None
    assert (queue.capacity, queue.waiting, queue.running) == (7, 2, 1)

    queue.finish(started, goes_on=True)
    assert queue.capacity == 8


def test_beyond_the_shared_memory_an_endpoint_keeps_a_little() -> None:
    bounds = limits(first_attempts=4, deliveries=100, memory_bytes=10)
    queue, memory = make(bounds)
    fill(queue, 2)
    assert (memory.held_bytes, queue.capacity) == (10, 98)
    fill(queue, 1)
    assert (memory.held_bytes, queue.capacity) == (15, 8 - 3)

    other = EndpointQueue(bounds, memory)
    assert other.capacity == 8


def test_memory_counts_what_is_held_and_nothing_else() -> None:
    queue, memory = make(limits())
    order = uuid4()
    first, second = delivery(order, 1), delivery(order, 2)
    queue.add(first, predecessor=None)
    queue.add(second, predecessor=1)
    assert not queue.add(delivery(order, 3), predecessor=1), "memory does not end with its 1"
    assert memory.held_bytes == 10

    assert queue.start() is first
    assert queue.finish(first, goes_on=False) == [second]
    assert memory.held_bytes == 0


def test_what_is_given_back_leaves_memory() -> None:
    queue, memory = make(limits())
    fill(queue, 4)
    started = queue.start()
    assert started is not None
    assert queue.give_back(started) == [started]
    assert memory.held_bytes == 15
    assert queue.take_expired(9.0) == []
    assert len(queue.take_expired(11.0)) == 3
    assert memory.held_bytes == 0
    fill(queue, 2)
    assert len(queue.take_waiting()) == 2
    assert memory.held_bytes == 0
    assert queue.is_idle


# --- quotas ---------------------------------------------------------------------------------


def test_nothing_is_claimed_where_nothing_is_known_to_wait() -> None:
    queue, _ = make(limits())
    assert queue.claim_quota() is None


def test_an_idle_endpoint_claims_twice_what_may_run() -> None:
    queue, _ = make(limits(first_attempts=4, retries=2))
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(8, 4)


def test_a_claim_under_way_is_not_made_again_unless_something_is_noted() -> None:
    queue, _ = make(limits())
    queue.note_stored_work()
    queue.begin_claim(ClaimQuota(8, 4))
    assert queue.claim_quota() is None
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(8, 4)


def test_a_kind_that_was_not_claimed_stays_to_be_claimed() -> None:
    queue, _ = make(limits(first_attempts=4, retries=2))
    fill(queue, 4, attempts=1)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(8, 0)
    queue.begin_claim(ClaimQuota(8, 0))
    queue.end_claim(ClaimQuota(8, 0), NOTHING)

    finish_all(queue)
    assert queue.claim_quota() == ClaimQuota(0, 4)


@pytest.mark.parametrize(
    ("claimed", "then"),
    [
        (ClaimQuota(8, 4), ClaimQuota(8, 4)),
        (ClaimQuota(8, 3), ClaimQuota(8, 0)),
        (ClaimQuota(7, 4), ClaimQuota(0, 4)),
        (NOTHING, None),
    ],
)
def test_a_full_claim_means_that_there_may_be_more(
    claimed: ClaimQuota, then: ClaimQuota | None
) -> None:
    queue, _ = make(limits())
    queue.note_stored_work()
    queue.begin_claim(ClaimQuota(8, 4))
    queue.end_claim(ClaimQuota(8, 4), claimed)
    assert queue.claim_quota() == then


def test_a_fast_endpoint_is_fed_in_larger_pieces() -> None:
    queue, _ = make(limits(deliveries=1_000, memory_bytes=100_000))
    for _ in range(50):
        fill(queue, 1)
        finish_all(queue)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(100, 4)

    queue.begin_claim(ClaimQuota(100, 4))
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(8, 4), "nothing got done since"


def test_one_endpoint_gets_at_most_half_of_a_claim() -> None:
    queue, _ = make(limits(deliveries=10_000, memory_bytes=100_000))
    for _ in range(LARGEST_CLAIM):
        fill(queue, 1)
        finish_all(queue)
    queue.note_stored_work()
    quota = queue.claim_quota()
    assert quota is not None
    assert quota.first_attempts == LARGEST_CLAIM // 2


def test_an_endpoint_with_enough_to_do_claims_no_small_pieces() -> None:
    queue, _ = make(limits(first_attempts=4))
    fill(queue, 5)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(0, 4), "3 would be less than half of 8"

    queue, _ = make(limits(first_attempts=4))
    fill(queue, 4)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(4, 4)


def test_a_small_piece_is_claimed_when_an_attempt_could_start_that_has_nothing_to_send() -> None:
    queue, _ = make(limits(first_attempts=4, deliveries=4))
    fill(queue, 3)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(0, 4), "what waits can start"
    for _ in range(3):
        queue.start()
    assert queue.claim_quota() == ClaimQuota(1, 4)


def test_a_busy_endpoint_with_little_left_waits_for_more_than_a_small_piece() -> None:
    queue, _ = make(limits(first_attempts=4, deliveries=5))
    fill(queue, 4)
    for _ in range(4):
        queue.start()
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(0, 4)


def test_a_small_endpoint_is_fed_by_its_own_measure() -> None:
    queue, _ = make(limits(first_attempts=4, deliveries=6))
    fill(queue, 3)
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(3, 4), "half of 6, not of 8"


def test_first_attempts_that_did_not_fit_stay_to_be_claimed() -> None:
    queue, _ = make(limits(first_attempts=4, deliveries=4))
    fill(queue, 4)
    queue.note_stored_work()
    queue.begin_claim(ClaimQuota(0, 4))
    queue.end_claim(ClaimQuota(0, 4), NOTHING)

    finish_all(queue)
    assert queue.claim_quota() == ClaimQuota(4, 0)


def test_a_full_endpoint_claims_no_first_attempts() -> None:
    queue, _ = make(limits(first_attempts=4, deliveries=4))
    fill(queue, 4)
    for _ in range(4):
        queue.start()
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(0, 4)


def test_retries_under_way_and_waiting_count_against_their_quota() -> None:
    queue, _ = make(limits(retries=2))
    fill(queue, 2, attempts=1)
    queue.start()
    queue.note_stored_work()
    assert queue.claim_quota() == ClaimQuota(8, 2)
    fill(queue, 1, attempts=1)
    assert queue.claim_quota() == ClaimQuota(8, 0), "1 would be less than half"


# --- overflow -------------------------------------------------------------------------------


def test_new_ones_do_not_overtake_what_overflowed() -> None:
    queue, _ = make(limits())
    queue.note_overflow()
    assert queue.capacity == 0
    assert queue.claim_quota() == ClaimQuota(8, 0)

    queue.begin_claim(ClaimQuota(8, 0))
    queue.end_claim(ClaimQuota(8, 0), ClaimQuota(8, 0))
    assert queue.capacity == 0, "there may be more of it"
    queue.begin_claim(ClaimQuota(8, 0))
    queue.end_claim(ClaimQuota(8, 0), ClaimQuota(3, 0))
    assert queue.capacity == 100


def test_what_overflows_during_a_claim_is_not_taken_for_claimed() -> None:
    queue, _ = make(limits())
    queue.note_overflow()
    queue.begin_claim(ClaimQuota(8, 0))
    queue.note_overflow()
    queue.end_claim(ClaimQuota(8, 0), ClaimQuota(3, 0))
    assert queue.capacity == 0
    assert queue.claim_quota() == ClaimQuota(8, 0)


def test_a_claim_of_retries_says_nothing_of_the_overflow() -> None:
    queue, _ = make(limits())
    queue.note_overflow()
    queue.begin_claim(ClaimQuota(8, 0))
    queue.end_claim(ClaimQuota(0, 4), NOTHING)
    assert queue.capacity == 0


# --- idle -----------------------------------------------------------------------------------


def test_a_queue_is_idle_once_all_is_written_and_nothing_is_known_to_wait() -> None:
    queue, _ = make(limits())
    fill(queue, 1)
    started = queue.start()
    assert started is not None
    queue.finish(started, goes_on=True)
    assert not queue.is_idle
    assert not queue.note_written(started)
    assert queue.is_idle

    queue.note_overflow()
    assert not queue.is_idle
    queue.begin_claim(ClaimQuota(8, 0))
    assert not queue.is_idle, "the claim is under way"
    queue.forget_stored_work()
    assert queue.is_idle
    assert queue.capacity == 100


def test_a_lane_with_successors_in_postgres_is_to_be_claimed_once_written() -> None:
    queue, _ = make(limits())
    order = uuid4()
    queue.add(delivery(order), predecessor=None)
    queue.note_successor(order)
    started = queue.start()
    assert started is not None
    queue.finish(started, goes_on=True)
    assert queue.note_written(started)
    assert queue.claim_quota() == ClaimQuota(8, 4)


def test_idle_queues_are_forgotten_and_memory_is_shared() -> None:
    queues = EndpointQueues(limits(memory_bytes=10))
    busy, idle, other = (UUID(int=number) for number in (1, 2, 3))
    fill(queues.of(busy), 3)
    queues.of(idle)
    queues.forget_idle()

    assert [endpoint_id for endpoint_id, _ in queues] == [busy]
    assert queues.get(idle) is None
    assert queues.of(busy) is queues.get(busy)
    assert queues.of(other).capacity == 8, "beyond the memory that all share"


def test_an_endpoint_takes_nothing_while_it_holds_its_bytes() -> None:
    queue, memory = make(limits(endpoint_bytes=10, memory_bytes=1_000))
    queue.note_stored_work()
    assert queue.add(delivery(body=b"9 bytes.."), predecessor=None)
    assert (queue.capacity, queue.free_bytes) == (99, 1)
    large = delivery(body=bytes(500))
    assert queue.add(large, predecessor=None), "the last may be larger"
    assert (queue.capacity, queue.claim_quota()) == (0, None)

    finish_all(queue)
    assert (queue.capacity, queue.free_bytes, memory.held_bytes) == (100, 10, 0)
    quota = queue.claim_quota()
    assert quota is not None
    assert quota.bytes == 5
