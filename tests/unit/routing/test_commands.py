"""Who may do what with an order: cases 4 and 5, and holds."""

from typing import Any
from uuid import UUID

import pytest

from services.routing.commands import Asked, allowed, command
from services.routing.lifecycle import Command
from services.routing.orders import Connection, Decision, Event, Hold, Order
from shared.contracts.connections_changed import ConnectionState, Party
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import HoldKind
from shared.failures import Refused
from tests.kit.builders import (
    BRAND,
    CONNECTION,
    OTHER,
    THREE_PL,
    a_connection,
    a_hold,
    an_order,
    the_brands,
)


def ask(
    order: Order,
    connection: Connection | None,
    wanted: Command = Command.PROCESS,
    *,
    version: int,
    account: UUID,
    **more: Any,
) -> Decision:
    return command(order, connection, Asked(wanted, version, account, **more))


def test_the_owner_processes_with_the_version_it_saw() -> None:
    decision = ask(an_order(), a_connection(), Command.PROCESS, version=1, account=THREE_PL)
    assert decision.order == an_order(status=OrderStatus.PROCESSING, version=2, sequence=2)
    assert decision.events == (Event("order.updated", decision.order, ("status",)),)


def test_the_brand_sees_an_order_that_it_does_not_own_and_may_not_command_it() -> None:
    with pytest.raises(Refused, match="not_owner"):
        ask(an_order(), a_connection(), Command.PROCESS, version=1, account=BRAND)


@pytest.mark.parametrize("version", [1, 7])
def test_who_may_not_see_an_order_learns_nothing_of_it(version: int) -> None:
    returned = the_brands(three_pl_id=THREE_PL)
    for order, connection, account in (
        (an_order(), a_connection(), OTHER),
        # The 3PL that had it until it went back.
        (returned, None, THREE_PL),
    ):
        with pytest.raises(Refused) as refused:
            ask(order, connection, version=version, account=account)
        assert (refused.value.code, refused.value.facts) == ("not_found", {"what": "order"})


def test_who_does_not_own_it_is_not_told_whether_the_version_is_right() -> None:
    with pytest.raises(Refused, match="not_owner"):
        ask(an_order(version=2), a_connection(), Command.PROCESS, version=1, account=BRAND)


def test_a_stale_version_conflicts() -> None:
    with pytest.raises(Refused, match="version_conflict"):
        ask(an_order(version=2), a_connection(), Command.PROCESS, version=1, account=THREE_PL)


def test_once_the_connection_has_ended_nothing_can_be_processed_even_before_the_sweep() -> None:
    ended = a_connection(state=ConnectionState.INACTIVE)
    with pytest.raises(Refused, match="connection_ended"):
        ask(an_order(), ended, Command.PROCESS, version=1, account=THREE_PL)


def test_what_is_being_worked_can_be_finished_after_the_connection_ended() -> None:
    ended = a_connection(state=ConnectionState.DISCONNECTED)
    order = an_order(status=OrderStatus.PROCESSING)
    decision = ask(order, ended, Command.SHIP, version=1, account=THREE_PL)
    assert decision.order.status is OrderStatus.SHIPPED
    assert decision.order.connection_id == CONNECTION


@pytest.mark.parametrize(
    "ended",
    [a_connection(state=ConnectionState.DISCONNECTED), a_connection(epoch=2)],
)
def test_moved_back_after_the_connection_ended_goes_to_the_brand_at_once(ended: Connection) -> None:
    order = an_order(status=OrderStatus.PROCESSING, version=5, sequence=8)
    decision = ask(order, ended, Command.MOVE_BACK, version=5, account=THREE_PL)
    assert decision.order.connection_id is None
    assert decision.order.status is OrderStatus.OPEN
    assert (decision.order.version, decision.order.sequence) == (6, 10)
    assert [(event.type, event.order.connection_id) for event in decision.events] == [
        ("order.unassigned", CONNECTION),
        ("order.returned", None),
    ]


def test_moved_back_while_the_connection_lives_stays_with_the_three_pl() -> None:
    order = an_order(status=OrderStatus.PROCESSING)
    decision = ask(order, a_connection(), Command.MOVE_BACK, version=1, account=THREE_PL)
    assert decision.order.connection_id == CONNECTION


def test_an_order_with_the_brand_is_commanded_by_the_brand() -> None:
    order = the_brands()
    decision = ask(order, None, Command.PROCESS, version=1, account=BRAND)
    assert decision.order.status is OrderStatus.PROCESSING


# --- holds ----------------------------------------------------------------------------------


def on_hold(*holds: Hold, **changes: Any) -> Order:
    return an_order(status=OrderStatus.ON_HOLD, holds=holds, **changes)


def release(order: Order, account: UUID, hold_id: UUID | None = None) -> Decision:
    connection = a_connection() if order.connection_id else None
    return ask(
        order, connection, Command.RELEASE, version=order.version, account=account, hold_id=hold_id
    )


@pytest.mark.parametrize("account", [BRAND, THREE_PL])
def test_both_parties_of_an_order_may_say_that_it_must_wait(account: UUID) -> None:
    hold = a_hold()
    decision = ask(an_order(), a_connection(), Command.HOLD, version=1, account=account, hold=hold)
    assert decision.order == on_hold(hold, version=2, sequence=2)
    assert decision.placed == (hold,)
    assert decision.events == (Event("order.updated", decision.order, ("holds", "status")),)
    assert (decision.why["hold"], decision.why["note"]) == ("stock", "out until Monday")


def test_several_holds_stand_at_once_and_the_order_waits_for_the_last() -> None:
    first, second = a_hold(), a_hold(id=OTHER, kind="address")
    held = ask(
        on_hold(first), a_connection(), Command.HOLD, version=1, account=THREE_PL, hold=second
    ).order
    assert (held.status, held.holds) == (OrderStatus.ON_HOLD, (first, second))
    once = release(held, THREE_PL, first.id)
    assert (once.order.status, once.order.holds) == (OrderStatus.ON_HOLD, (second,))
    assert once.lifted == (first.id,)
    assert once.events[0].changed_fields == ("holds",)
    assert release(once.order, THREE_PL).order.status is OrderStatus.OPEN


def test_an_order_has_a_limited_number_of_holds() -> None:
    full = on_hold(*(a_hold(id=UUID(int=n)) for n in range(20)))
    with pytest.raises(Refused, match="too_many_holds"):
        ask(full, a_connection(), Command.HOLD, version=1, account=BRAND, hold=a_hold())


@pytest.mark.parametrize(
    ("kind", "release_by", "may"),
    [
        ("stock", "three_pl", {THREE_PL}),
        ("address", "brand", {BRAND}),
        ("payment", "brand", {BRAND}),
        ("payment", "three_pl", {BRAND, THREE_PL}),
    ],
)
def test_a_hold_is_lifted_by_whom_it_names_and_a_payments_by_the_brand_always(
    kind: HoldKind, release_by: Party, may: set[UUID]
) -> None:
    order = on_hold(a_hold(kind=kind, release_by=release_by))
    for account in (BRAND, THREE_PL):
        if account in may:
            assert release(order, account).order.status is OrderStatus.OPEN
        else:
            with pytest.raises(Refused, match="not_hold_owner"):
                release(order, account)


def test_release_without_a_name_lifts_what_is_the_callers_and_no_more() -> None:
    theirs, ours = a_hold(), a_hold(id=OTHER, release_by="brand")
    decision = release(on_hold(theirs, ours), BRAND)
    assert decision.lifted == (ours.id,)
    assert decision.order.holds == (theirs,)


def test_an_unknown_hold_is_not_found() -> None:
    with pytest.raises(Refused) as refused:
        release(on_hold(a_hold()), THREE_PL, OTHER)
    assert (refused.value.code, refused.value.facts) == ("not_found", {"what": "hold"})


def test_of_an_order_that_went_back_the_brand_lifts_every_hold() -> None:
    """What named the 3PL would stand for ever."""
    returned = the_brands(status=OrderStatus.ON_HOLD, holds=(a_hold(release_by="three_pl"),))
    assert release(returned, BRAND).order.status is OrderStatus.OPEN


def test_each_party_is_shown_what_it_may_do() -> None:
    standing = (a_hold(release_by="brand"),)
    hold, lift = Command.HOLD, Command.RELEASE
    assert allowed(OrderStatus.ON_HOLD, standing, "three_pl", "three_pl") == [hold]
    assert allowed(OrderStatus.ON_HOLD, standing, "three_pl", "brand") == [hold, lift]
    assert allowed(OrderStatus.OPEN, (), "three_pl", "three_pl") == [Command.PROCESS, hold]
    assert allowed(OrderStatus.OPEN, (), "three_pl", "brand") == [hold]
    assert allowed(OrderStatus.PROCESSING, (), "three_pl", "brand") == []
