"""The language of conditions: what fits, what is refused, and that it says the true cause."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.order import Order
from shared.rules.catalogue import conditions
from shared.rules.conditions import Condition
from shared.rules.facts import Facts, facts_of
from shared.rules.rules import ReadableCondition, first_that_fits
from shared.rules.verdict import Verdict

STORE = UUID("0198c0de-0000-7000-8000-000000000001")
# A Monday, 23:30 in Madrid.
AT = datetime(2026, 1, 5, 22, 30, tzinfo=UTC)
FACTS = Facts(
    store_id=STORE,
    entered_at=AT,
    country="ES",
    region="M",
    postcode="28013",
    weight_grams=1_500,
    total=Decimal("99.50"),
    currency="EUR",
    item_count=3,
    skus=frozenset({"mug-red", "plate"}),
    tags=frozenset({"vip"}),
    shipping_methods=frozenset({"express", "exp"}),
    customer_type="consumer",
    payment_methods=frozenset({"card"}),
)
NOTHING = Facts(store_id=STORE, entered_at=AT)
_readable: TypeAdapter[Any] = TypeAdapter(ReadableCondition)


def condition(**body: Any) -> Any:
    return _readable.validate_python(body)


COUNTRY = {"kind": "country", "any_of": ["es", "PT"]}
FRANCE = {"kind": "country", "any_of": ["FR"]}

# What fits FACTS, what does not, and what an order that says nothing leaves open.
CASES: list[tuple[dict[str, Any], bool, bool | None]] = [
    (COUNTRY, True, None),
    (FRANCE, False, None),
    ({"kind": "region", "country": "ES", "any_of": ["m", "B"]}, True, None),
    ({"kind": "region", "country": "FR", "any_of": ["M"]}, False, None),
    ({"kind": "postcode", "country": "ES", "first": "28", "last": "29"}, True, None),
    ({"kind": "postcode", "country": "ES", "first": "28014", "last": "29000"}, False, None),
    ({"kind": "postcode", "country": "PT", "first": "28", "last": "29"}, False, None),
    ({"kind": "weight_grams", "at_least": 1_500}, True, None),
    ({"kind": "weight_grams", "at_most": 1_499}, False, None),
    ({"kind": "total", "currency": "EUR", "at_least": "99.5", "at_most": "100"}, True, None),
    ({"kind": "total", "currency": "EUR", "at_least": "99.51"}, False, None),
    ({"kind": "item_count", "at_least": 3, "at_most": 3}, True, False),
    ({"kind": "sku", "any_of": ["MUG-*"]}, True, False),
    ({"kind": "sku", "any_of": ["MUG"]}, False, False),
    ({"kind": "sku", "any_of": [" Plate "]}, True, False),
    ({"kind": "tag", "any_of": ["VIP", "other"]}, True, False),
    ({"kind": "store", "any_of": [str(STORE)]}, True, True),
    ({"kind": "shipping_method", "any_of": ["EXP"]}, True, None),
    ({"kind": "payment_method", "any_of": ["cash on delivery"]}, False, None),
    ({"kind": "customer_type", "is": "consumer"}, True, None),
    ({"kind": "entered", "time_zone": "Europe/Madrid", "weekdays": ["monday"]}, True, True),
    ({"kind": "entered", "time_zone": "Asia/Tokyo", "weekdays": ["monday"]}, False, False),
    ({"kind": "entered", "time_zone": "CET", "since": "23:00", "until": "06:00"}, True, True),
    ({"kind": "entered", "time_zone": "UTC", "since": "09:00", "until": "17:00"}, False, False),
    ({"kind": "all", "conditions": [COUNTRY, {"kind": "tag", "any_of": ["vip"]}]}, True, False),
    ({"kind": "any", "conditions": [FRANCE, {"kind": "tag", "any_of": ["vip"]}]}, True, None),
    ({"kind": "not", "condition": FRANCE}, True, None),
]  # fmt: skip


@pytest.mark.parametrize(("body", "fits", "unknown"), CASES)
def test_each_condition_fits_what_it_says_and_leaves_open_what_the_order_does_not(
    body: dict[str, Any],
    fits: bool,  # noqa: FBT001  what is expected
    unknown: bool | None,  # noqa: FBT001  what is expected
) -> None:
    found = condition(**body)
    assert found.fits(FACTS) is fits
    assert found.fits(NOTHING) is unknown
    told = found.look(FACTS).as_json()
    assert (told["kind"], told["fits"]) == (body["kind"], fits)
    # What is stored is read back as the same condition.
    assert condition(**found.model_dump(mode="json")) == found


def test_a_night_belongs_to_the_day_on_which_it_began() -> None:
    night = condition(
        kind="entered", time_zone="UTC", since="22:00", until="06:00", weekdays=["monday"]
    )
    tuesday = datetime(2026, 1, 6, 5, 59, tzinfo=UTC)
    assert night.fits(replace(FACTS, entered_at=tuesday)) is True
    assert night.fits(replace(FACTS, entered_at=tuesday.replace(hour=6, minute=0))) is False
    assert night.fits(replace(FACTS, entered_at=tuesday.replace(hour=23))) is False
    monday_morning = datetime(2026, 1, 5, 3, tzinfo=UTC)
    assert night.fits(replace(FACTS, entered_at=monday_morning)) is False


def test_another_currency_is_neither_more_nor_less() -> None:
    dear = {"kind": "total", "currency": "USD", "at_least": "10"}
    assert condition(**dear).fits(FACTS) is None
    assert condition(kind="not", condition=dear).fits(FACTS) is None


def test_a_verdict_says_what_it_saw_and_what_it_wanted() -> None:
    both = condition(kind="all", conditions=[COUNTRY, {"kind": "weight_grams", "at_most": 1_000}])
    assert both.look(FACTS).as_json() == {
        "kind": "all",
        "fits": False,
        "parts": [
            {"kind": "country", "fits": True, "saw": "ES", "wanted": {"any_of": ["ES", "PT"]}},
            {
                "kind": "weight_grams",
                "fits": False,
                "saw": 1500,
                "wanted": {"at_least": None, "at_most": 1000},
            },
        ],
    }


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "moon", "any_of": ["full"]}, "does not match any of the expected tags"),
        ({"any_of": ["ES"]}, "Unable to extract tag"),
        ({**COUNTRY, "other": 1}, "Extra inputs are not permitted"),
        ({"kind": "country", "any_of": []}, "at least 1 item"),
        ({"kind": "country", "any_of": ["Spain"]}, "should match pattern"),
        ({"kind": "tag", "any_of": ["  "]}, "it is blank"),
        ({"kind": "tag", "any_of": ["a\x00"]}, "should match pattern"),
        ({"kind": "all", "conditions": []}, "at least 1 item"),
        ({"kind": "weight_grams"}, "at_least or at_most is needed"),
        ({"kind": "weight_grams", "at_least": 2, "at_most": 1}, "nothing can fit"),
        ({"kind": "weight_grams", "at_least": -1}, "greater than or equal to 0"),
        ({"kind": "total", "currency": "EUR", "at_least": "2", "at_most": "1.99"}, "nothing can"),
        ({"kind": "total", "currency": "EUR", "at_least": "-1"}, "should match pattern"),
        ({"kind": "total", "currency": "EUR", "at_least": 1.5}, "should be a valid string"),
        ({"kind": "postcode", "country": "ES", "first": "29", "last": "28"}, "nothing can fit"),
        ({"kind": "postcode", "country": "ES", "first": "2", "last": "28"}, "the same number"),
        ({"kind": "entered", "time_zone": "Madrid"}, "no time zone"),
        (
            {"kind": "entered", "time_zone": "UTC", "since": "09:00", "until": "09:00"},
            "nothing can fit",
        ),
        (
            {
                "kind": "any",
                "conditions": [
                    {"kind": "total", "currency": "EUR", "at_least": "1"},
                    {"kind": "total", "currency": "USD", "at_least": "1"},
                ],
            },
            "several currencies: EUR, USD",
        ),
        ({"kind": "all", "conditions": [COUNTRY] * 50}, "at most 50 conditions"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(body: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        condition(**body)


def test_what_nobody_can_read_any_more_is_refused() -> None:
    deep: dict[str, Any] = COUNTRY
    for _ in range(5):
        deep = {"kind": "not", "condition": deep}
    with pytest.raises(ValidationError, match="nested deeper than 5"):
        condition(**deep)


def test_the_facts_of_an_order_are_of_what_its_owner_packs() -> None:
    order = Order.model_validate(
        {
            "external_id": "1", "created_at": AT, "updated_at": AT, "currency": "EUR",
            "total": "10.00", "weight_grams": 9_000,
            "shipping_address": {"country_code": "gb", "zip": "sw1a 1aa", "province": " London "},
            "billing_address": {"company": "ACME"},
            "tags": [" VIP"], "shipping_lines": [{"title": "Express", "code": "EXP"}],
            "lines": [
                {"title": "Mug", "sku": "MUG", "quantity": 3, "current_quantity": 2,
                 "price": "1.00", "grams": 400},
                {"title": "Sent by others", "sku": "X", "quantity": 1, "price": "1.00",
                 "grams": 5_000, "fulfilled_by": "dropshipper"},
                {"title": "Voucher", "sku": "V", "quantity": 1, "price": "1.00",
                 "requires_shipping": False},
            ],
        }
    )  # fmt: skip
    facts = facts_of(order, STORE, AT)
    assert (facts.country, facts.region, facts.postcode) == ("GB", "LONDON", "SW1A1AA")
    assert (facts.item_count, facts.weight_grams, facts.customer_type) == (2, 800, "business")
    assert (sorted(facts.skus), sorted(facts.tags)) == (["mug"], ["vip"])
    assert sorted(facts.shipping_methods or ()) == ["exp", "express"]
    assert facts.payment_methods is None


def test_the_catalogue_has_every_kind_with_a_schema_of_its_own() -> None:
    found = {one.kind: one for one in conditions()}
    assert {body["kind"] for body, _, _ in CASES} == set(found)
    assert found["payment_method"].used_in == ["shipping_rules"]
    assert found["all"].json_schema["properties"]["conditions"]["items"] == {"type": "object"}
    assert found["customer_type"].json_schema["required"] == ["is"]
    assert "$ref" not in str([one.json_schema for one in found.values()])


# --- properties -----------------------------------------------------------------------------

_leaves = st.sampled_from(
    [body for body, _, _ in CASES if body["kind"] not in ("all", "any", "not")]
)
_bodies = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.builds(lambda one: {"kind": "not", "condition": one}, inner),
        st.builds(
            lambda kind, several: {"kind": kind, "conditions": several},
            st.sampled_from(["all", "any"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=6,
)  # fmt: skip
_any_condition: TypeAdapter[Any] = TypeAdapter(Condition)
_built = _bodies.map(_any_condition.validate_python)
_facts = st.builds(
    Facts,
    store_id=st.just(STORE),
    entered_at=st.integers(0, 10**6).map(lambda minutes: AT + timedelta(minutes=minutes)),
    country=st.sampled_from([None, "ES", "FR"]),
    region=st.sampled_from([None, "M", "B"]),
    postcode=st.sampled_from([None, "", "2", "28013", "SW1A1AA"]),
    weight_grams=st.none() | st.integers(0, 3_000),
    total=st.none() | st.decimals(-5, 200, places=2),
    currency=st.sampled_from([None, "EUR", "USD"]),
    item_count=st.integers(0, 5),
    skus=st.frozensets(st.sampled_from(["mug-red", "mug", "plate"])),
    tags=st.frozensets(st.sampled_from(["vip", "b2b"])),
    shipping_methods=st.none() | st.frozensets(st.sampled_from(["exp", "standard"]), min_size=1),
    customer_type=st.sampled_from([None, "business", "consumer"]),
    payment_methods=st.none() | st.frozensets(st.sampled_from(["card"]), min_size=1),
)


@dataclass(frozen=True)
class Named:
    """A rule with nothing but a name to do."""

    name: int
    condition: Any


def _is_explained(verdict: Verdict) -> bool:
    """Whether the parts of a verdict lead to it, down to what was seen."""
    parts = [part.fits for part in verdict.parts]
    expected = verdict.fits
    match verdict.asked.kind:
        case "all":
            expected = False if False in parts else None if None in parts else True
        case "any":
            expected = True if True in parts else None if None in parts else False
        case "not":
            expected = None if parts[0] is None else not parts[0]
    return verdict.fits is expected and all(_is_explained(part) for part in verdict.parts)


@given(_built, _facts)
def test_every_condition_answers_every_order_the_same_each_time_and_says_the_true_cause(
    asked: Any, facts: Facts
) -> None:
    verdict = asked.look(facts)
    assert asked.fits(facts) is verdict.fits
    assert asked.look(facts) == verdict
    assert _is_explained(verdict)
    assert not isinstance(verdict.saw, float)
    again = _any_condition.validate_json(asked.model_dump_json())
    assert again.look(facts).as_json() == verdict.as_json()


@given(st.lists(_built, max_size=6), _facts, st.randoms())
def test_the_first_rule_that_fits_decides_whatever_order_the_others_are_in(
    asked: list[Any], facts: Facts, random: Any
) -> None:
    rules = [Named(number, one) for number, one in enumerate(asked)]
    found = first_that_fits(rules, facts)
    fitting = [rule for rule in rules if rule.condition.look(facts).fits]
    assert (found[1] if found else None) == (fitting[0] if fitting else None)
    unrelated = [rule for rule in rules if rule not in fitting]
    random.shuffle(unrelated)
    again = first_that_fits([*unrelated, *fitting], facts)
    assert (again[1] if again else None) == (fitting[0] if fitting else None)
