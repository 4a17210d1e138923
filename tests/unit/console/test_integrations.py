"""The rows of 3PL Integrations, and the form of Add Brand."""

from typing import Any

import pytest

from services.console.pages.integrations import brand_form
from services.console.pages.integrations.countries import countries
from services.console.pages.integrations.rows import rows_of

EMPTY_WINDOW = {"attempts": 0, "success_rate": None}
CONNECTION = {"id": "c1", "settings": {"webhook": {"endpoint_id": "e1"}}}
HEALTHY = {
    "endpoint_id": "e1",
    "state": "enabled",
    "paused_until": None,
    "hour": {"attempts": 9, "success_rate": 1.0},
    "day": {"attempts": 9, "success_rate": 1.0},
    "last_success_at": "2026-11-02T10:00:00Z",
    "last_failure": {"at": "2026-11-02T09:00:00Z"},
}


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        ([HEALTHY], "fine"),
        ([HEALTHY | {"hour": {"attempts": 9, "success_rate": 0.5}}], "failing"),
        ([HEALTHY | {"paused_until": "2026-11-02T11:00:00Z"}], "failing"),
        ([HEALTHY | {"state": "disabled"}], "off"),
        ([HEALTHY | {"hour": EMPTY_WINDOW, "day": EMPTY_WINDOW}], "quiet"),
        ([], "quiet"),
        (None, "unknown"),
    ],
)
def test_the_health_of_a_webhook_is_one_word(health: Any, expected: str) -> None:
    (row,) = rows_of([CONNECTION], {"connections": []}, health)
    assert row.health == expected


def test_a_connection_without_a_webhook_says_so_and_counts_stand_at_theirs() -> None:
    other = {"id": "c2", "settings": {"webhook": None}}
    facets = {"connections": [{"connection_id": "c2", "count": 7, "is_capped": True}]}
    first, second = rows_of([CONNECTION, other], facets, [HEALTHY])
    assert (first.open_orders, first.is_capped) == (0, False)
    assert (second.open_orders, second.is_capped, second.health) == (7, True, "none")
    assert first.last_event == "2026-11-02T10:00:00Z"
    (unknown,) = rows_of([CONNECTION], None, None)
    assert (unknown.open_orders, unknown.last_event) == (None, None)


def test_every_country_is_there_once_in_the_readers_language() -> None:
    english, spanish = countries("en"), countries("es")
    assert len(english) == len(spanish) == 249
    assert dict(spanish)["DE"] == "Alemania"
    names = [name for _, name in english]
    # Å at A, before Albania.
    assert names.index("Åland Islands") < names.index("Albania")


def test_a_warehouse_is_sent_only_when_something_of_it_was_typed() -> None:
    values = brand_form.blank("en") | {"company_name": "Acme", "store_url": "acme.test"}
    assert brand_form.body_of(values, is_new=True)["warehouse"] is None
    typed = values | {"warehouse/city": "Vigo"}
    assert brand_form.body_of(typed, is_new=True)["warehouse"] == {"city": "Vigo"}
    changed = brand_form.body_of(typed, is_new=False)
    assert "store_url" not in changed
    assert changed["contact"]["phone"] is None
