"""Addresses, by what their countries want."""

from typing import Any

import pytest

from services.fulfilment.labels.addresses import flaws
from shared.contracts.order import Address

MADRID: dict[str, Any] = {
    "name": "Leo", "address1": "Calle Mayor 1", "city": "Madrid", "zip": "28013",
    "country_code": "es",
}  # fmt: skip


def pointers(**changes: Any) -> set[tuple[str, str]]:
    found = flaws(Address.model_validate({**MADRID, **changes}))
    return {(one["pointer"].removeprefix("/shipping_address"), one["message"]) for one in found}


def test_what_a_label_needs_is_there_or_named() -> None:
    assert pointers() == set()
    assert pointers(province_code="Anything") == set()
    assert pointers(zip="9999999") == {("/zip", "is none of that country")}
    assert pointers(zip=None, address1=" ") == {
        ("/zip", "is missing"), ("/address1", "is missing"),
    }  # fmt: skip
    assert pointers(name=None) == {("/name", "is missing")}
    assert pointers(name=None, company="Casa Ruiz") == set()
    assert pointers(country_code=None) == {("/country_code", "is missing")}
    assert pointers(country_code="XX") == {("/country_code", "is none of that country")}
    assert [one["pointer"] for one in flaws(None)] == ["/shipping_address"]


@pytest.mark.parametrize(("province", "missing"), [("NY", False), (None, True)])
def test_a_province_is_asked_for_where_carriers_do(province: str | None, missing: bool) -> None:  # noqa: FBT001  by name
    there = {"city": "New York", "zip": "10001", "country_code": "US", "province_code": province}
    assert (("/province_code", "is missing") in pointers(**there)) is missing
