"""Whose order it is, and what a store's message changes: `domain.md`, case by case."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.routing.assignment import assign, changed_fields, command, receive
from services.routing.lifecycle import Command
from services.routing.orders import Connection, Decision, Event, Outcome
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from shared.failures import Refused
from tests.kit.builders import (
    BRAND,
    CONNECTION,
    ENDPOINT,
    NOON,
    ORDER,
    OTHER,
    THREE_PL,
    a_connection,
    a_message,
    an_order,
)

NEW = '{"total":"12.00","note":null}'
TO_THREE_PL = (CONNECTION, THREE_PL, ENDPOINT)


# --- assign ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [s for s in ConnectionState if s is not ConnectionState.ACTIVE])
def test_without_an_active_connection_the_brand_keeps_new_orders(state: ConnectionState) -> None:
    assert assign([]) is None
    assert assign([a_connection(state=state)]) is None


def test_of_two_active_connections_the_lowest_priority_wins() -> None:
    first = a_connection(id=UUID(int=99), priority=1)
    assert assign([a_connection(priority=2), first]) == first


def test_an_inactive_connection_does_not_win_by_priority() -> None:
    active = a_connection(priority=50)
    off = a_connection(id=UUID(int=99), priority=1, state=ConnectionState.INACTIVE)
    assert assign([off, active]) == active


# --- receive: cases 1, 2, 9-14 --------------------------------------------------------------


def test_a_new_order_with_an_active_connection_is_the_three_pls_with_its_snapshot() -> None:
    decision = receive(None, a_message(), a_connection(epoch=4), ORDER)
    assert decision.outcome is Outcome.ENTERED
    assert decision.order == an_order(epoch=4)
    assert decision.event == Event("order.created", *TO_THREE_PL)
    assert decision.why["epoch"] == 4


def test_a_new_order_without_one_is_the_brands_and_no_three_pl_hears_of_it() -> None:
    decision = receive(None, a_message(), None, ORDER)
    assert decision.order.connection_id is None
    assert decision.order.epoch is None
    assert decision.event == Event("order.created", None, None, None)


def test_an_order_that_enters_cancelled_stays_with_the_brand() -> None:
    decision = receive(None, a_message(cancelled=True), a_connection(), ORDER)
    assert decision.order.connection_id is None
    assert decision.order.status is OrderStatus.CANCELLED


def test_an_order_deleted_before_it_was_seen_leaves_a_tombstone() -> None:
    gone = receive(None, a_message(deleted=True, payload=None), a_connection(), ORDER)
    assert gone.order.tombstone
    late = receive(gone.order, a_message(5), a_connection(), OTHER)
    assert late.outcome is Outcome.TOMBSTONED
    assert late.order == gone.order
    assert late.event is None


def test_an_older_message_is_stale_and_tells_nothing() -> None:
    decision = receive(an_order(), a_message(-1, content_hash=b"x"), a_connection(), OTHER)
    assert (decision.outcome, decision.order, decision.event) == (Outcome.STALE, an_order(), None)


def test_a_time_that_was_far_ahead_makes_nothing_stale() -> None:
    ahead = an_order(source_updated_at=NOON + timedelta(days=300))
    message = a_message(5, content_hash=b"two", cancelled=True, payload='{"cancelled_at":"x"}')
    decision = receive(ahead, message, None, OTHER)
    assert decision.outcome is Outcome.CANCELLED
    assert decision.order.source_updated_at == message.updated_at


def test_the_history_says_that_a_stores_clock_is_ahead() -> None:
    clock = NOON + timedelta(days=400)
    decision = receive(None, a_message(store_clock=clock), None, OTHER)
    assert decision.why["store_clock"] == clock.isoformat()
    assert decision.order.source_updated_at == NOON


def test_the_same_message_again_is_a_duplicate() -> None:
    decision = receive(an_order(), a_message(), a_connection(), OTHER)
    assert (decision.outcome, decision.event) == (Outcome.DUPLICATE, None)


def test_other_content_at_the_same_second_is_applied() -> None:
    message = a_message(payload=NEW, content_hash=b"two")
    decision = receive(an_order(), message, a_connection(), OTHER)
    assert decision.outcome is Outcome.UPDATED
    assert decision.order.payload == NEW
    assert decision.event == Event("order.updated", *TO_THREE_PL, ("total",))


def test_a_newer_message_that_changes_nothing_tells_nothing_but_moves_the_clock() -> None:
    decision = receive(an_order(), a_message(9), a_connection(), OTHER)
    assert (decision.outcome, decision.event) == (Outcome.UNCHANGED, None)
    assert decision.order == an_order(source_updated_at=a_message(9).updated_at)


def test_an_update_does_not_move_the_order_nor_its_snapshot() -> None:
    """Case 8: neither a new settings version nor another connection changes an order inside."""
    message = a_message(5, payload=NEW, content_hash=b"two")
    other = a_connection(id=OTHER, epoch=7, settings_version=9, endpoint_id=OTHER)
    decision = receive(an_order(), message, other, OTHER)
    assert decision.order == an_order(
        payload=NEW, content_hash=b"two", source_updated_at=message.updated_at, sequence=2
    )


def test_an_edit_while_processing_tells_its_fields_and_the_status_it_hit() -> None:
    order = an_order(status=OrderStatus.PROCESSING)
    decision = receive(order, a_message(1, payload=NEW, content_hash=b"2"), None, OTHER)
    assert decision.order.status is OrderStatus.PROCESSING
    assert decision.event is not None
    assert decision.event.changed_fields == ("total",)
    assert decision.why["status"] == "processing"


@pytest.mark.parametrize(
    ("status", "becomes", "event", "too_late"),
    [
        (OrderStatus.OPEN, OrderStatus.CANCELLED, "order.cancelled", False),
        (OrderStatus.ON_HOLD, OrderStatus.CANCELLED, "order.cancelled", False),
        (OrderStatus.PROCESSING, OrderStatus.CANCELLATION_REQUESTED, "order.updated", False),
        (OrderStatus.SHIPPED, OrderStatus.SHIPPED, "order.updated", True),
        (OrderStatus.DELIVERED, OrderStatus.DELIVERED, "order.updated", True),
    ],
)
def test_a_cancellation_at_the_store(
    status: OrderStatus, becomes: OrderStatus, event: str, *, too_late: bool
) -> None:
    message = a_message(
        1,
        payload='{"total":"10.00","note":null,"cancelled_at":"2026-03-01T12:00:01Z"}',
        content_hash=b"c",
        cancelled=True,
    )
    decision = receive(an_order(status=status), message, None, OTHER)
    assert decision.order.status is becomes
    assert decision.order.cancel_too_late is too_late
    assert decision.order.version == (1 if becomes is status else 2)
    assert decision.event is not None
    assert decision.event.type == event


def test_deleted_at_the_store_is_a_cancellation_and_a_tombstone() -> None:
    decision = receive(an_order(), a_message(1, deleted=True, payload=None), None, OTHER)
    assert decision.order.status is OrderStatus.CANCELLED
    assert decision.order.tombstone
    assert decision.order.payload == an_order().payload
    assert decision.event is not None
    assert decision.event.type == "order.cancelled"


def test_changed_fields_leave_the_clock_out() -> None:
    before = '{"a":1,"b":{"c":2},"updated_at":"x"}'
    after = '{"a":1,"b":{"c":3},"d":null,"updated_at":"y"}'
    assert changed_fields(before, after) == ("b",)


# --- commands: cases 4, 5 -------------------------------------------------------------------


def test_the_owner_processes_with_the_version_it_saw() -> None:
    decision = command(an_order(), a_connection(), Command.PROCESS, 1, THREE_PL)
    assert isinstance(decision, Decision)
    assert decision.order == an_order(status=OrderStatus.PROCESSING, version=2, sequence=2)
    assert decision.event == Event("order.updated", *TO_THREE_PL, ("status",))


def test_the_brand_sees_an_order_that_it_does_not_own_and_may_not_command_it() -> None:
    with pytest.raises(Refused, match="not_owner"):
        command(an_order(), a_connection(), Command.PROCESS, 1, BRAND)


@pytest.mark.parametrize("version", [1, 7])
def test_who_may_not_see_an_order_learns_nothing_of_it(version: int) -> None:
    returned = an_order(connection_id=None, epoch=None)
    for order, connection, account in (
        (an_order(), a_connection(), OTHER),
        # The 3PL that had it until it went back.
        (returned, None, THREE_PL),
    ):
        with pytest.raises(Refused) as refused:
            command(order, connection, Command.PROCESS, version, account)
        assert (refused.value.code, refused.value.facts) == ("not_found", {"what": "order"})


def test_who_does_not_own_it_is_not_told_whether_the_version_is_right() -> None:
    with pytest.raises(Refused, match="not_owner"):
        command(an_order(version=2), a_connection(), Command.PROCESS, 1, BRAND)


def test_a_stale_version_conflicts() -> None:
    with pytest.raises(Refused, match="version_conflict"):
        command(an_order(version=2), a_connection(), Command.PROCESS, 1, THREE_PL)


def test_once_the_connection_has_ended_nothing_can_be_processed_even_before_the_sweep() -> None:
    ended = a_connection(state=ConnectionState.INACTIVE)
    with pytest.raises(Refused, match="connection_ended"):
        command(an_order(), ended, Command.PROCESS, 1, THREE_PL)


def test_what_is_being_worked_can_be_finished_after_the_connection_ended() -> None:
    ended = a_connection(state=ConnectionState.DISCONNECTED)
    order = an_order(status=OrderStatus.PROCESSING)
    decision = command(order, ended, Command.SHIP, 1, THREE_PL)
    assert isinstance(decision, Decision)
    assert decision.order.status is OrderStatus.SHIPPED
    assert decision.order.connection_id == CONNECTION


@pytest.mark.parametrize(
    "ended",
    [a_connection(state=ConnectionState.DISCONNECTED), a_connection(epoch=2)],
)
def test_moved_back_after_the_connection_ended_goes_to_the_brand_at_once(ended: Connection) -> None:
    order = an_order(status=OrderStatus.PROCESSING, version=5, sequence=8)
    decision = command(order, ended, Command.MOVE_BACK, 5, THREE_PL)
    assert isinstance(decision, Decision)
    assert decision.order.connection_id is None
    assert decision.order.status is OrderStatus.OPEN
    assert (decision.order.version, decision.order.sequence) == (6, 9)
    assert decision.event == Event("order.unassigned", *TO_THREE_PL)


def test_moved_back_while_the_connection_lives_stays_with_the_three_pl() -> None:
    order = an_order(status=OrderStatus.PROCESSING)
    decision = command(order, a_connection(), Command.MOVE_BACK, 1, THREE_PL)
    assert isinstance(decision, Decision)
    assert decision.order.connection_id == CONNECTION


def test_an_order_with_the_brand_is_commanded_by_the_brand() -> None:
    order = an_order(connection_id=None, epoch=None)
    assert isinstance(command(order, None, Command.PROCESS, 1, BRAND), Decision)
