"""What the events of an order do to its shipments."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.fulfilment.orders.seen import SeenOrder
from services.fulfilment.shipments.following import Work, follow
from services.fulfilment.shipments.shipment import Shipment, to_ship, told
from services.fulfilment.shipping_rules.version import NONE, Version
from shared.contracts.order import Order, OrderStatus
from shared.ids import shipment_id
from shared.rules.facts import facts_of
from shared.rules.shipping_rules import ShippingRules
from tests.kit.builders import BRAND, CONNECTION, NOON, ORDER, STORE, THREE_PL

RULES = Version(
    3,
    ShippingRules.model_validate(
        {
            "rules": [
                {
                    "name": "Spain",
                    "if": {"kind": "country", "any_of": ["ES"]},
                    "then": {"carrier": "correos", "service": "paq24"},
                }
            ]
        }
    ),
    None,
    NOON,
)
OWN = {THREE_PL: RULES}
NO_RULES = {THREE_PL: NONE}


def an_event(sequence: int, status: str, country: str = "ES", mugs: int = 2) -> SeenOrder:
    order = Order.model_validate(
        {
            "external_id": "1001", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
            "total": "10.00", "email": "ada@example.com",
            "shipping_address": {"country_code": country, "name": "Ada"},
            "lines": [
                {"id": "1", "title": "Mug", "quantity": mugs, "price": "1", "grams": 300},
                {"title": "Gift card", "quantity": 1, "price": "1", "requires_shipping": False},
                {"title": "Tea", "quantity": 3, "to_fulfil_quantity": 1, "price": "1", "grams": 50},
            ],
        }
    )  # fmt: skip
    at = NOON + timedelta(minutes=sequence)
    is_worked = status == "processing"
    return SeenOrder(
        id=ORDER, sequence=sequence, store_id=STORE, brand_id=BRAND, three_pl_id=THREE_PL,
        connection_id=CONNECTION, external_id="1001", number="#1001", status=OrderStatus(status),
        shipping_rules_owner="three_pl", billing_owner="brand", support_owner="brand",
        entered_at=NOON, at=at, facts=facts_of(order, STORE, NOON),
        to_ship=to_ship(order) if is_worked else None,
    )  # fmt: skip


def after(*events: SeenOrder, rules: Any = OWN, work: Work | None = None) -> tuple[Shipment, ...]:
    return followed(*events, rules=rules, work=work).shipments


def followed(*events: SeenOrder, rules: Any = OWN, work: Work | None = None) -> Work:
    work = work or Work()
    for event in events:
        work = follow(work, event, rules)
    return work


def test_what_begins_to_be_worked_is_a_shipment_by_the_rules_of_its_snapshot() -> None:
    (one,) = after(an_event(1, "open"), an_event(2, "processing"))
    assert (one.id, one.status, one.chosen_by) == (shipment_id(ORDER, 2), "ready", "rule")
    assert one.shipping is not None
    assert (one.shipping.carrier, one.rules_version, one.rule) == ("correos", 3, (1, "Spain"))
    assert [(line.index, line.id, line.quantity) for line in one.lines] == [
        (0, "1", 2),
        (2, None, 1),
    ]
    assert (one.item_count, one.weight_grams) == (3, 650)
    assert (one.rules_of, one.billing_of) == (THREE_PL, BRAND)
    assert [told_one.carrier for told_one in told([one])] == ["correos"]


def test_what_no_rule_fits_needs_a_carrier_and_nobody_is_told_of_it() -> None:
    (one,) = after(an_event(2, "processing", "FR"))
    assert (one.status, one.chosen_by, one.shipping) == ("needs_carrier", "needs_carrier", None)
    assert told([one]) == []


def test_an_owner_without_rules_ships_by_its_own_system_and_there_is_nothing_to_tell() -> None:
    (one,) = after(an_event(2, "processing"), rules=NO_RULES)
    assert (one.status, one.chosen_by) == ("ready", "no_rules")
    assert told([one]) == []
    (left,) = after(an_event(2, "processing"), an_event(3, "shipped"), rules=NO_RULES)
    assert (left.status, left.shipped_at) == ("shipped", NOON + timedelta(minutes=3))


def test_moved_back_it_is_cancelled_and_worked_again_it_is_another_one() -> None:
    first, second = after(an_event(2, "processing"), an_event(3, "open"), an_event(4, "processing"))
    assert (first.status, first.cancelled_because) == ("cancelled", "moved_back")
    assert (second.id, second.status) == (shipment_id(ORDER, 4), "ready")


def test_a_cancellation_that_waits_changes_nothing_until_it_is_answered() -> None:
    asked = (an_event(2, "processing"), an_event(3, "cancellation_requested"))
    assert [one.status for one in after(*asked)] == ["ready"]
    assert [one.status for one in after(*asked, an_event(4, "processing"))] == ["ready"]
    (gone,) = after(*asked, an_event(4, "cancelled"))
    assert (gone.status, gone.cancelled_because) == ("cancelled", "cancelled")


def test_what_the_store_changes_meanwhile_counts_until_somebody_has_fixed_it() -> None:
    (one,) = after(an_event(2, "processing"), an_event(3, "processing", mugs=1))
    assert (one.lines[0].quantity, one.version, one.is_outdated) == (1, 2, False)
    begun = followed(an_event(2, "processing"))
    labelled = begun._replace(shipments=(replace(begun.shipments[0], status="labelled"),))
    (kept,) = after(an_event(3, "processing", mugs=1), work=labelled)
    assert (kept.lines[0].quantity, kept.is_outdated, kept.version) == (2, True, 2)
    # The same again is no news.
    assert after(an_event(3, "processing"), work=begun) == begun.shipments


def test_shipped_delivered_and_sent_back_by_the_orders_own_word() -> None:
    worked = (an_event(2, "processing"), an_event(3, "shipped"))
    (arrived,) = after(*worked, an_event(4, "delivered"))
    assert (arrived.status, arrived.shipped_at, arrived.delivered_at) == (
        "delivered",
        NOON + timedelta(minutes=3),
        NOON + timedelta(minutes=4),
    )
    assert [one.status for one in after(*worked, an_event(4, "returned"))] == ["returned"]
    # What has left stays so, whatever becomes of the order.
    assert [one.status for one in after(*worked, an_event(4, "open"))] == ["shipped"]


def test_an_older_event_or_one_seen_before_changes_nothing() -> None:
    work = followed(an_event(2, "processing"), an_event(3, "shipped"))
    assert followed(an_event(2, "processing"), an_event(3, "shipped"), work=work) == work


def test_what_the_log_knows_and_a_database_has_lost_is_so_again() -> None:
    """No second shipment, and no label a second time, for an order that was worked before."""
    (first,) = after(an_event(2, "processing"))
    lost = replace(first, status="shipped", shipped_at=NOON)
    event = replace(an_event(9, "processing"), told=tuple(told([lost])), told_version=70)
    work = followed(event)
    (found,) = work.shipments
    assert (found.id, found.status, work.version) == (first.id, "shipped", 70)
    assert found.shipping is not None
    assert (found.shipping.carrier, found.lines) == ("correos", first.lines)
    # A database of before knows it, but less of it; one that knows as much is not told of less.
    (caught_up,) = after(event, work=Work(2, (first,), 60))
    assert caught_up.status == "shipped"
    assert after(event, work=Work(2, (first,), 70)) == (first,)


@given(
    statuses=st.lists(st.sampled_from([one.value for one in OrderStatus]), max_size=12),
    cuts=st.sets(st.integers(0, 12)),
    again=st.integers(0, 12),
)
def test_how_a_log_is_cut_and_what_is_read_twice_makes_no_difference(
    statuses: list[str], cuts: set[int], again: int
) -> None:
    events = [an_event(number, status) for number, status in enumerate(statuses, start=1)]
    work = Work()
    for place, event in enumerate(events):
        # A batch that was cut off is read again from its start.
        if place in cuts:
            for earlier in events[max(0, place - again) : place]:
                work = follow(work, earlier, OWN)
        work = follow(work, event, OWN)
    assert work == followed(*events)
    ids = [one.id for one in work.shipments]
    assert len(ids) == len(set(ids))
    assert sum(one.status in ("needs_carrier", "ready") for one in work.shipments) <= 1


def test_an_order_of_nothing_that_is_sent_has_no_shipment() -> None:
    assert after(replace(an_event(2, "processing"), to_ship=None)) == ()
    assert UUID(int=0) not in {one.id for one in after(an_event(2, "processing"))}
