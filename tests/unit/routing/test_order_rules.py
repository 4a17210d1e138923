"""Which of several connections is sent a new order, and what the history says of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.routing import order_rules
from services.routing.assignment import assign, receive
from shared.contracts.connections_changed import OrderRulesVersion
from shared.contracts.order import Order
from shared.failures import Permanent
from tests.kit.builders import NOON, ORDER, a_connection, a_message

FIRST, SECOND = UUID(int=1), UUID(int=2)
ACCEPTED = NOON + timedelta(days=1)
TO_FRANCE = {"kind": "country", "any_of": ["FR"]}


def rule(then: str, condition: Any = TO_FRANCE, name: str = "France") -> dict[str, Any]:
    return {"name": name, "if": condition, "then": then}


def rules(*some: dict[str, Any], default: Any = "send", version: int = 1, days: int = 0) -> Any:
    """A version that counts since so many days after noon."""
    at = NOON + timedelta(days=days)
    return OrderRulesVersion(version=version, effective_at=at, rules=some, default=default)


def connection(number: UUID, *versions: Any, **changes: Any) -> Any:
    stored = order_rules.as_stored(versions)
    return a_connection(id=number, priority=number.int, order_rules=stored, **changes)


def to(country: str, **changes: Any) -> Any:
    sent = Order.model_validate(
        {
            "external_id": "1001", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
            "total": "10.00", "shipping_address": {"country_code": country},
        }
    )  # fmt: skip
    return a_message(received_at=ACCEPTED, sent=sent, **changes)


def test_the_first_connection_whose_rules_send_an_order_has_it() -> None:
    picky = connection(FIRST, rules(rule("do_not_send")))
    other = connection(SECOND)
    assert assign([other, picky], to("ES")).connection == picky
    passed = assign([other, picky], to("FR"))
    assert passed.connection == other
    assert [one.connection for one in passed.passed_over] == [picky]
    # What they all leave is the brand's.
    assert assign([picky], to("FR")).connection is None
    nothing = connection(SECOND, rules(default="do_not_send"))
    assert assign([picky, nothing], to("FR")).connection is None


def test_the_first_rule_that_fits_decides_and_where_none_does_the_default() -> None:
    kept = {"kind": "store", "any_of": [str(a_message().store_id)]}
    mixed = connection(
        FIRST,
        rules(rule("send"), rule("do_not_send", kept, "all of it"), default="send"),
    )
    assert assign([mixed], to("FR")).connection == mixed
    assert assign([mixed], to("ES")).connection is None
    only = connection(FIRST, rules(rule("send"), default="do_not_send"))
    assert assign([only], to("FR")).connection == only
    assert assign([only], to("ES")).connection is None


def test_rules_count_for_orders_that_were_accepted_since() -> None:
    """However late they are decided on; before the first version everything was sent."""
    first = rules(rule("do_not_send"), days=1)
    second = rules(rule("send"), default="do_not_send", version=2, days=3)
    changed = connection(FIRST, first, second)
    before = to("FR", position=None)
    assert assign([changed], to("FR")).connection is None

    def accepted(days: float, country: str) -> Any:
        return assign(
            [changed], a_message(received_at=NOON + timedelta(days=days), sent=to(country).sent)
        ).connection

    assert before.sent is not None
    assert accepted(0.5, "FR") == changed
    assert accepted(2, "FR") is None
    assert accepted(3, "FR") == changed
    assert accepted(3, "ES") is None


def test_the_history_names_the_rule_and_why_the_others_did_not() -> None:
    picky = connection(FIRST, rules(rule("do_not_send"), version=4))
    chosen = connection(SECOND, rules(rule("send"), version=7))
    found = receive(None, to("FR"), assign([picky, chosen], to("FR")), ORDER)
    saw = {"kind": "country", "fits": True, "saw": "FR", "wanted": {"any_of": ["FR"]}}
    named = {"number": 1, "name": "France", "if": saw}
    assert found.order.connection_id == SECOND
    assert found.why == {
        "reason": "the active connection with the lowest priority whose order rules send it",
        "connection_id": str(SECOND),
        "epoch": 1,
        "settings_version": 2,
        "order_rules": {"version": 7, "then": "send", "rule": named},
        "passed_over": [
            {
                "connection_id": str(FIRST),
                "order_rules": {"version": 4, "then": "do_not_send", "rule": named},
            }
        ],
    }
    kept = receive(None, to("FR"), assign([picky], to("FR")), ORDER)
    assert kept.order.connection_id is None
    assert kept.why["reason"] == "no order rules of an active connection send it"
    by_default = receive(None, to("ES"), assign([chosen], to("ES")), ORDER)
    assert by_default.why["order_rules"] == {"version": 7, "then": "send", "rule": None}


def test_what_a_rule_would_not_send_any_more_stays_where_it_is() -> None:
    entered = receive(None, to("ES"), assign([connection(FIRST)], to("ES")), ORDER).order
    moved = to("FR", updated_at=NOON + timedelta(hours=1), content_hash=b"fr")
    picky = connection(FIRST, rules(rule("do_not_send")))
    assert receive(entered, moved, assign([picky], moved), ORDER).order.connection_id == FIRST


@pytest.mark.parametrize("unknown", [{"kind": "moon"}, {**TO_FRANCE, "from": "tomorrow"}])
def test_a_condition_of_tomorrow_is_not_read_as_another_rule(unknown: dict[str, Any]) -> None:
    newer = connection(FIRST, rules(rule("send", unknown)))
    with pytest.raises(Permanent, match="order rules that cannot be read here"):
        assign([newer, connection(SECOND)], to("FR"))
    # Who is asked first and has no rules needs none of it.
    assert assign([connection(UUID(int=0)), newer], to("FR")).connection is not None
