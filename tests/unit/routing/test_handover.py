"""The Orders tab goes back; everything else stays."""

import itertools

import pytest

from services.routing.handover import goes_back, hand_back, sweep_through
from services.routing.orders import Connection, Outcome
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from tests.kit.builders import THREE_PL, a_connection, an_order, the_brands

ACTIVE = ConnectionState.ACTIVE
INACTIVE = ConnectionState.INACTIVE
DISCONNECTED = ConnectionState.DISCONNECTED


@pytest.mark.parametrize(
    ("status", "state", "epoch"),
    list(itertools.product(OrderStatus, ConnectionState, (1, 2))),
)
def test_only_the_orders_tab_of_an_ended_connection_goes_back(
    status: OrderStatus, state: ConnectionState, epoch: int
) -> None:
    in_tab = status in {OrderStatus.OPEN, OrderStatus.ON_HOLD}
    running = state is ACTIVE and epoch == 1
    order = an_order(status=status, epoch=1)
    assert goes_back(order, a_connection(state=state, epoch=epoch)) == (in_tab and not running)


def test_handing_back_makes_it_the_brands_and_tells_the_three_pl_to_stop() -> None:
    decision = hand_back(an_order(version=4, sequence=7), "the connection is inactive")

    assert decision.outcome is Outcome.RETURNED
    assert decision.order == the_brands(three_pl_id=THREE_PL, version=5, sequence=9)
    to_three_pl, to_brand = decision.events
    assert (to_three_pl.type, to_brand.type) == ("order.unassigned", "order.returned")
    assert to_three_pl.order == an_order(version=5, sequence=8)
    assert to_brand.order == decision.order
    assert to_three_pl.reason == to_brand.reason == "the connection is inactive"
    assert decision.why["reason"] == "the connection is inactive"


@pytest.mark.parametrize(
    ("known", "changed", "expected"),
    [
        # never switched on: nothing can be with the 3PL
        (None, a_connection(state=INACTIVE, epoch=0), None),
        (None, a_connection(state=ACTIVE, epoch=1), None),
        (a_connection(state=INACTIVE, epoch=0), a_connection(state=ACTIVE, epoch=1), None),
        # switched off, disconnected
        (a_connection(epoch=1), a_connection(state=INACTIVE, epoch=1), 1),
        (a_connection(epoch=3), a_connection(state=DISCONNECTED, epoch=3), 3),
        # off already, then disconnected: that epoch's sweep stands recorded
        (a_connection(state=INACTIVE, epoch=2), a_connection(state=DISCONNECTED, epoch=2), None),
        # on again: the epoch before was swept when it was switched off; recording twice is idle
        (a_connection(state=INACTIVE, epoch=1), a_connection(state=ACTIVE, epoch=2), 1),
        # versions in between never seen
        (a_connection(epoch=1), a_connection(state=ACTIVE, epoch=2), 1),
        (a_connection(epoch=1), a_connection(state=ACTIVE, epoch=5), 4),
        (a_connection(epoch=1), a_connection(state=INACTIVE, epoch=2), 2),
        (a_connection(state=INACTIVE, epoch=1), a_connection(state=INACTIVE, epoch=2), 2),
        (None, a_connection(state=DISCONNECTED, epoch=2), 2),
        # settings changed
        (a_connection(epoch=2), a_connection(epoch=2, settings_version=9), None),
    ],
)
def test_a_change_owes_the_sweep_of_every_epoch_it_ended(
    known: Connection | None, changed: Connection, expected: int | None
) -> None:
    assert sweep_through(known, changed) == expected
