"""What each category has to say and to show."""

from typing import Any
from uuid import UUID

import pytest

from services.fulfilment.tickets.needs import (
    HELP_CATEGORIES,
    TicketFields,
    require_files,
    require_form,
)
from shared.failures import Refused

PDF, PNG, TEXT = "application/pdf", "image/png", "text/plain"
ADDRESS = {
    "name": "Ada", "address1": "1 Road", "city": "London", "zip": "N1", "country_code": "GB",
}  # fmt: skip


def order(category: Any) -> UUID | None:
    return None if category in HELP_CATEGORIES else UUID(int=1)


def pointers(category: Any, **fields: Any) -> list[str]:
    try:
        require_form(category, TicketFields.model_validate(fields), order(category), None)
    except Refused as refused:
        return [error["pointer"] for error in refused.errors]
    return []


@pytest.mark.parametrize(
    ("category", "enough", "missing"),
    [
        ("extreme_delay", {"expected_on": "2026-03-01"}, ["/fields/days_since_shipped"]),
        ("extreme_delay", {"days_since_shipped": 20}, ["/fields/days_since_shipped"]),
        ("lost", {"value": "10.50", "currency": "EUR"}, ["/fields/currency", "/fields/value"]),
        ("damaged", {"value": "1", "currency": "EUR"}, ["/fields/currency", "/fields/value"]),
        ("wrong_weight", {"grams_measured": 900}, ["/fields/grams_measured"]),
        ("address", {"correct_address": ADDRESS}, ["/fields/correct_address"]),
        ("question", {}, []),
    ],
)
def test_a_category_names_the_fields_that_it_needs(
    category: Any, enough: dict[str, Any], missing: list[str]
) -> None:
    assert pointers(category, **enough) == []
    assert pointers(category) == missing
    useless = {"grams_measured": 1} if category != "wrong_weight" else {"currency": "EUR"}
    assert pointers(category, **enough, **useless) == [f"/fields/{next(iter(useless))}"]


@pytest.mark.parametrize(
    ("category", "enough", "too_little"),
    [
        ("lost", [TEXT, PDF], [TEXT]),
        ("lost", [PNG], []),
        ("damaged", [PDF, PNG], [PDF]),
        ("wrong_weight", [PNG], [TEXT, PDF]),
    ],
)
def test_a_category_says_what_has_to_be_attached(
    category: Any, enough: list[str], too_little: list[str]
) -> None:
    require_files(category, enough)
    with pytest.raises(Refused) as refused:
        require_files(category, too_little)
    assert [error["pointer"] for error in refused.value.errors] == ["/attachments"]
    for other in ("extreme_delay", "address", "technical"):
        require_files(other, [])


def test_a_carrier_ticket_is_about_an_order_and_a_help_ticket_about_none() -> None:
    def flaws(category: Any, order_id: UUID | None, mail: str | None) -> list[str]:
        fields = TicketFields(expected_on="2026-03-01") if category == "extreme_delay" else None
        with pytest.raises(Refused) as refused:
            require_form(category, fields or TicketFields(), order_id, mail)
        return [error["pointer"] for error in refused.value.errors]

    assert flaws("extreme_delay", None, "a@b.test") == ["/order_id"]
    assert flaws("billing", UUID(int=1), "a@b.test") == ["/carrier_email", "/order_id"]
