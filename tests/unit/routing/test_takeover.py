"""What an event on routing's own log says, and which of it a database does not know."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.routing import events, handover
from services.routing.orders import Decision, Event, LogPosition, Order, Outcome, Why
from services.routing.takeover.reading import Told, newer, read_told
from shared.contracts.order import OrderStatus
from shared.contracts.orders_events import ORDER_STATE
from tests.kit.builders import BRAND, NOON, OTHER, THREE_PL, a_hold, an_order, the_brands

SOURCE = {
    "number": "#7", "total": "10.00", "currency": "EUR", "created_at": "2026-03-01T11:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z", "note": None,
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "payload": orjson.dumps(SOURCE).decode(),
    "number": "#7",
    "total": "10.00",
    "currency": "EUR",
    "source_created_at": datetime(2026, 3, 1, 11, tzinfo=UTC),
    "words": "1001 7",
    "position": LogPosition(1, 2, 345),
    "source_received_at": NOON + timedelta(microseconds=7),
}


def told(decision: Decision) -> list[Told]:
    """The decision's events, as they are read from the log."""
    return [
        read_told(message.headers, message.value) for message in events.messages([(decision, None)])
    ]


def updated(order: Order, **changes: Any) -> Decision:
    after = replace(order, sequence=order.sequence + 1, **changes)
    return Decision(Outcome.UPDATED, after, (Event("order.updated", after, ("note",)),))


@pytest.mark.parametrize(
    "order",
    [
        an_order(**WHOLE),
        an_order(
            **WHOLE,
            status=OrderStatus.ON_HOLD,
            version=4,
            holds=(a_hold(), a_hold(id=UUID(int=22), kind="payment", note=None, placed_by=None)),
        ),
        an_order(**WHOLE, status=OrderStatus.SHIPPED, cancel_too_late=True, tombstone=True),
        the_brands(**WHOLE, three_pl_id=THREE_PL),
        the_brands(**{**WHOLE, "position": None, "source_received_at": None}),
    ],
)
def test_an_event_is_the_whole_order(order: Order) -> None:
    made = Decision(
        Outcome.COMMAND, order, (Event("order.updated", order, ("status",)),), {"from": "open"}
    )
    (one,) = told(made)

    assert one.order == order
    assert one.decision.outcome is Outcome.COMMAND
    assert one.decision.why == {"from": "open"}
    assert one.decision.events == made.events
    assert one.decision.at is not None


def test_what_people_wrote_stands_in_the_body_alone() -> None:
    order = an_order(**WHOLE, holds=(a_hold(),), status=OrderStatus.ON_HOLD)
    why: Why = {"command": "hold", "note": "call her first"}
    held = Decision(Outcome.COMMAND, order, (Event("order.updated", order),), why)
    (message,) = events.messages([(held, None)])

    assert "call her" not in message.headers[ORDER_STATE]
    assert b"out until Monday" in message.value


def test_an_unknown_order_is_taken_over_with_every_step() -> None:
    entered = Decision(
        Outcome.ENTERED, an_order(**WHOLE), (Event("order.created", an_order(**WHOLE)),)
    )
    back = handover.hand_back(an_order(**WHOLE), "the connection is inactive")
    found = newer([*told(entered), *told(back)], [])

    assert [one.events[0].type for one in found.decisions] == [
        "order.created", "order.unassigned", "order.returned",
    ]  # fmt: skip
    # Who had to stop was not told what the store said; here it stands all the same.
    assert found.decisions[1].order.payload == WHOLE["payload"]
    assert found.decisions[1].order.connection_id is not None
    assert found.decisions[2].order == replace(back.order)


def test_what_is_known_is_left_alone() -> None:
    first = updated(an_order(**WHOLE))
    second = updated(first.order, number="#8")
    events_of_both = [*told(first), *told(second)]

    assert newer(events_of_both, [second.order]).decisions == []
    (later,) = newer(events_of_both, [first.order]).decisions
    assert later.order.number == "#8"


def test_holds_are_placed_and_lifted_as_the_log_says() -> None:
    lifted, standing = a_hold(), a_hold(id=UUID(int=22))
    # The database has times of microseconds, a body of milliseconds: one hold all the same.
    here = replace(standing, placed_at=standing.placed_at + timedelta(microseconds=3))
    new = a_hold(id=UUID(int=23))
    known = an_order(**WHOLE, holds=(lifted, here), status=OrderStatus.ON_HOLD)
    (made,) = newer(told(updated(known, holds=(standing, new))), [known]).decisions

    assert made.placed == (new,)
    assert made.lifted == (lifted.id,)


def test_an_order_that_moved_meanwhile_stays_where_it_is() -> None:
    known = an_order(**WHOLE)
    moved = replace(known, store_id=UUID(int=77), brand_id=OTHER)
    (made,) = newer(told(updated(known)), [moved]).decisions

    assert (made.order.store_id, made.order.brand_id) == (UUID(int=77), OTHER)


def test_an_order_whose_place_another_has_is_named_and_not_taken_over() -> None:
    other = an_order(**WHOLE, id=UUID(int=78))
    made = updated(an_order(**WHOLE))
    found = newer(told(made), [other])

    assert found.decisions == []
    assert [order.id for order in found.displaced] == [made.order.id]


def test_an_event_of_before_tells_what_it_can() -> None:
    (message,) = events.messages([(updated(an_order(**WHOLE)), None)])
    headers = {name: value for name, value in message.headers.items() if name != ORDER_STATE}
    order = read_told(headers, message.value).order

    assert (order.brand_id, order.three_pl_id) == (BRAND, THREE_PL)
    assert order.source_updated_at == NOON
    assert order.payload == WHOLE["payload"]
    assert order.accepted_at.isoformat(timespec="milliseconds").startswith(
        message.headers["ce_time"][:-1]
    )
