"""What a shipment costs by a price list: exact, rounded as it is said, never skipped."""

import doctest
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.fulfilment import money
from services.fulfilment.ledger.pricing import Charge, Chargeable, Uncovered, price
from services.fulfilment.money import digits_of, rounded, times
from services.fulfilment.price_lists.prices import Prices
from tests.kit.builders import BRAND, NOON, ORDER, THREE_PL

SHIPMENT = Chargeable(
    UUID(int=31), ORDER, BRAND, THREE_PL, THREE_PL, 3, 1_200, "seur", own_contract=False, at=NOON
)
ALL = {
    "per_order": "0.20",
    "per_item": "0.05",
    "weight_bands": [{"up_to_grams": 1_000, "amount": "3"}, {"up_to_grams": 5_000, "amount": "4"}],
    "carriers": {"seur": "1.10", "correos": "0"},
    "own_contract": "0.30",
}


def said(prices: dict[str, Any], currency: str = "EUR", **changes: Any) -> dict[str, str]:
    found = price(Prices.model_validate(prices), currency, replace(SHIPMENT, **changes))
    assert len({one.item for one in found}) == len(found)
    return {
        one.item: f"{one.quantity}: {one.amount}" if isinstance(one, Charge) else one.why
        for one in found
    }


@pytest.mark.parametrize(
    ("changes", "otherwise"),
    [
        ({}, {}),
        # A band reaches up to its weight and no further.
        ({"weight_grams": 1_000}, {"weight": "1000: 3.00"}),
        ({"weight_grams": 1_001}, {"weight": "1001: 4.00"}),
        ({"weight_grams": 5_001}, {"weight": "over_last_band"}),
        ({"weight_grams": None}, {"weight": "weight_unknown"}),
        ({"carrier": "gls"}, {"carrier": "carrier_not_listed"}),
        ({"carrier": None}, {"carrier": "carrier_unknown"}),
        # What is free is no entry.
        ({"carrier": "correos"}, {"carrier": None}),
        ({"item_count": 0}, {"per_item": None}),
        ({"own_contract": True}, {"carrier": None, "own_contract": "1: 0.30"}),
        ({"own_contract": True, "carrier": None}, {"carrier": None, "own_contract": "1: 0.30"}),
    ],
)
def test_each_price_is_charged_or_named(changes: Any, otherwise: Any) -> None:
    usual = {
        "per_order": "1: 0.20", "per_item": "3: 0.15", "weight": "1200: 4.00", "carrier": "1: 1.10",
    }  # fmt: skip
    expected = {key: value for key, value in {**usual, **otherwise}.items() if value is not None}
    assert said(ALL, **changes) == expected


def test_a_list_charges_by_what_it_says_alone() -> None:
    assert said({"per_item": "1"}, weight_grams=None, carrier=None) == {"per_item": "3: 3.00"}
    assert said({"own_contract": "1"}) == {}
    by_carrier = {"carriers": {"seur": "1"}}
    assert said(by_carrier, own_contract=True) == {"own_contract": "own_contract_not_listed"}
    assert said({"per_order": "7"}, "JPY") == {"per_order": "1: 7"}
    # Why somebody is charged is said by its basis.
    charge, *_ = price(Prices(per_order="1"), "EUR", SHIPMENT)
    assert not isinstance(charge, Uncovered)
    assert charge.basis == "order"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"weight_bands": []},
        {"carriers": {}},
        {"per_order": "-1"},
        {"per_order": 0.1},
        {"per_order": "1e3"},
        {"per_order": "NaN"},
        {"carriers": {"No Carrier": "1"}},
        {"weight_bands": [{"up_to_grams": 0, "amount": "1"}]},
        {"weight_bands": [{"up_to_grams": 5, "amount": "1"}, {"up_to_grams": 5, "amount": "2"}]},
        {"per_order": "1", "per_mile": "1"},
    ],
)
def test_what_no_price_list_can_say(wrong: Any) -> None:
    with pytest.raises(ValidationError):
        Prices.model_validate(wrong)


def test_no_amount_has_more_digits_than_its_currency() -> None:
    prices = Prices.model_validate({**ALL, "own_contract": "0.125", "per_order": "2"})
    assert prices.too_exact_for("BHD") == []
    assert prices.too_exact_for("EUR") == ["/own_contract"]
    assert prices.too_exact_for("JPY") == ["/per_item", "/own_contract", "/carriers/seur"]
    bands = [{"up_to_grams": 1, "amount": "0.1"}]
    assert Prices.model_validate({"weight_bands": bands}).too_exact_for("JPY") == [
        "/weight_bands/0/amount"
    ]
    with pytest.raises(ValueError, match="no currency"):
        prices.too_exact_for("XYZ")


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=6)
CURRENCIES = st.sampled_from(["EUR", "JPY", "BHD", "CLF"])


@given(AMOUNTS, CURRENCIES)
def test_rounding_is_half_to_even_and_never_by_more_than_half_a_unit(
    amount: Decimal, currency: str
) -> None:
    unit = Decimal(1).scaleb(-digits_of(currency))
    found = rounded(amount, currency)
    assert found.as_tuple().exponent == -digits_of(currency)
    assert abs(found - amount) <= unit / 2
    assert rounded(found, currency) == found
    if abs(found - amount) == unit / 2:
        assert (found / unit) % 2 == 0
    assert found == amount.quantize(unit, ROUND_HALF_EVEN)


@given(st.integers(0, 10**11), CURRENCIES, st.integers(0, 1_000_000))
def test_so_many_of_a_price_are_exact(units: int, currency: str, quantity: int) -> None:
    digits = digits_of(currency)
    found = times(Decimal(units).scaleb(-digits), quantity, currency)
    assert found.scaleb(digits) == units * quantity


def test_the_examples_are_true() -> None:
    assert doctest.testmod(money).failed == 0
