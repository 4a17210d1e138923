"""Price lists: whose they are, how they change, and what others would have come to."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import OPERATOR
from tests.kit.builders import BRAND, OTHER, THREE_PL
from tests.kit.ledger import Ask, a_shipment, pointers, refused

pytestmark = pytest.mark.engines
PATH = "/v1/price-lists"
PRICES = {"per_order": "0.20", "per_item": "0.05"}
A_LIST = {"name": "Usual", "currency": "EUR", "prices": PRICES}


async def know_an_order(database: asyncpg.Connection, brand: UUID, three_pl: UUID) -> None:
    await database.execute(
        "INSERT INTO orders (id, sequence, store_id, brand_id, three_pl_id, external_id, status,"
        " shipping_rules_owner, entered_at)"
        " VALUES ($1, 1, $1, $2, $3, '1', 'open', 'brand', now())",
        uuid7(), brand, three_pl,
    )  # fmt: skip


async def test_lists_are_set_by_who_charges_and_read_by_who_is_charged(
    ask: Ask, database: asyncpg.Connection
) -> None:
    platform = await ask("operator", "POST", PATH, json=A_LIST)
    assert (platform["of_operator"], platform["version"]) == (True, 1)
    mine = await ask("three_pl", "POST", PATH, json=A_LIST)
    for_other = await ask("three_pl", "POST", PATH, json={**A_LIST, "charged_account": str(OTHER)})
    again = await refused(ask("three_pl", "POST", PATH, json=A_LIST))
    assert again == (409, "price_list_exists")
    assert await refused(ask("brand", "POST", PATH, json=A_LIST)) == (403, "three_pl_only")
    assert await refused(ask("viewer", "POST", PATH, json=A_LIST)) == (403, "role_required")

    theirs = await ask("another 3PL", "POST", PATH, json=A_LIST)

    async def seen(who: str) -> list[str]:
        listed = (await ask(who, "GET", PATH))["data"]
        for one in listed:
            assert (await ask(who, "GET", f"{PATH}/{one['id']}")) == one
            versions = (await ask(who, "GET", f"{PATH}/{one['id']}/versions"))["data"]
            assert [version["prices"]["per_order"] for version in versions] == ["0.20"]
        return [one["id"] for one in listed]

    assert await seen("three_pl") == [for_other["id"], mine["id"], platform["id"]]
    # A 3PL's list for everybody is its brands', and no more of those who have their own.
    assert await seen("brand") == [platform["id"]]
    for brand in (BRAND, OTHER):
        await know_an_order(database, brand, THREE_PL)
    assert await seen("brand") == [mine["id"], platform["id"]]
    assert await seen("another brand") == [for_other["id"], platform["id"]]
    assert await seen("another 3PL") == [theirs["id"], platform["id"]]
    assert await seen("operator") == [platform["id"]]
    assert (await ask("brand", "GET", f"{PATH}/{mine['id']}"))["set_by"] is None
    assert mine["set_by"] == str(THREE_PL)

    change = {"prices": {"per_order": "0.25"}}
    for method, path, sent in (
        ("GET", "", {}), ("GET", "/versions", {}),
        ("PUT", "", {"json": change, "version": "1"}), ("POST", "/preview", {"json": change}),
    ):  # fmt: skip
        stranger = await refused(ask("another 3PL", method, f"{PATH}/{mine['id']}{path}", **sent))
        assert stranger == (404, "not_found")
        nobody = await refused(ask("delegated", method, f"{PATH}/{mine['id']}{path}", **sent))
        assert nobody == (403, "delegated")
        # Who is charged reads, and no more.
        if method != "GET":
            for who in ("brand", "three_pl"):
                its = f"{PATH}/{platform['id']}{path}"
                assert (await refused(ask(who, method, its, **sent)))[0] in (403, 404)


async def test_prices_change_by_versions_and_never_for_the_past(ask: Ask) -> None:
    mine = await ask("three_pl", "POST", PATH, json=A_LIST)
    path = f"{PATH}/{mine['id']}"
    dearer = {"prices": {"per_order": "0.25"}}
    assert (await refused(ask("three_pl", "PUT", path, json=dearer)))[0] == 428
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = {**dearer, "valid_from": tomorrow, "name": "Dearer"}
    second = await ask("three_pl", "PUT", path, "1", json=later)
    assert (second["version"], second["name"]) == (2, "Dearer")
    assert datetime.fromisoformat(second["valid_from"]) == datetime.fromisoformat(tomorrow)
    assert await refused(ask("three_pl", "PUT", path, "1", json=later)) == (412, "version_conflict")
    # The same again is no version.
    assert (await ask("three_pl", "PUT", path, "2", json=later))["version"] == 2
    versions = (await ask("three_pl", "GET", f"{path}/versions"))["data"]
    assert [one["version"] for one in versions] == [2, 1]

    past = {**dearer, "valid_from": "2026-01-01T00:00:00Z"}
    assert await pointers(ask("three_pl", "PUT", path, "2", json=past)) == ["/valid_from"]
    exact = {"prices": {"carriers": {"seur": "0.125"}}}
    assert await pointers(ask("three_pl", "PUT", path, "2", json=exact)) == [
        "/prices/carriers/seur"
    ]
    for wrong, pointer in (
        ({"currency": "XYZ"}, "/currency"),
        ({"charged_account": str(THREE_PL)}, "/charged_account"),
        ({"prices": {}}, "/prices"),
        ({"name": "\u202e"}, "/name"),
    ):
        found = await pointers(ask("three_pl", "POST", PATH, json={**A_LIST, **wrong}))
        assert found == [pointer]

    third = second
    # Those that are to come, from now on; once they are valid, the same again is no version.
    for _ in "twice":
        third = await ask("three_pl", "PUT", path, str(third["version"]), json=dearer)
        assert third["version"] == 3
        assert datetime.fromisoformat(third["valid_from"]) <= datetime.now(UTC)


async def test_other_prices_are_tried_on_what_was_charged(
    ask: Ask, database: asyncpg.Connection
) -> None:
    mine = await ask("three_pl", "POST", PATH, json=A_LIST)
    now = datetime.now(UTC)
    one = a_shipment(at=now)
    shipments = [one, a_shipment(at=now, order_id=one.order_id), a_shipment(at=now, carrier=None)]
    await charging.pend(database, shipments)
    await charging.post(database, [shipment.shipment_id for shipment in shipments])
    path = f"{PATH}/{mine['id']}/preview"
    draft = {"prices": {"per_order": "1", "carriers": {"seur": "0.5"}}}
    assert await ask("three_pl", "POST", path, json=draft) == {
        "currency": "EUR", "charges": 5, "shipments": 3,
        "now": {"order": "0.40", "item": "0.30"}, "now_total": "0.70",
        "then": {"order": "2.00", "carrier": "1.00"}, "then_total": "3.00",
        "unpriced": {"carrier_unknown": 1},
    }  # fmt: skip
    assert OPERATOR not in {row[0] for row in await database.fetch(
        "SELECT credit_account FROM ledger_entries")}  # fmt: skip
