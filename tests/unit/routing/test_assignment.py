"""Whose order it is, and what a store's message changes: `domain.md`, case by case."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.routing.assignment import NOBODY, Assigned, assign, bound, receive
from services.routing.orders import Event, Outcome, SettingsVersion
from services.routing.updates import changed_fields
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus
from tests.kit.builders import (
    NOON,
    ORDER,
    OTHER,
    a_connection,
    a_hold,
    a_message,
    an_order,
    the_brands,
)

NEW = '{"total":"12.00","note":null}'


# --- assign ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [s for s in ConnectionState if s is not ConnectionState.ACTIVE])
def test_without_an_active_connection_the_brand_keeps_new_orders(state: ConnectionState) -> None:
    assert assign([], a_message()).connection is None
    assert assign([a_connection(state=state)], a_message()).connection is None


def test_of_two_active_connections_the_lowest_priority_wins() -> None:
    first = a_connection(id=UUID(int=99), priority=1)
    assert assign([a_connection(priority=2), first], a_message()).connection == first


def test_an_inactive_connection_does_not_win_by_priority() -> None:
    active = a_connection(priority=50)
    off = a_connection(id=UUID(int=99), priority=1, state=ConnectionState.INACTIVE)
    assert assign([off, active], a_message()).connection == active


def test_a_connection_gets_what_was_accepted_since_it_is_on() -> None:
    """However late it is decided on: what came before is the brand's, or another 3PL's."""
    first = a_connection(priority=1, state_since=NOON)
    second = a_connection(id=UUID(int=99), priority=2, state_since=NOON - timedelta(days=1))
    just_before = a_message(received_at=NOON - timedelta(microseconds=1))

    assert assign([first, second], a_message(received_at=NOON)).connection == first
    assert assign([first, second], just_before).connection == second
    assert assign([first], just_before).connection is None


# --- the snapshot is of the moment of acceptance --------------------------------------------


def versions(*seconds: int) -> list[SettingsVersion]:
    """Version n of the settings counts from the n-th number of seconds after noon on."""
    return [
        SettingsVersion(n, "brand", "brand", "three_pl", OTHER, NOON + timedelta(seconds=at))
        for n, at in enumerate(seconds, start=1)
    ]


@pytest.mark.parametrize(("accepted", "expected"), [(0, 1), (9, 1), (10, 2), (29, 2), (30, 3)])
def test_an_order_is_bound_to_the_settings_that_counted_when_it_was_accepted(
    accepted: int, expected: int
) -> None:
    newest = a_connection(settings_version=3, effective_at=NOON + timedelta(seconds=30))
    message = a_message(received_at=NOON + timedelta(seconds=accepted))
    connection = bound(newest, versions(0, 10, 30), message)
    order = receive(None, message, Assigned(connection), ORDER).order
    assert order.settings_version == expected
    if expected < 3:
        assert (order.endpoint_id, order.support_owner) == (OTHER, "three_pl")


def test_what_is_older_than_every_known_version_gets_the_oldest_one() -> None:
    newest = a_connection(settings_version=3, effective_at=NOON + timedelta(seconds=30))
    early = a_message(received_at=NOON - timedelta(days=9))
    assert bound(newest, versions(0, 10, 30), early).settings_version == 1
    assert bound(newest, [], early) == newest, "nothing else is known"


# --- receive: cases 1, 2, 9-14 --------------------------------------------------------------


def test_a_new_order_with_an_active_connection_is_the_three_pls_with_its_snapshot() -> None:
    decision = receive(None, a_message(), Assigned(a_connection(epoch=4)), ORDER)
    assert decision.outcome is Outcome.ENTERED
    assert decision.order == an_order(epoch=4, source_received_at=a_message().received_at)
    assert decision.events == (Event("order.created", decision.order),)
    assert decision.why["epoch"] == 4


def test_a_new_order_without_one_is_the_brands_and_no_three_pl_hears_of_it() -> None:
    decision = receive(None, a_message(), NOBODY, ORDER)
    assert decision.order == the_brands(source_received_at=a_message().received_at)
    assert decision.events == (Event("order.created", decision.order),)


def test_an_order_that_enters_cancelled_stays_with_the_brand() -> None:
    decision = receive(None, a_message(cancelled=True), Assigned(a_connection()), ORDER)
    assert decision.order.connection_id is None
    assert decision.order.status is OrderStatus.CANCELLED


def test_an_order_deleted_before_it_was_seen_leaves_a_tombstone() -> None:
    gone = receive(None, a_message(deleted=True, payload=None), Assigned(a_connection()), ORDER)
    assert (gone.outcome, gone.events) == (Outcome.NEVER_SEEN, ())
    assert (gone.order.tombstone, gone.order.sequence) == (True, 0)
    late = receive(gone.order, a_message(5), Assigned(a_connection()), OTHER)
    assert late.outcome is Outcome.TOMBSTONED
    assert late.order == gone.order
    assert late.events == ()


def test_an_older_message_is_stale_and_tells_nothing() -> None:
    decision = receive(
        an_order(), a_message(-1, content_hash=b"x"), Assigned(a_connection()), OTHER
    )
    assert (decision.outcome, decision.order, decision.events) == (Outcome.STALE, an_order(), ())


def test_a_time_that_was_far_ahead_makes_nothing_stale() -> None:
    ahead = an_order(source_updated_at=NOON + timedelta(days=300))
    message = a_message(5, content_hash=b"two", cancelled=True, payload='{"cancelled_at":"x"}')
    decision = receive(ahead, message, NOBODY, OTHER)
    assert decision.outcome is Outcome.CANCELLED
    assert decision.order.source_updated_at == message.updated_at


def test_the_history_says_that_a_stores_clock_is_ahead() -> None:
    clock = NOON + timedelta(days=400)
    decision = receive(None, a_message(store_clock=clock), NOBODY, OTHER)
    assert decision.why["store_clock"] == clock.isoformat()
    assert decision.order.source_updated_at == NOON


def test_the_same_message_again_is_a_duplicate() -> None:
    decision = receive(an_order(), a_message(), Assigned(a_connection()), OTHER)
    assert (decision.outcome, decision.events) == (Outcome.DUPLICATE, ())


def test_other_content_at_the_same_second_is_applied() -> None:
    message = a_message(payload=NEW, content_hash=b"two")
    decision = receive(an_order(), message, Assigned(a_connection()), OTHER)
    assert decision.outcome is Outcome.UPDATED
    assert decision.order.payload == NEW
    assert decision.events == (Event("order.updated", decision.order, ("total",)),)


def test_a_newer_message_that_changes_nothing_tells_nothing_but_moves_the_clock() -> None:
    decision = receive(an_order(), a_message(9), Assigned(a_connection()), OTHER)
    assert (decision.outcome, decision.events) == (Outcome.UNCHANGED, ())
    assert decision.order == an_order(source_updated_at=a_message(9).updated_at)


def test_an_update_does_not_move_the_order_nor_its_snapshot() -> None:
    """Case 8: neither a new settings version nor another connection changes an order inside."""
    message = a_message(5, payload=NEW, content_hash=b"two")
    other = a_connection(id=OTHER, epoch=7, settings_version=9, endpoint_id=OTHER)
    decision = receive(an_order(), message, Assigned(other), OTHER)
    assert decision.order == an_order(
        payload=NEW, content_hash=b"two", source_updated_at=message.updated_at, sequence=2
    )


def test_an_edit_while_processing_tells_its_fields_and_the_status_it_hit() -> None:
    order = an_order(status=OrderStatus.PROCESSING)
    decision = receive(order, a_message(1, payload=NEW, content_hash=b"2"), NOBODY, OTHER)
    assert decision.order.status is OrderStatus.PROCESSING
    assert [event.changed_fields for event in decision.events] == [("total",)]
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
    holds = (a_hold(),) if status is OrderStatus.ON_HOLD else ()
    decision = receive(an_order(status=status, holds=holds), message, NOBODY, OTHER)
    assert decision.order.status is becomes
    assert decision.lifted == tuple(hold.id for hold in holds)
    assert decision.order.cancel_too_late is too_late
    assert decision.order.version == (1 if becomes is status else 2)
    assert [told.type for told in decision.events] == [event]


def test_deleted_at_the_store_is_a_cancellation_and_a_tombstone() -> None:
    decision = receive(an_order(), a_message(1, deleted=True, payload=None), NOBODY, OTHER)
    assert decision.order.status is OrderStatus.CANCELLED
    assert decision.order.tombstone
    assert decision.order.payload == an_order().payload
    assert [told.type for told in decision.events] == ["order.cancelled"]


def test_changed_fields_leave_the_clock_out() -> None:
    before = '{"a":1,"b":{"c":2},"updated_at":"x"}'
    after = '{"a":1,"b":{"c":3},"d":null,"updated_at":"y"}'
    assert changed_fields(before, after) == ("b",)
