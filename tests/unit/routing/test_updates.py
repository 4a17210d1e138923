"""What the store's own word does to an order: shipped, paid back, not paid yet."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from services.routing import payment
from services.routing.assignment import NOBODY, Assigned, receive
from services.routing.orders import Decision, Incoming, Order, Outcome
from shared.contracts import order as contract
from shared.contracts.order import OrderStatus
from shared.contracts.stores_changed import PaymentRules
from tests.kit.builders import (
    BRAND,
    NOON,
    ORDER,
    OTHER,
    THREE_PL,
    a_connection,
    a_hold,
    a_message,
    an_order,
)

RULES = PaymentRules()


def says(seconds: int = 1, **fields: Any) -> Incoming:
    """The store's message with those fields."""
    payload = orjson.dumps({"total": "10.00", "note": None, **fields}).decode()
    status = fields.get("financial_status")
    return a_message(
        seconds,
        payload=payload,
        content_hash=payload.encode(),
        fulfilled=fields.get("fulfilment_status") == "fulfilled",
        voided=status in payment.VOID,
        unpaid=status in payment.UNPAID,
    )


def knows(status: OrderStatus = OrderStatus.OPEN, **fields: str) -> Order:
    payload = orjson.dumps({"total": "10.00", "note": None, **fields}).decode()
    holds = (a_hold(),) if status is OrderStatus.ON_HOLD else ()
    return an_order(status=status, payload=payload, holds=holds)


def hears(order: Order, **fields: Any) -> Decision:
    return receive(order, says(**fields), NOBODY, OTHER)


# --- fulfilled at the store -----------------------------------------------------------------


def test_an_order_that_enters_fulfilled_is_shipped_and_the_brands() -> None:
    entered = receive(None, says(fulfilment_status="fulfilled"), Assigned(a_connection()), ORDER)
    assert (entered.order.status, entered.order.connection_id) == (OrderStatus.SHIPPED, None)
    assert entered.why["reason"] == "it was fulfilled before it entered"


@pytest.mark.parametrize("status", [OrderStatus.OPEN, OrderStatus.ON_HOLD, OrderStatus.PROCESSING])
def test_fulfilled_at_the_store_is_shipped_and_the_owner_stays(status: OrderStatus) -> None:
    known = knows(status)
    decision = hears(known, fulfilment_status="fulfilled")
    assert decision.order.status is OrderStatus.SHIPPED
    assert decision.order.connection_id == known.connection_id
    assert (decision.order.version, decision.order.holds) == (2, ())
    assert decision.lifted == tuple(hold.id for hold in known.holds)
    assert [event.type for event in decision.events] == ["order.updated"]


@pytest.mark.parametrize(
    "status",
    [OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.CANCELLATION_REQUESTED],
)
def test_what_is_beyond_shipping_or_cancelled_is_not_shipped_by_it(status: OrderStatus) -> None:
    decision = hears(knows(status), fulfilment_status="fulfilled")
    assert (decision.order.status, decision.order.version) == (status, 1)


def test_moved_back_after_it_was_fulfilled_is_not_shipped_again_by_an_older_fact() -> None:
    known = knows(OrderStatus.OPEN, fulfilment_status="fulfilled")
    decision = hears(known, fulfilment_status="fulfilled", note="gift")
    assert decision.order.status is OrderStatus.OPEN


# --- paid back ------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["voided", "refunded"])
@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (OrderStatus.OPEN, OrderStatus.CANCELLED),
        (OrderStatus.ON_HOLD, OrderStatus.CANCELLED),
        (OrderStatus.PROCESSING, OrderStatus.CANCELLATION_REQUESTED),
    ],
)
def test_paid_back_before_shipping_counts_as_a_cancellation(
    word: str, status: OrderStatus, becomes: OrderStatus
) -> None:
    decision = hears(knows(status, financial_status="paid"), financial_status=word)
    assert (decision.outcome, decision.order.status) == (Outcome.CANCELLED, becomes)
    assert decision.order.holds == ()


@pytest.mark.parametrize("status", [OrderStatus.SHIPPED, OrderStatus.DELIVERED])
def test_from_shipped_on_a_refund_changes_the_payment_and_nothing_else(status: OrderStatus) -> None:
    decision = hears(knows(status, financial_status="paid"), financial_status="refunded")
    assert (decision.outcome, decision.order.status) == (Outcome.UPDATED, status)
    assert not decision.order.cancel_too_late
    assert decision.events[0].changed_fields == ("financial_status",)


def test_an_order_that_enters_paid_back_is_cancelled_and_the_brands() -> None:
    entered = receive(None, says(financial_status="voided"), Assigned(a_connection()), ORDER)
    assert (entered.order.status, entered.order.connection_id) == (OrderStatus.CANCELLED, None)


# --- not paid yet ---------------------------------------------------------------------------


def test_an_unpaid_order_enters_on_hold_with_its_three_pl_and_the_event_says_why() -> None:
    entered = receive(None, says(financial_status="pending"), Assigned(a_connection()), ORDER)
    (hold,) = entered.order.holds
    assert (entered.order.status, entered.order.three_pl_id) == (OrderStatus.ON_HOLD, THREE_PL)
    assert (hold.kind, hold.release_by, hold.placed_by) == ("payment", "brand", None)
    assert entered.placed == (hold,)
    assert entered.events[0].order.holds == (hold,)


def test_the_payment_lifts_its_hold_and_no_other() -> None:
    entered = receive(
        None, says(0, financial_status="pending"), Assigned(a_connection()), ORDER
    ).order
    (hold,) = entered.holds
    paid = hears(entered, financial_status="paid")
    assert (paid.order.status, paid.lifted) == (OrderStatus.OPEN, (hold.id,))
    assert paid.order.version == entered.version + 1
    both = replace(entered, holds=(hold, a_hold()))
    still = hears(both, financial_status="paid").order
    assert (still.status, still.holds) == (OrderStatus.ON_HOLD, (a_hold(),))


def test_a_payment_hold_that_the_brand_lifted_does_not_come_back_with_the_next_message() -> None:
    lifted = knows(OrderStatus.OPEN, financial_status="pending")
    assert hears(lifted, financial_status="pending", note="x").order.status is OrderStatus.OPEN
    assert hears(lifted, financial_status="partially_paid").order.status is OrderStatus.OPEN


def test_an_authorization_that_expires_holds_what_is_not_yet_worked() -> None:
    decision = hears(knows(financial_status="authorized"), financial_status="expired")
    assert decision.order.status is OrderStatus.ON_HOLD
    assert [hold.kind for hold in decision.placed] == ["payment"]
    worked = knows(OrderStatus.PROCESSING, financial_status="authorized")
    assert hears(worked, financial_status="expired").order.status is OrderStatus.PROCESSING


@pytest.mark.parametrize(
    ("status", "methods", "rules", "waits"),
    [
        ("pending", (), RULES, True),
        ("partially_paid", (), RULES, True),
        ("expired", (), RULES, True),
        ("authorized", (), RULES, False),
        ("paid", (), RULES, False),
        (None, (), RULES, False),
        ("on_the_house", (), RULES, False),
        ("pending", (), PaymentRules(hold_unpaid=False), False),
        (
            "pending",
            ("Cash on Delivery (COD)",),
            PaymentRules(ship_unpaid_methods=("cash on delivery (cod)",)),
            False,
        ),
        ("pending", ("Invoice",), PaymentRules(ship_unpaid_methods=("COD",)), True),
    ],
)
def test_which_orders_wait_for_their_payment(
    status: str | None, methods: tuple[str, ...], rules: PaymentRules, *, waits: bool
) -> None:
    order = contract.Order(
        external_id="1", created_at=NOON, updated_at=NOON, currency="EUR", total="1.00",
        financial_status=status, payment_methods=methods,
    )  # fmt: skip
    assert payment.is_unpaid(order, rules) is waits


def test_the_brand_of_an_order_is_who_lifts_its_payment_hold() -> None:
    entered = receive(None, says(financial_status="pending"), NOBODY, ORDER).order
    assert (entered.brand_id, entered.owner) == (BRAND, "brand")
    assert entered.holds[0].release_by == "brand"
