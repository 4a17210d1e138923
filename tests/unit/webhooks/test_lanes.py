"""The lanes of one endpoint: single rules, each by itself."""

from uuid import UUID

from services.webhooks.delivery import Delivery
from services.webhooks.lanes import Lanes

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
_ENDPOINT = UUID(int=9)


def delivery(order: UUID, sequence: int, attempts: int = 0, start_before: float = 1e9) -> Delivery:
    return Delivery(
        id=UUID(int=order.int * 1_000 + sequence),
        event_id=UUID(int=order.int * 1_000 + sequence),
        endpoint_id=_ENDPOINT,
        order_id=order,
        sequence=sequence,
        attempts=attempts,
        body=b"",
        traceparent=None,
        start_before=start_before,
    )


def test_a_lane_goes_one_by_one_and_lanes_do_not_wait_for_each_other() -> None:
    lanes = Lanes(16, 4)
    a1, a2, b1 = delivery(A, 1), delivery(A, 2), delivery(B, 1)
    assert lanes.add(a1, predecessor=None)
    assert lanes.add(a2, predecessor=1)
    assert lanes.add(b1, predecessor=None)

    assert [lanes.start(), lanes.start(), lanes.start()] == [a1, b1, None]
    assert lanes.finish(a1, goes_on=True) == []
    assert lanes.start() is a2


def test_the_next_starts_before_the_outcome_of_the_one_before_is_written() -> None:
    lanes = Lanes(16, 4)
    a1, a2 = delivery(A, 1), delivery(A, 2)
    lanes.add(a1, predecessor=None)
    lanes.start()
    lanes.finish(a1, goes_on=True)

    assert lanes.add(a2, predecessor=1)
    assert lanes.start() is a2
    assert not lanes.written(a1)


def test_behind_one_that_memory_does_not_know_is_for_postgres() -> None:
    assert not Lanes(16, 4).add(delivery(A, 2), predecessor=1)


def test_a_failure_gives_back_what_follows_and_refuses_more_until_it_is_written() -> None:
    lanes = Lanes(16, 4)
    a1, a2, a3 = (delivery(A, n) for n in (1, 2, 3))
    lanes.add(a1, predecessor=None)
    lanes.add(a2, predecessor=1)
    lanes.start()

    assert lanes.finish(a1, goes_on=False) == [a2]
    assert not lanes.add(a3, predecessor=2)
    assert lanes.start() is None
    assert lanes.written(a1)
    assert lanes.is_idle
    assert lanes.add(delivery(A, 1, attempts=1), predecessor=None)


def test_a_lane_that_came_back_takes_only_what_stands_right_behind() -> None:
    lanes = Lanes(16, 4)
    a1, a2, a3 = (delivery(A, n) for n in (1, 2, 3))
    lanes.add(a1, predecessor=None)
    lanes.add(a2, predecessor=1)
    lanes.start()
    # Postgres stores a3 while the first fails and, written, comes back without the second.
    lanes.finish(a1, goes_on=False)
    lanes.written(a1)
    lanes.add(delivery(A, 1, attempts=1), predecessor=None, has_successors=True)

    assert not lanes.add(a3, predecessor=2)
    assert lanes.add(a2, predecessor=1)
    assert lanes.add(a3, predecessor=2)


def test_first_attempts_and_retries_have_limits_of_their_own() -> None:
    lanes = Lanes(2, 1)
    for order in range(10, 20):
        lanes.add(delivery(UUID(int=order), 1, attempts=1), predecessor=None)
    retry = lanes.start()
    assert retry is not None
    assert lanes.start() is None

    for order in range(20, 30):
        lanes.add(delivery(UUID(int=order), 1), predecessor=None)
    assert [bool(lanes.start()) for _ in range(3)] == [True, True, False]
    assert (lanes.running_first_attempts, lanes.running_retries) == (2, 1)
    lanes.finish(retry, goes_on=True)
    assert lanes.start() is not None


def test_leases_that_could_end_first_are_given_back_with_what_follows() -> None:
    lanes = Lanes(1, 1)
    running, a1, a2, b1 = (
        delivery(C, 1, start_before=10),
        delivery(A, 1, start_before=10),
        delivery(A, 2, start_before=99),
        delivery(B, 1, start_before=99),
    )
    for added in (running, a1, b1):
        lanes.add(added, predecessor=None)
    lanes.add(a2, predecessor=1)
    lanes.start()

    assert lanes.take_expired(5) == []
    assert lanes.take_expired(11) == [a1, a2]
    assert lanes.waiting == 1
    assert not lanes.add(delivery(A, 3), predecessor=2)


def test_more_in_postgres_is_told_once_the_lane_is_written() -> None:
    lanes = Lanes(1, 1)
    a1 = delivery(A, 1)
    lanes.add(a1, predecessor=None, has_successors=False)
    lanes.start()
    lanes.note_successors(A)
    lanes.finish(a1, goes_on=True)

    assert lanes.written(a1)


def test_the_same_delivery_again_is_refused() -> None:
    lanes = Lanes(1, 1)
    lanes.add(delivery(A, 1), predecessor=None)

    assert not lanes.add(delivery(A, 1), predecessor=None)


def test_taking_all_that_waits_leaves_what_runs() -> None:
    lanes = Lanes(1, 1)
    a1, a2, b1 = delivery(A, 1), delivery(A, 2), delivery(B, 1)
    for added in (a1, b1):
        lanes.add(added, predecessor=None)
    lanes.add(a2, predecessor=1)
    lanes.start()

    assert lanes.take_waiting() == [a2, b1]
    assert (lanes.waiting, lanes.running) == (0, 1)
    lanes.finish(a1, goes_on=True)
    assert lanes.written(a1)
    assert lanes.is_idle


def test_an_order_that_went_back_leaves_memory_and_its_limits_alone() -> None:
    lanes = Lanes(1, 1)
    b1, a1, a2, a3 = delivery(B, 1), delivery(A, 1), delivery(A, 2), delivery(A, 3)
    for one, predecessor in ((b1, None), (a1, None), (a2, 1)):
        assert lanes.add(one, predecessor=predecessor)
    assert lanes.start() is b1
    assert lanes.supersede(A, 3) == ([a1, a2], False)
    assert (lanes.waiting, lanes.held) == (0, 1)
    assert lanes.add(a3, predecessor=None)
    lanes.finish(b1, goes_on=True)

    assert lanes.start() is a3
    assert lanes.supersede(A, 3) == ([], True)
    assert not a3.is_superseded


def test_an_attempt_under_way_is_marked_and_the_return_goes_behind_it() -> None:
    lanes = Lanes(16, 4)
    a1, a2, a3 = delivery(A, 1), delivery(A, 2), delivery(A, 3)
    lanes.add(a1, predecessor=None)
    lanes.add(a2, predecessor=1)
    lanes.start()
    assert lanes.supersede(A, 3) == ([a2], True)
    assert a1.is_superseded
    assert lanes.add(a3, predecessor=None)
    assert lanes.start() is None
    lanes.finish(a1, goes_on=True)
    assert lanes.supersede(A, 3) == ([], True)
    assert lanes.start() is a3


def test_a_retry_that_waits_is_taken_out_and_what_is_behind_the_return_stays() -> None:
    lanes = Lanes(16, 4)
    retry, returned = delivery(A, 1, attempts=2), delivery(A, 2)
    lanes.add(retry, predecessor=None)
    lanes.add(returned, predecessor=1)

    assert lanes.supersede(A, 2) == ([retry], False)
    assert (lanes.waiting, lanes.waiting_retries) == (1, 0)
    assert lanes.start() is returned
    assert (lanes.running_first_attempts, lanes.running_retries) == (1, 0)
