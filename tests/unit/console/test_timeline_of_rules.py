"""How an order's history tells of order rules."""

from typing import Any

from services.console.pages.orders.names import Names
from services.console.pages.orders.timeline import lines_of
from services.console.rendering.templates import DOMAIN, HOME
from services.console.words.told import tell
from shared.words import translations

NAMES = Names({"c1": ("Pack & Go", "a.example"), "c2": ("Almacén Sur", "a.example")})
FRANCE = {"number": 2, "name": "Not <b>France</b>", "if": {"kind": "country", "fits": True}}


def told(why: dict[str, Any], language: Any = "en") -> list[str]:
    entry = {
        "kind": "entered", "at": "2026-03-01T12:00:00Z", "status": "open", "times": 1, "why": why,
    }  # fmt: skip
    words = translations(HOME / "locale", DOMAIN, language)
    [line] = lines_of([entry], NAMES)
    return [tell(words, one) for one in line.told]


def test_the_rule_that_decided_is_named_and_those_that_did_not_send_it() -> None:
    passed = {"connection_id": "c1", "order_rules": {"then": "do_not_send", "rule": FRANCE}}
    sent = told(
        {
            "connection_id": "c2",
            "settings_version": 1,
            "order_rules": {"then": "send", "rule": None},
            "passed_over": [passed],
        }
    )
    assert sent[1:] == [
        "No order rule for Almacén Sur fits, and what fits none is sent.",
        "Order rule 2 for Pack & Go, “Not <b>France</b>”: it is not sent.",
    ]
    kept = told({"reason": "no order rules of an active connection send it",
                 "passed_over": [passed]}, "es")  # fmt: skip
    assert kept[0].startswith("Recibido, y se queda con la marca: ninguna regla de pedidos")
    assert len(kept) == len(sent) - 1


def test_without_rules_nothing_is_said_of_them() -> None:
    assert len(told({"connection_id": "c1", "settings_version": 1})) == 1
    assert len(told({"reason": "the brand has no active connection for this store"})) == 1
