"""The life of an order: every command in every status."""

import itertools

import pytest

from services.routing.lifecycle import ORDERS_TAB, Command, after, allowed, cancelled_by_store
from shared.contracts.order import OrderStatus as S

LEGAL = {
    (S.OPEN, Command.PROCESS): S.PROCESSING,
    (S.OPEN, Command.HOLD): S.ON_HOLD,
    (S.ON_HOLD, Command.HOLD): S.ON_HOLD,
    (S.ON_HOLD, Command.RELEASE): S.OPEN,
    (S.PROCESSING, Command.SHIP): S.SHIPPED,
    (S.PROCESSING, Command.MOVE_BACK): S.OPEN,
    (S.SHIPPED, Command.DELIVER): S.DELIVERED,
    (S.SHIPPED, Command.RETURN): S.RETURNED,
    (S.CANCELLATION_REQUESTED, Command.ACCEPT_CANCELLATION): S.CANCELLED,
    (S.CANCELLATION_REQUESTED, Command.REJECT_CANCELLATION): S.PROCESSING,
}


@pytest.mark.parametrize(("status", "command"), list(itertools.product(S, Command)))
def test_each_command_leads_where_the_law_says_and_nowhere_else(
    status: S, command: Command
) -> None:
    assert after(status, command) == LEGAL.get((status, command))
    assert (command in allowed(status)) == ((status, command) in LEGAL)


def test_the_orders_tab_is_what_is_not_yet_worked() -> None:
    assert {S.OPEN, S.ON_HOLD} == ORDERS_TAB


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (S.OPEN, (S.CANCELLED, False)),
        (S.ON_HOLD, (S.CANCELLED, False)),
        (S.CANCELLED, (S.CANCELLED, False)),
        (S.PROCESSING, (S.CANCELLATION_REQUESTED, False)),
        (S.CANCELLATION_REQUESTED, (S.CANCELLATION_REQUESTED, False)),
        (S.SHIPPED, (S.SHIPPED, True)),
        (S.DELIVERED, (S.DELIVERED, True)),
        (S.RETURNED, (S.RETURNED, True)),
    ],
)
def test_a_cancellation_at_the_store_meets_the_order_where_it_is(
    status: S, expected: tuple[S, bool]
) -> None:
    assert cancelled_by_store(status) == expected
