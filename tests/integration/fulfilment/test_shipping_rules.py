"""Shipping rules: set, tried on real orders, and whose they are."""

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
from shared.contracts.order import Order
from shared.kafka.topics import ACCOUNTS_CHANGED, ORDERS_EVENTS
from tests.kit.builders import BRAND, NOON, THREE_PL, an_order
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics, erased
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
MARK = "Zoë Quux"
TO_SPAIN = {
    "name": "Spain",
    "if": {"kind": "country", "any_of": ["ES"]},
    "then": {"carrier": "correos", "service": "paq24"},
}
LIGHT = {
    "name": "Light",
    "if": {"kind": "weight_grams", "at_most": 500},
    "then": {"carrier": "mail"},
}
Send = Callable[..., Any]
Headers = Mapping[str, str]


def as_account(make_token: Callable[..., str], account: UUID, kind: str) -> Headers:
    return {"authorization": f"Bearer {make_token(account, kind)}"}


def payload(country: str, grams: int, **fields: Any) -> str:
    order = Order.model_validate(
        {
            "external_id": "1", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
            "total": "10.00", "shipping_address": {"country_code": country, "name": MARK},
            "lines": [{"title": "Mug", "quantity": 1, "price": "1", "grams": grams}], **fields,
        }
    )  # fmt: skip
    return order.model_dump_json()


@pytest.fixture
def tell(topics: Topics) -> Send:
    """Says what became of an order, as routing does."""

    async def send(type_: Any = "order.created", **changes: Any) -> UUID:
        order = an_order(**{"id": uuid7(), "sequence": 1, **changes})
        decision = Decision(Outcome.ENTERED, order, (Event(type_, order),))
        (message,) = events.messages([(decision, None)])
        await topics.publish(ORDERS_EVENTS.name, message.key, message.value, message.headers)
        return order.id

    return send


async def test_rules_are_versioned_and_set_by_who_saw_the_newest(
    client: httpx.AsyncClient, make_token: Callable[..., str]
) -> None:
    own = as_account(make_token, uuid7(), "brand")
    body = {"rules": [TO_SPAIN], "fallback": None}

    async def put(body: Any, version: str | None, headers: Headers = own) -> httpx.Response:
        match = {"if-match": version} if version else {}
        return await client.put("/v1/shipping-rules", json=body, headers={**headers, **match})

    assert (await client.get("/v1/shipping-rules", headers=own)).json()["version"] == 0
    assert (await put(body, None)).status_code == 428
    first = await put(body, '"0"')
    assert (first.status_code, first.json()["version"]) == (200, 1)
    assert first.json()["rules"][0]["if"] == TO_SPAIN["if"]
    late = await put({"rules": []}, '"0"')
    assert (late.status_code, late.json()["version"]) == (412, 1)
    # The same again is no version.
    assert (await put(body, '"1"')).json()["version"] == 1
    second = await put({"rules": [LIGHT], "fallback": {"carrier": "seur"}}, '"1"')
    assert second.json()["version"] == 2
    versions = (await client.get("/v1/shipping-rules/versions", headers=own)).json()["data"]
    assert [(one["version"], one["rules"][0]["name"]) for one in versions] == [
        (2, "Light"),
        (1, "Spain"),
    ]
    other = as_account(make_token, uuid7(), "three_pl")
    assert (await client.get("/v1/shipping-rules", headers=other)).json()["version"] == 0

    wrong = [
        ({"rules": [{**TO_SPAIN, "then": {"carrier": "No Carrier"}}]}, "/rules/0/then/carrier"),
        ({"rules": [{**TO_SPAIN, "if": {"kind": "country", "any_of": ["?"]}}]},
         "/rules/0/if/any_of/0"),
        ({"rules": [{**TO_SPAIN, "name": " "}]}, "/rules/0/name"),
        ({"rules": [{**TO_SPAIN, "also": 1}]}, "/rules/0/also"),
    ]  # fmt: skip
    for bad, pointer in wrong:
        refused = await put(bad, '"2"')
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_an_order_is_tried_by_the_rules_of_its_snapshots_owner(
    client: httpx.AsyncClient,
    make_token: Callable[..., str],
    tell: Send,
    database: asyncpg.Connection,
) -> None:
    brand = as_account(make_token, BRAND, "brand")
    three_pl = as_account(make_token, THREE_PL, "three_pl")
    theirs = await tell(shipping_rules_owner="three_pl", payload=payload("ES", 2_000))
    own = await tell(shipping_rules_owner="brand", payload=payload("FR", 400))
    # The brand has it itself: its own rules, whatever a connection says.
    kept = await tell(
        connection_id=None, three_pl_id=None, epoch=None, settings_version=None,
        shipping_rules_owner=None, endpoint_id=None, payload=payload("FR", 2_000),
    )  # fmt: skip
    await eventually(
        lambda: database.fetch("SELECT FROM orders"), lambda found: len(found) == len("abc")
    )

    async def ask(headers: Headers, **body: Any) -> Any:
        answer = await client.post("/v1/shipping-rules/test", json=body, headers=headers)
        return answer.json() if answer.is_success else answer.status_code

    assert await ask(brand, order_id=str(theirs)) == 404
    assert await ask(three_pl, order_id=str(own)) == 404
    draft = {"rules": [TO_SPAIN, LIGHT], "fallback": None}
    assert (await ask(three_pl, order_id=str(theirs)))["outcome"] == "no_rules"
    found = await ask(three_pl, order_id=str(theirs), rules=draft)
    assert (found["outcome"], found["shipping"]["service"], found["passed_over"]) == (
        "rule", "paq24", [],
    )  # fmt: skip
    light = await ask(brand, order_id=str(own), rules=draft)
    assert light["rule"]["name"] == "Light"
    saw = {"kind": "country", "fits": False, "saw": "FR", "wanted": {"any_of": ["ES"]}}
    assert light["passed_over"] == [{"number": 1, "name": "Spain", "if": saw}]
    nothing = await ask(brand, order_id=str(kept), rules=draft)
    assert (nothing["outcome"], nothing["shipping"], len(nothing["passed_over"])) == (
        "needs_carrier", None, 2,
    )  # fmt: skip
    sent = {**orjson.loads(payload("ES", 1)), "external_id": "draft"}
    assert (await ask(brand, order=sent, rules=draft))["rule"]["name"] == "Spain"
    assert await ask(brand, rules=draft) == 422

    preview = await client.post("/v1/shipping-rules/preview", json=draft, headers=brand)
    assert {name: preview.json()[name] for name in ("looked_at", "changed", "needs_carrier")} == {
        "looked_at": 2, "changed": 1, "needs_carrier": 1,
    }  # fmt: skip
    assert preview.json()["orders"][0]["then"]["carrier"] == "mail"


@pytest.mark.usefixtures("app")
async def test_the_newest_event_counts_and_one_of_tomorrow_is_read(
    tell: Send, topics: Topics, database: asyncpg.Connection
) -> None:
    order = uuid7()
    created = an_order(id=order, sequence=1, payload=payload("ES", 1))
    await tell("order.updated", id=order, sequence=3, status="processing", payload=payload("FR", 1))
    await tell("order.unassigned", id=order, sequence=4, payload=payload("FR", 1))
    decision = Decision(Outcome.ENTERED, created, (Event("order.created", created),))
    (late,) = events.messages([(decision, None)])
    body = late.value.replace(b'"data":{', b'"data":{"tomorrow":[1],', 1)
    await topics.publish(ORDERS_EVENTS.name, late.key, body, late.headers)

    async def row() -> asyncpg.Record | None:
        return await database.fetchrow("SELECT * FROM orders WHERE id = $1", order)

    found = await eventually(row, lambda one: one is not None and one["sequence"] == 4)
    # What was taken back says nothing of the order: what was known stays.
    assert found is not None
    assert '"country":"FR"' in found["facts"]
    assert await database.fetch("SELECT FROM positions WHERE next_offset > 0")


async def test_of_an_erased_brand_nothing_but_ids_and_states_is_left(
    client: httpx.AsyncClient,
    make_token: Callable[..., str],
    tell: Send,
    topics: Topics,
    database: asyncpg.Connection,
    postgres_dsn: str,
) -> None:
    brand = as_account(make_token, BRAND, "brand")
    named = {**TO_SPAIN, "name": MARK}
    await client.put(
        "/v1/shipping-rules", json={"rules": [named]}, headers={**brand, "if-match": '"0"'}
    )
    order = await tell(number=MARK, external_id=MARK, payload=payload("ES", 1, tags=[MARK]))
    await eventually(lambda: database.fetch("SELECT FROM orders"))
    gone: AccountChanged = erased(BRAND)
    await topics.publish(ACCOUNTS_CHANGED.name, str(BRAND), gone)
    marks = (MARK, MARK.casefold())
    await eventually(
        lambda: tables_with(postgres_dsn, "fulfilment", marks), lambda found: found == set()
    )
    [row] = await database.fetch("SELECT id, status, facts FROM orders")
    assert (row["id"], row["status"], row["facts"]) == (order, "open", None)
    # What comes later is not kept.
    await tell(payload=payload("ES", 1, tags=[MARK]))
    await tell(brand_id=uuid7(), payload=payload("ES", 1))
    await eventually(
        lambda: database.fetch("SELECT FROM orders WHERE facts IS NOT NULL"),
        lambda found: len(found) == 1,
    )
    assert len(await database.fetch("SELECT FROM orders")) == len("ab")
