"""Shipments: made when an order is worked, told, worked by its owner, and charged."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from uuid_utils.compat import uuid7

from services.routing import events
from services.routing.orders import Decision, Event, Outcome
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.order import Order, OrderStatus
from shared.kafka.topics import ACCOUNTS_CHANGED, ORDERS_EVENTS, SHIPMENTS_EVENTS
from tests.kit.builders import BRAND, NOON, THREE_PL, an_order
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MARK = "Zoë Quux"
RULES: dict[str, Any] = {
    "rules": [
        {
            "name": "Spain",
            "if": {"kind": "country", "any_of": ["ES"]},
            "then": {"carrier": "correos", "service": "paq24"},
        }
    ],
    "fallback": None,
}
PAYLOAD = (
    Order.model_validate(
        {
            "external_id": "1", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
            "total": "10.00", "shipping_address": {"country_code": "ES", "name": MARK},
            "lines": [
                {"id": "7", "title": f"Mug for {MARK}", "quantity": 2, "price": "1", "grams": 300},
                {"title": "Tea", "quantity": 1, "price": "1", "grams": 50},
            ],
        }
    )
    .model_dump_json()
)  # fmt: skip
Headers = Mapping[str, str]
Body = dict[str, Any]


def as_account(make_token: Callable[..., str], account: UUID, kind: str) -> Headers:
    return {"authorization": f"Bearer {make_token(account, kind)}"}


class Shop:
    """What routing says of orders."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics

    async def tell(self, order_id: UUID, sequence: int, status: str, **changes: Any) -> None:
        order = an_order(
            **{
                "id": order_id, "sequence": sequence, "status": OrderStatus(status),
                "payload": PAYLOAD, "shipping_rules_owner": "three_pl", "billing_owner": "three_pl",
                **changes,
            }
        )  # fmt: skip
        decision = Decision(Outcome.COMMAND, order, (Event("order.updated", order),))
        (message,) = events.messages([(decision, None)])
        await self.topics.publish(ORDERS_EVENTS.name, message.key, message.value, message.headers)

    async def worked(self, **changes: Any) -> UUID:
        order_id = uuid7()
        await self.tell(order_id, 1, "open", **changes)
        await self.tell(order_id, 2, "processing", **changes)
        return order_id

    async def told(self, order_id: UUID, at_least: int = 1) -> list[Body]:
        """What was told of an order's shipments, in the order of it."""
        records = await self.topics.all(SHIPMENTS_EVENTS.name, at_least)
        values = [orjson.loads(record.value or b"") for record in records]
        return [one for one in values if one["order_id"] == str(order_id)]


@pytest.fixture
def shop(topics: Topics) -> Shop:
    return Shop(topics)


@pytest.fixture
def three_pl(make_token: Callable[..., str]) -> Headers:
    return as_account(make_token, THREE_PL, "three_pl")


@pytest.fixture
def brand(make_token: Callable[..., str]) -> Headers:
    return as_account(make_token, BRAND, "brand")


async def set_rules(client: httpx.AsyncClient, headers: Headers, body: Body = RULES) -> None:
    version = (await client.get("/v1/shipping-rules", headers=headers)).json()["version"]
    answer = await client.put(
        "/v1/shipping-rules", json=body, headers={**headers, "if-match": f'"{version}"'}
    )
    assert answer.status_code == 200, answer.text


async def shipments_of(client: httpx.AsyncClient, headers: Headers, order_id: UUID) -> list[Body]:
    async def listed() -> list[Body]:
        answer = await client.get(
            "/v1/shipments", params={"order_id": str(order_id)}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        found: list[Body] = answer.json()["data"]
        return found

    return await eventually(listed)


async def test_an_order_that_is_worked_is_carried_as_its_snapshots_rules_say_and_split(
    client: httpx.AsyncClient, shop: Shop, three_pl: Headers, brand: Headers
) -> None:
    await set_rules(client, three_pl)
    order = await shop.worked()
    (one,) = await shipments_of(client, three_pl, order)
    assert (one["status"], one["chosen_rule"]) == (
        "ready", {"version": 1, "number": 1, "name": "Spain"},
    )  # fmt: skip
    assert (one["shipping"]["carrier"], one["item_count"], one["weight_grams"]) == (
        "correos", 3, 650,
    )  # fmt: skip
    assert (one["worked_by"], one["rules_of"]) == ("three_pl", "three_pl")
    url = f"/v1/shipments/{one['id']}"
    detail = (await client.get(url, headers=three_pl)).json()
    assert detail["consignee"]["address"]["name"] == MARK
    assert (await client.get(url, headers=brand)).json() == detail

    async def act(path: str, body: Body, method: str = "POST", who: Headers = three_pl) -> Body:
        answer = await client.request(method, f"{url}{path}", json=body, headers=who)
        return {"http": answer.status_code, **answer.json()}

    # The brand reads, and works nothing of it.
    refused = await act("/ship", {"version": 1}, who=brand)
    assert (refused["http"], refused["code"]) == (403, "not_owner")
    choice = {"version": 1, "shipping": {"carrier": "dhl"}}
    refused = await act("/carrier", choice, who=brand)
    assert (refused["http"], refused["code"]) == (403, "not_rules_owner")
    done = await act("/split", {"version": 1, "lines": [{"index": 0, "quantity": 1}]})
    assert (done["http"], done["version"]) == (200, 2)
    stale = await act("/parcels", {"version": 1, "parcels": [{}]}, "PUT")
    assert (stale["http"], stale["code"]) == (409, "version_conflict")
    packed = await act("/parcels", {"version": 2, "parcels": [{"weight_grams": 400}]}, "PUT")
    assert packed["http"] == 200
    left = await act("/ship", {"version": 3, "parcels": [{"tracking_number": "PK1"}]})
    assert (left["http"], left["status"]) == (200, "shipped")
    again = await act("/ship", {"version": left["version"]})
    assert (again["http"], again["code"]) == (409, "invalid_transition")
    wrong = await act("/tracking", {"version": 1, "parcels": [{"number": 101}]})
    assert (wrong["http"], wrong["errors"][0]["pointer"]) == (422, "/parcels/0/number")
    first, second = sorted(
        await shipments_of(client, brand, order), key=lambda found: found["status"]
    )
    assert (first["item_count"], second["item_count"]) == (1, 2)
    (told, *_, last) = await shop.told(order, 4)
    assert [of["carrier"] for of in told["shipments"]] == ["correos"]
    assert {(of["status"], of["parcels"][0]["tracking_number"] if of["parcels"] else None)
            for of in last["shipments"]} == {("shipped", "PK1"), ("ready", None)}  # fmt: skip
    assert [one["version"] for one in await shop.told(order)] == sorted(
        {one["version"] for one in await shop.told(order)}
    )
    # Many at once: each by itself.
    many = [
        {"shipment_id": first["id"], "version": first["version"]},
        {"shipment_id": second["id"], "version": second["version"]},
        {"shipment_id": str(uuid7()), "version": 1},
    ]
    answer = await client.post("/v1/shipments/ship", json={"shipments": many}, headers=three_pl)
    results = answer.json()["results"]
    assert [one["ok"] for one in results] == [True, False, False]
    assert [one["problem"]["code"] for one in results[1:]] == ["invalid_transition", "not_found"]


async def test_what_needs_a_carrier_waits_for_a_person_or_for_changed_rules(
    client: httpx.AsyncClient, shop: Shop, three_pl: Headers
) -> None:
    to_france = {**RULES, "rules": [{**RULES["rules"][0], "name": "France",
                                     "if": {"kind": "country", "any_of": ["FR"]}}]}  # fmt: skip
    await set_rules(client, three_pl, to_france)
    by_person, by_rule = await shop.worked(), await shop.worked()
    (one,), (other,) = (
        await shipments_of(client, three_pl, by_person),
        await shipments_of(client, three_pl, by_rule),
    )
    assert {one["status"], other["status"]} == {"needs_carrier"}
    waiting = (await client.get("/v1/shipments/waiting", headers=three_pl)).json()
    assert waiting == {"needs_carrier": 2, "ready": 0, "labelled": 0}
    listed = await client.get(
        "/v1/shipments", params={"status": "needs_carrier", "rules": "own"}, headers=three_pl
    )
    assert {found["order_id"] for found in listed.json()["data"]} == {str(by_person), str(by_rule)}
    body = {"version": 1, "shipping": {"carrier": "dhl", "service": "express"}}
    chosen = await client.post(f"/v1/shipments/{one['id']}/carrier", json=body, headers=three_pl)
    assert (chosen.status_code, chosen.json()["status"]) == (200, "ready")
    await set_rules(client, three_pl)

    async def reapply(*, preview: bool) -> Body:
        answer = await client.post(
            "/v1/shipments/reapply", json={"preview": preview}, headers=three_pl
        )
        found: Body = answer.json()
        return found

    looked, done = await reapply(preview=True), await reapply(preview=False)
    assert looked == done
    assert (done["looked_at"], done["changed"], done["next"]) == (1, 1, None)
    assert [found["now"]["carrier"] for found in done["shipments"]] == ["correos"]
    assert (await reapply(preview=True))["changed"] == 0
    (one,), (other,) = (
        await shipments_of(client, three_pl, by_person),
        await shipments_of(client, three_pl, by_rule),
    )
    assert [found["shipping"]["carrier"] for found in (one, other)] == ["dhl", "correos"]


async def test_what_an_owners_own_system_ships_is_told_only_when_there_is_something_to_tell(
    client: httpx.AsyncClient, shop: Shop, three_pl: Headers, make_token: Callable[..., str]
) -> None:
    """And an order of its brand's own is worked by the brand; strangers see none."""
    theirs = await shop.worked()
    own = await shop.worked(connection_id=None, three_pl_id=None)
    (one,) = await shipments_of(client, three_pl, theirs)
    assert (one["status"], one["chosen_by"]) == ("ready", "no_rules")
    brand = as_account(make_token, BRAND, "brand")
    (brands,) = await shipments_of(client, brand, own)
    assert (brands["worked_by"], brands["rules_of"]) == ("brand", "brand")
    stranger = as_account(make_token, uuid7(), "three_pl")
    for headers, shipment in ((three_pl, brands), (stranger, one)):
        url = f"/v1/shipments/{shipment['id']}"
        assert (await client.get(url, headers=headers)).status_code == 404
        ship = await client.post(f"{url}/ship", json={"version": 1}, headers=headers)
        assert (ship.status_code, ship.json()["code"]) == (404, "not_found")
    body = {"version": 1, "parcels": [{"tracking_number": "X1", "status": "in_transit"}]}
    url = f"/v1/shipments/{one['id']}/tracking"
    tracked = await client.post(url, json=body, headers=three_pl)
    assert tracked.json()["status"] == "shipped"
    (told,) = await shop.told(theirs)
    assert told["shipments"][0]["parcels"][0]["tracking_status"] == "in_transit"
    assert await shop.told(own) == []


async def test_a_shipment_is_charged_when_it_leaves_and_not_when_it_is_moved_back(
    client: httpx.AsyncClient, shop: Shop, three_pl: Headers, database: asyncpg.Connection
) -> None:
    list_id = uuid7()
    prices = orjson.dumps({"per_order": "1.50", "per_item": "0.25"}).decode()
    await database.execute(
        "INSERT INTO price_lists (id, account_id, charged_account, name, currency) "
        "VALUES ($1, $2, NULL, 'Packing', 'EUR')", list_id, THREE_PL,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO price_list_versions (price_list_id, version, valid_from, prices) "
        "VALUES ($1, 1, $2, $3)", list_id, NOON, prices,
    )  # fmt: skip
    shipped, back = await shop.worked(), await shop.worked()
    await shipments_of(client, three_pl, shipped)
    (moved,) = await shipments_of(client, three_pl, back)
    await shop.tell(back, 3, "open")
    await shop.tell(shipped, 3, "shipped")

    async def entries() -> list[tuple[UUID, str, str]]:
        rows = await database.fetch(
            "SELECT order_id, phase, amount::text FROM ledger_entries ORDER BY phase, amount"
        )
        return [tuple(row) for row in rows]

    found = await eventually(entries, lambda rows: len(rows) == 4)
    assert [(phase, float(amount)) for _, phase, amount in found] == [
        ("pending", 0.75), ("pending", 1.5), ("posted", 0.75), ("posted", 1.5),
    ]  # fmt: skip
    assert {order for order, _, _ in found} == {shipped}
    (moved,) = await shipments_of(client, three_pl, back)
    assert (moved["status"], moved["cancelled_because"]) == ("cancelled", "moved_back")
    # Worked once more it is another shipment.
    await shop.tell(back, 4, "processing")
    await eventually(lambda: shipments_of(client, three_pl, back), lambda found: len(found) == 2)


async def test_an_erased_brand_leaves_ids_states_and_amounts(
    client: httpx.AsyncClient,
    shop: Shop,
    three_pl: Headers,
    database: asyncpg.Connection,
    topics: Topics,
    postgres_dsn: str,
) -> None:
    await set_rules(client, three_pl)
    order = await shop.worked()
    (one,) = await shipments_of(client, three_pl, order)
    url = f"/v1/shipments/{one['id']}/ship"
    sent = {"version": 1, "parcels": [{"tracking_url": f"https://x.example/{MARK.split()[1]}"}]}
    assert (await client.post(url, json=sent, headers=three_pl)).status_code == 200
    assert "shipments" in await tables_with(postgres_dsn, "fulfilment", ["Quux"])
    gone: AccountChanged = erased(BRAND)
    await topics.publish(ACCOUNTS_CHANGED.name, str(BRAND), gone)

    async def left() -> list[str]:
        return [
            table
            for table in await tables_with(postgres_dsn, "fulfilment", ["Quux"])
            if not table.startswith("outbox")
        ]

    await eventually(left, lambda tables: tables == [])
    [row] = await database.fetch("SELECT status, lines, parcels FROM shipments")
    assert (row["status"], orjson.loads(row["parcels"])) == ("shipped", [{"number": 1}])
    assert [line["quantity"] for line in orjson.loads(row["lines"])] == [2, 1]
    shown = (await client.get(f"/v1/shipments/{one['id']}", headers=three_pl)).json()
    assert (shown["consignee"], shown["status"]) == (None, "shipped")
