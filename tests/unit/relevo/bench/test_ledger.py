"""The ledger of a bench: a run that lost an order cannot look well."""

from relevo.bench.ledger import balance, latencies, percentiles


def arrival(index: int, webhook_id: str | None = None, at: float = 1.0) -> tuple[float, str, int]:
    return at, webhook_id or f"msg-{index}", index


def test_everything_delivered_balances() -> None:
    book = balance([200, 202, 200], [arrival(2), arrival(0), arrival(1)])
    assert (book.sent, book.delivered, book.pending, book.refused) == (3, 3, 0, 0)
    assert book.balances


def test_an_accepted_order_that_is_nowhere_is_lost() -> None:
    book = balance([200, 200], [arrival(0)])
    assert book.lost == 1
    assert not book.balances


def test_refused_and_unanswered_orders_are_no_loss() -> None:
    book = balance([200, 503, 0], [arrival(0)])
    assert (book.refused, book.lost) == (2, 0)


def test_an_unanswered_order_that_arrived_counts_once() -> None:
    book = balance([200, 0], [arrival(0), arrival(1)])
    assert (book.delivered, book.refused, book.lost) == (1, 1, 0)


def test_a_stored_delivery_is_pending_until_it_arrived() -> None:
    assert balance([200, 200], [arrival(0)], unfinished=[1]).pending == 1
    # Arrived, and not written as delivered yet: not counted twice.
    book = balance([200, 200], [arrival(0), arrival(1)], unfinished=[1])
    assert (book.delivered, book.pending, book.lost) == (2, 0, 0)


def test_pending_of_an_earlier_load_hides_no_loss() -> None:
    assert balance([200], [], unfinished=[-7, 5]).lost == 1


def test_the_same_webhook_twice_is_a_duplicate() -> None:
    book = balance([200], [arrival(0), arrival(0), arrival(0)])
    assert (book.delivered, book.duplicated) == (1, 2)


def test_two_events_of_one_order_are_not_duplicates() -> None:
    assert balance([200], [arrival(0, "a"), arrival(0, "b")]).duplicated == 0


def test_latency_counts_from_the_schedule_to_the_first_arrival() -> None:
    arrivals = [arrival(0, at=10.5), arrival(0, at=10.2), arrival(1, at=11.05)]
    assert [round(latency) for latency in latencies([10.0, 11.0], arrivals)] == [50, 200]


def test_percentiles_are_measured_values_by_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]
    assert percentiles(values) == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert percentiles([7.0]) == {"p50": 7.0, "p95": 7.0, "p99": 7.0, "max": 7.0}
    assert set(percentiles([]).values()) == {0.0}
