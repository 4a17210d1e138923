"""Tabs and statuses of the filter."""

from services.routing.lifecycle import TABS
from services.routing.lists.facets import Counted, Counts, facets_of
from services.routing.lists.filter import OrderFilter
from shared.contracts.order import OrderStatus
from tests.kit.builders import CONNECTION, STORE

OPEN, SHIPPED = OrderStatus.OPEN, OrderStatus.SHIPPED


def test_every_status_is_in_one_tab() -> None:
    assert sorted(status for tab in TABS.values() for status in tab) == sorted(OrderStatus)


def test_a_status_is_looked_for_within_the_tab() -> None:
    assert OrderFilter().wanted_statuses() is None
    assert OrderFilter("orders").wanted_statuses() == TABS["orders"]
    assert OrderFilter(statuses=(OPEN, SHIPPED)).wanted_statuses() == frozenset({OPEN, SHIPPED})
    assert OrderFilter("shipped", (OPEN, SHIPPED)).wanted_statuses() == frozenset({SHIPPED})
    assert OrderFilter("finished", (OPEN,)).wanted_statuses() == frozenset()


def test_counts_are_exact_up_to_ten_thousand_and_whole_unless_cut() -> None:
    counted = [Counted(CONNECTION, STORE, OPEN, 10_000), Counted(None, STORE, SHIPPED, 1)]
    found = facets_of(Counts(counted, is_cut=False), OrderFilter())
    assert [(one.connection_id, one.count, one.is_capped) for one in found.connections] == [
        (CONNECTION, 10_000, False), (None, 1, False),
    ]  # fmt: skip
    assert (found.total.count, found.total.is_capped) == (10_000, True)
    chosen = facets_of(Counts(counted, is_cut=True), OrderFilter(statuses=(SHIPPED,)))
    assert [(one.status, one.count) for one in chosen.statuses] == [(OPEN, 10_000), (SHIPPED, 1)]
    assert [one.connection_id for one in chosen.connections] == [None]
    assert (chosen.total.count, chosen.total.is_capped) == (1, True)
