"""Holds and the store's own word, over HTTP and on the log."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from shared.contracts.connections_changed import ConnectionState
from shared.contracts.orders_received import OrderReceived
from shared.contracts.stores_changed import PaymentRules
from shared.kafka.topics import ORDERS_EVENTS
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.waiting import eventually

MakeToken = Callable[..., str]


class Parties:
    """An order of a connected store, and what its two parties do with it."""

    def __init__(
        self, client: httpx.AsyncClient, make_token: MakeToken, shop: OrderPublisher
    ) -> None:
        self._client = client
        self.shop = shop
        self._tokens = {
            "brand": make_token(shop.brand_id, "brand"),
            "three_pl": make_token(shop.three_pl_id, "three_pl"),
        }

    async def get(self, party: str, path: str) -> Any:
        answer = await self._client.get(path, headers=self._as(party))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def order(self, party: str = "brand", number: str = "#1") -> Any:
        page = await self.get(party, "/v1/orders")
        (found,) = [one for one in page["data"] if one["number"] == number]
        return await self.get(party, f"/v1/orders/{found['id']}")

    async def ask(self, party: str, command: str, **body: Any) -> tuple[int, Any]:
        order = await self.order(party)
        answer = await self._client.post(
            f"/v1/orders/{order['id']}/{command}",
            json={"version": order["version"], **body},
            headers=self._as(party),
        )
        return answer.status_code, answer.json()

    async def sees(self, **wanted: Any) -> Any:
        """The order, once it has these fields."""
        return await eventually(
            self.order, lambda order: wanted.items() <= {**order, **order["order"]}.items()
        )

    def _as(self, party: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self._tokens[party]}"}


@pytest.fixture
async def parties(
    app: FastAPI, make_token: MakeToken, topics: Topics, database: asyncpg.Connection
) -> AsyncIterator[Parties]:
    shop = OrderPublisher(topics)
    await shop.set(ConnectionState.ACTIVE)
    await eventually(lambda: database.fetch("SELECT FROM connections"))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://routing") as client:
        yield Parties(client, make_token, shop)


async def enter(parties: Parties, database: asyncpg.Connection, order: OrderReceived) -> None:
    await parties.shop.send(order)
    await eventually(lambda: database.fetch("SELECT FROM orders"))


async def test_an_order_waits_for_its_payment_and_everybody_sees_why(
    parties: Parties, database: asyncpg.Connection, topics: Topics
) -> None:
    shop = parties.shop
    await enter(parties, database, shop.order("1", financial_status="pending"))
    order = await parties.order("three_pl")
    assert (order["status"], order["owner"]) == ("on_hold", "three_pl")
    assert [(hold["kind"], hold["release_by"]) for hold in order["holds"]] == [("payment", "brand")]
    assert "release" not in order["allowed_commands"]
    assert "release" in (await parties.order("brand"))["allowed_commands"]
    status, refused = await parties.ask("three_pl", "process")
    assert (status, refused["code"]) == (409, "invalid_transition")
    status, refused = await parties.ask("three_pl", "release")
    assert (status, refused["code"]) == (403, "not_hold_owner")

    await shop.send(shop.order("1", 1, financial_status="paid"))
    paid = await parties.sees(status="open", financial_status="paid")
    assert paid["holds"] == []
    created, updated = await topics.all(ORDERS_EVENTS.name, at_least=2)
    first = orjson.loads(created.value)["data"]
    assert first["status"] == "on_hold"
    assert [hold["id"] for hold in first["holds"]] == [hold["id"] for hold in order["holds"]]
    assert first["support_owner"] == "brand"
    assert orjson.loads(updated.value)["data"]["holds"] == []


async def test_the_brand_lifts_a_payment_hold_and_it_stays_lifted(
    parties: Parties, database: asyncpg.Connection
) -> None:
    shop = parties.shop
    await enter(parties, database, shop.order("1", financial_status="pending"))
    assert (await parties.ask("brand", "release"))[0] == 200
    await shop.send(shop.order("1", 1, financial_status="pending", note="gift"))
    assert (await parties.sees(note="gift"))["status"] == "open"


async def test_a_store_may_ship_unpaid(parties: Parties, database: asyncpg.Connection) -> None:
    rules = PaymentRules(ship_unpaid_methods=("COD",))
    order = parties.shop.order("1", financial_status="pending", payment_methods=("cod",))
    await enter(parties, database, order.model_copy(update={"payment_rules": rules}))
    assert (await parties.order())["status"] == "open"


async def test_several_holds_each_with_who_lifts_it(
    parties: Parties, database: asyncpg.Connection
) -> None:
    await enter(parties, database, parties.shop.order("1"))
    status, held = await parties.ask("three_pl", "hold", kind="stock", note="Monday")
    assert (status, held["status"]) == (200, "on_hold")
    asked = {"kind": "address", "note": "no house number", "release_by": "brand"}
    assert (await parties.ask("three_pl", "hold", **asked))[0] == 200
    stock, address = (await parties.order())["holds"]
    assert (stock["note"], stock["release_by"]) == ("Monday", "three_pl")

    assert (await parties.ask("three_pl", "release", hold_id=address["id"]))[0] == 403
    status, lifted = await parties.ask("brand", "release", hold_id=address["id"])
    assert (status, lifted["status"]) == (200, "on_hold")
    assert [hold["id"] for hold in (await parties.order())["holds"]] == [stock["id"]]
    assert (await parties.ask("three_pl", "release"))[1]["status"] == "open"
    history = await parties.get("brand", f"/v1/orders/{lifted['id']}/history")
    assert [line["why"].get("hold", line["why"].get("lifted")) for line in history["data"]] == [
        None, "stock", "address", "address", "stock",
    ]  # fmt: skip


async def test_a_hold_is_described_within_bounds(
    parties: Parties, database: asyncpg.Connection
) -> None:
    await enter(parties, database, parties.shop.order("1"))
    for wrong, pointer in (
        ({"kind": "mood"}, "/kind"),
        ({"note": "x" * 1_001}, "/note"),
        ({"release_by": "carrier"}, "/release_by"),
        ({"version": 2**31}, "/version"),
    ):
        status, answer = await parties.ask("brand", "hold", **wrong)
        assert (status, answer["errors"][0]["pointer"]) == (422, pointer)


async def test_held_orders_go_back_with_their_holds_and_the_brand_lifts_them(
    parties: Parties, database: asyncpg.Connection
) -> None:
    await enter(parties, database, parties.shop.order("1"))
    await parties.ask("three_pl", "hold", kind="stock")
    await parties.shop.set(ConnectionState.INACTIVE)
    back = await parties.sees(owner="brand")
    assert (back["status"], len(back["holds"])) == ("on_hold", 1)
    assert (await parties.ask("brand", "release"))[1]["status"] == "open"


async def test_fulfilled_at_the_store_is_shipped_and_paid_back_is_cancelled(
    parties: Parties, database: asyncpg.Connection
) -> None:
    shop = parties.shop
    await enter(parties, database, shop.order("1", financial_status="paid"))
    await shop.send(shop.order("1", 1, financial_status="paid", fulfilment_status="fulfilled"))
    shipped = await parties.sees(status="shipped")
    assert shipped["owner"] == "three_pl"
    await shop.send(shop.order("1", 2, financial_status="refunded", fulfilment_status="fulfilled"))
    later = await parties.sees(financial_status="refunded")
    assert (later["status"], later["cancel_too_late"]) == ("shipped", False)

    await shop.send(shop.order("2", financial_status="paid"))
    await shop.send(shop.order("2", 1, financial_status="voided"))

    async def second() -> Any:
        page = await parties.get("brand", "/v1/orders")
        return [one["status"] for one in page["data"] if one["number"] == "#2"]

    await eventually(second, lambda found: found == ["cancelled"])


async def test_what_was_deleted_before_it_was_seen_is_nobodys_order(
    parties: Parties, database: asyncpg.Connection, topics: Topics
) -> None:
    shop = parties.shop
    gone = shop.order("1").model_copy(update={"action": "delete", "order": None})
    await enter(parties, database, gone)
    await shop.send(shop.order("1", 5))
    await shop.send(shop.order("2"))
    assert (await eventually(lambda: parties.get("brand", "/v1/orders"), lambda p: p["data"]))[
        "data"
    ][0]["number"] == "#2"
    page = await parties.get("brand", "/v1/orders")
    assert [one["number"] for one in page["data"]] == ["#2"]
    records = await topics.all(ORDERS_EVENTS.name, at_least=1)
    assert [orjson.loads(record.value)["data"]["external_id"] for record in records] == ["2"]
    row = await database.fetchrow("SELECT id FROM orders WHERE tombstone")
    assert row is not None


async def test_a_list_shows_the_stores_own_time(
    parties: Parties, database: asyncpg.Connection
) -> None:
    received = parties.shop.order("1")
    await enter(parties, database, received)
    order = await parties.order()
    assert received.order is not None
    assert order["created_at"] == received.order.created_at.isoformat().replace("+00:00", "Z")
    assert order["accepted_at"] == received.received_at.isoformat().replace("+00:00", "Z")
