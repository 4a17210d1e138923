"""Labels: one and only one, whatever a carrier does, and what is charged for it."""

import asyncio
import base64
import io
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from aiohttp import web
from fastapi import FastAPI
from pypdf import PdfReader
from standardwebhooks import Webhook
from uuid_utils.compat import uuid7

from shared.contracts.order import Order
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.fulfilment.test_shipments import (
    RULES,
    Shop,
    as_account,
    set_rules,
    shipments_of,
)
from tests.kit.builders import BRAND, NOON, THREE_PL
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics, erased
from tests.kit.sendcloud import A_PDF, KEYS, FakeSendcloud, hang
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
Headers = Mapping[str, str]
Body = dict[str, Any]
MARK = "Zoë Quux"


def payload(city: str = "Madrid", **address: Any) -> str:
    order = Order.model_validate(
        {
            "external_id": "1", "number": "#1", "created_at": NOON, "updated_at": NOON,
            "currency": "EUR", "total": "10.00", "email": "zoe@example.com",
            "shipping_address": {
                "country_code": "ES", "name": MARK, "address1": "Calle Mayor 1", "city": city,
                "zip": "28013", "province_code": "M", **address,
            },
            "lines": [{"id": "7", "title": "Mug", "quantity": 2, "price": "4.00", "grams": 300}],
        }
    )  # fmt: skip
    return order.model_dump_json()


@pytest.fixture(autouse=True)
async def sendcloud(
    service_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FakeSendcloud]:
    """What fulfilment takes for Sendcloud; a call to it may take a second."""
    assert service_settings
    async with FakeSendcloud() as fake:
        monkeypatch.setenv("RELEVO_FULFILMENT_SENDCLOUD_URL", fake.url)
        monkeypatch.setenv("RELEVO_FULFILMENT_CARRIER_SECONDS", "1")
        monkeypatch.setenv("RELEVO_FULFILMENT_LABEL_POLL_SECONDS", "0.1")
        yield fake


class Packer:
    """The 3PL that has the orders, whose rules choose Sendcloud."""

    def __init__(self, client: httpx.AsyncClient, headers: Headers, topics: Topics) -> None:
        self.client, self.headers, self.shop = client, headers, Shop(topics)

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def with_account(self, **settings: Any) -> Body:
        """A carrier account for what the rules choose."""
        await set_rules(self.client, self.headers, {**RULES, "fallback": {"carrier": "other"}})
        body = {"carrier": "correos", "name": "Ours", "settings": settings}
        answer = await self.ask("POST", "/v1/carrier-accounts", body)
        assert answer.status_code == 201, answer.text
        made: Body = answer.json()
        return made

    async def with_sendcloud(self) -> Body:
        return await self.with_account(
            kind="sendcloud", sender_address_id=7, public_key=KEYS[0], secret_key=KEYS[1]
        )

    async def shipment(self, **changes: Any) -> Body:
        order = await self.shop.worked(**{"payload": payload(), **changes})
        (one,) = await shipments_of(self.client, self.headers, order)
        return one

    async def buy(self, one: Body) -> httpx.Response:
        path = f"/v1/shipments/{one['id']}/label"
        return await self.ask("POST", path, {"version": one["version"]})

    async def until(self, one: Body, label: str | None) -> Body:
        """The shipment once its label is so."""

        async def now() -> Body:
            found: Body = (await self.ask("GET", f"/v1/shipments/{one['id']}")).json()
            return found

        return await eventually(now, lambda found: found["label"] == label)

    async def label(self, one: Body) -> Body:
        found: Body = (await self.ask("GET", f"/v1/shipments/{one['id']}/label")).json()
        return found


@pytest.fixture
def packer(
    sendcloud: FakeSendcloud,
    client: httpx.AsyncClient,
    topics: Topics,
    make_token: Callable[..., str],
) -> Packer:
    assert sendcloud.port
    return Packer(client, as_account(make_token, THREE_PL, "three_pl"), topics)


async def phases(database: asyncpg.Connection) -> list[str]:
    rows = await database.fetch("SELECT phase FROM ledger_entries ORDER BY entered_at, phase")
    return [row["phase"] for row in rows]


async def with_prices(database: asyncpg.Connection) -> None:
    list_id = uuid7()
    await database.execute(
        "INSERT INTO price_lists (id, account_id, charged_account, name, currency) "
        "VALUES ($1, $2, NULL, 'Packing', 'EUR')", list_id, THREE_PL,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO price_list_versions (price_list_id, version, valid_from, prices) "
        "VALUES ($1, 1, $2, $3)", list_id, NOON, '{"per_order": "1.50"}',
    )  # fmt: skip


async def test_a_label_is_bought_printed_and_seen_by_both_parties(
    packer: Packer,
    sendcloud: FakeSendcloud,
    database: asyncpg.Connection,
    make_token: Callable[..., str],
) -> None:
    await with_prices(database)
    account = await packer.with_sendcloud()
    assert "secret_key" not in account
    options = await packer.ask(
        "GET", f"/v1/carrier-accounts/{account['id']}/options", params={"country": "ES"}
    )
    assert options.json() == {
        "is_known": True,
        "data": [{"service": "postnl:standard", "name": "PostNL to ES", "price": "4.95",
                  "currency": "EUR"}],
    }  # fmt: skip
    one = await packer.shipment()
    boxes = {"version": 1, "parcels": [{"weight_grams": 350}, {}]}
    await packer.ask("PUT", f"/v1/shipments/{one['id']}/parcels", boxes)
    stale = await packer.buy(one)
    assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
    assert (await packer.buy({**one, "version": 2})).status_code == 202
    bought = await packer.until(one, "bought")
    assert (bought["status"], [parcel["tracking_number"] for parcel in bought["parcels"]]) == (
        "labelled", ["SC00011", "SC00012"],
    )  # fmt: skip
    (sent,) = sendcloud.announced
    assert (sent["to_address"]["city"], sent["from_address"]) == (
        "Madrid",
        {"sender_address_id": 7},
    )
    assert [parcel["weight"]["value"] for parcel in sent["parcels"]] == ["0.350", "0.300"]
    assert await phases(database) == ["pending", "posted"]

    async def documents() -> list[Body]:
        found: list[Body] = (await packer.label(one))["documents"]
        return found

    await eventually(documents, lambda found: len(found) == 2)
    brand = as_account(make_token, BRAND, "brand")
    stranger = as_account(make_token, uuid7(), "three_pl")
    url = f"/v1/shipments/{one['id']}/label"
    printed = await packer.ask("GET", f"{url}/1.pdf", headers=brand)
    assert (printed.status_code, printed.content) == (200, A_PDF)
    assert printed.headers["x-content-type-options"] == "nosniff"
    assert (await packer.ask("GET", f"{url}/3.pdf")).status_code == 404
    assert (await packer.ask("GET", f"{url}/1.pdf", headers=stranger)).status_code == 404
    many = await packer.ask("GET", "/v1/shipments/labels.pdf", params={"shipment_id": one["id"]})
    assert len(PdfReader(io.BytesIO(many.content)).pages) == 2
    # What it cost is whose account it is to know.
    prices = [(await packer.ask("GET", url, headers=who)).json()["price"] for who in (
        packer.headers, brand,
    )]  # fmt: skip
    assert prices == ["5.20", None]
    assert (await packer.ask("GET", "/v1/carrier-accounts", headers=brand)).json() == {"data": []}
    (told, *_, last) = await packer.shop.told(UUID(one["order_id"]), 2)
    assert [of["status"] for of in last["shipments"]] == ["labelled"]
    assert told["version"] < last["version"]


async def test_what_a_carrier_says_late_and_twice_goes_forward_and_an_erasure_takes_it(
    packer: Packer,
    sendcloud: FakeSendcloud,
    database: asyncpg.Connection,
    topics: Topics,
    postgres_dsn: str,
) -> None:
    account = await packer.with_sendcloud()
    one = await packer.shipment()
    boxes = {"version": 1, "parcels": [{}, {}]}
    await packer.ask("PUT", f"/v1/shipments/{one['id']}/parcels", boxes)
    await packer.buy({**one, "version": 2})
    await packer.until(one, "bought")
    now = int(time.time())
    hook = f"/webhooks/sendcloud/{account['id']}"
    for parcel, status, at in (
        (101, 11, now), (101, 3, now - 60), (101, 11, now), (102, 3, now - 50), (102, 11, now - 10),
        (999, 11, now), (101, 4711, now),
    ):  # fmt: skip
        body, headers = sendcloud.webhook(parcel, status, at)
        heard = await packer.client.post(hook, content=body, headers=headers)
        assert heard.status_code == 200, heard.text
    arrived = await packer.until(one, "bought")
    assert arrived["status"] == "delivered"
    body, headers = sendcloud.webhook(101, 11, now)
    wrong = {**headers, "sendcloud-signature": "00"}
    for given, code in ((wrong, "invalid_signature"), ({}, "missing_signature")):
        refused = await packer.client.post(hook, content=body, headers=given)
        assert (refused.status_code, refused.json()["code"]) == (401, code)
    nobody = await packer.client.post(
        f"/webhooks/sendcloud/{uuid7()}", content=body, headers=headers
    )
    assert nobody.status_code == 401
    # Erased, nothing says where it went; that it was bought stays.
    await topics.publish(ACCOUNTS_CHANGED.name, str(BRAND), erased(BRAND))

    async def left() -> set[str]:
        return await tables_with(postgres_dsn, "fulfilment", ["Quux", "SC00011"])

    await eventually(left, lambda tables: tables == set())
    assert await database.fetchval("SELECT count(*) FROM label_documents") == 0
    assert await database.fetchval("SELECT outcome FROM labels") == "bought"


async def test_a_carrier_that_makes_it_and_never_says_so_is_asked_and_nothing_is_bought_twice(
    packer: Packer, sendcloud: FakeSendcloud, database: asyncpg.Connection
) -> None:
    await with_prices(database)
    await packer.with_sendcloud()
    sendcloud.after = hang
    one = await packer.shipment()
    await packer.buy(one)
    unknown = await packer.until(one, "unknown")
    assert (unknown["status"], await phases(database)) == ("ready", [])
    refused = await packer.buy(unknown)
    assert (refused.status_code, refused.json()["code"]) == (409, "label_under_way")
    ship = await packer.ask(
        "POST", f"/v1/shipments/{one['id']}/ship", {"version": unknown["version"]}
    )
    assert ship.json()["code"] == "label_under_way"
    await packer.until(one, "bought")
    assert (len(sendcloud.announced), await phases(database)) == (1, ["pending", "posted"])


async def test_a_request_that_was_lost_is_made_again_under_its_reference(
    packer: Packer, sendcloud: FakeSendcloud
) -> None:
    await packer.with_sendcloud()
    answers = [500, 429]

    async def lose(_: Body) -> web.StreamResponse | None:
        later = {"retry-after": "1"}
        return web.json_response({}, status=answers.pop(0), headers=later) if answers else None

    sendcloud.before = lose
    one = await packer.shipment()
    await packer.buy(one)
    bought = await packer.until(one, "bought")
    assert (bought["status"], len(sendcloud.announced), answers) == ("labelled", 1, [])


async def test_a_process_that_dies_while_it_buys_is_followed_by_one_that_asks(
    packer: Packer, sendcloud: FakeSendcloud, app: FastAPI, database: asyncpg.Connection
) -> None:
    await packer.with_sendcloud()
    sendcloud.after = hang
    one = await packer.shipment()
    await packer.buy(one)

    async def announced() -> int:
        return len(sendcloud.announced)

    await eventually(announced)
    # It dies here: what it was about to write is never written, and its claim ends some day.
    for task in app.state.labels.buyer._under_way:
        task.cancel()
    await database.execute("UPDATE labels SET claimed_until = now() - interval '1 second'")
    await packer.until(one, "bought")
    assert len(sendcloud.announced) == sendcloud.asked.count("POST /api/v3/shipments/announce") == 1
    assert "GET /api/v3/shipments" in sendcloud.asked


async def test_a_failed_announcement_is_told_and_may_be_tried_again(
    packer: Packer, sendcloud: FakeSendcloud, database: asyncpg.Connection
) -> None:
    await with_prices(database)
    await packer.with_sendcloud()
    sendcloud.fails_for = {"Madrid"}
    one = await packer.shipment()
    await packer.buy(one)
    failed = await packer.until(one, "failed")
    said = await packer.label(one)
    assert (failed["status"], said["outcome"], said["reason"]) == (
        "ready", "failed", "The postal code is not served",
    )  # fmt: skip
    assert await phases(database) == []
    sendcloud.fails_for = set()
    assert (await packer.buy(failed)).status_code == 202
    bought = await packer.until(one, "bought")
    assert (await packer.label(one))["id"] != said["id"]
    # And given back: the shipment is ready again, in days or never if the carrier says so.
    sendcloud.cancel_answer = (409, "no")
    cancel = f"/v1/shipments/{one['id']}/label/cancel"
    assert (await packer.ask("POST", cancel, {"version": bought["version"]})).status_code == 202
    kept = await packer.until(one, "bought")
    assert (kept["status"], (await packer.label(one))["reason"]) == (
        "labelled", "It has left already",
    )  # fmt: skip
    sendcloud.cancel_answer = (200, "cancelled")
    assert (await packer.ask("POST", cancel, {"version": kept["version"]})).status_code == 202
    again = await packer.until(one, None)
    assert (again["status"], again["parcels"][0]["tracking_number"]) == ("ready", None)


async def test_what_is_moved_back_meanwhile_gives_its_label_back_and_costs_nothing(
    packer: Packer, sendcloud: FakeSendcloud, database: asyncpg.Connection
) -> None:
    await with_prices(database)
    await packer.with_sendcloud()
    goes_on = asyncio.Event()

    async def slow(_: Body) -> web.StreamResponse | None:
        await goes_on.wait()
        return None

    sendcloud.after = slow
    one = await packer.shipment()
    await packer.buy(one)

    async def announced() -> int:
        return len(sendcloud.announced)

    await eventually(announced)
    await packer.shop.tell(UUID(one["order_id"]), 3, "open")

    async def cancelled() -> str:
        found: str = (await packer.ask("GET", f"/v1/shipments/{one['id']}")).json()["status"]
        return found

    await eventually(cancelled, lambda status: status == "cancelled")
    goes_on.set()
    await packer.until(one, None)
    assert any(asked.endswith("/cancel") for asked in sendcloud.asked)
    assert await phases(database) == []


async def test_many_at_once_are_bought_once_each_within_the_carriers_rate(
    packer: Packer, sendcloud: FakeSendcloud, database: asyncpg.Connection
) -> None:
    await packer.with_sendcloud()
    sendcloud.most_in_a_second = 5
    found = [await packer.shipment() for _ in range(12)]
    wanted = [{"shipment_id": one["id"], "version": 1} for one in found]
    answer = await packer.ask("POST", "/v1/shipments/labels", {"shipments": wanted})
    assert {result["ok"] for result in answer.json()["results"]} == {True}

    async def bought() -> int:
        count: int = await database.fetchval("SELECT count(*) FROM labels WHERE outcome = 'bought'")
        return count

    await eventually(bought, lambda count: count == 12, seconds=30)
    assert len({body["external_reference_id"] for body in sendcloud.announced}) == 12
    assert len(sendcloud.announced) == 12


async def test_what_no_label_can_be_made_of_is_refused_with_a_pointer(
    packer: Packer, make_token: Callable[..., str]
) -> None:
    await set_rules(packer.client, packer.headers)
    one = await packer.shipment()
    without = await packer.buy(one)
    assert (without.status_code, without.json()["code"]) == (409, "no_carrier_account")
    await packer.with_sendcloud()
    again = {"carrier": "correos", "name": "Again", "settings": {"kind": "manual"}}
    twice = await packer.ask("POST", "/v1/carrier-accounts", again)
    assert (twice.status_code, twice.json()["code"]) == (409, "carrier_account_exists")
    bad = await packer.shipment(payload=payload(zip="1", city=""))
    refused = await packer.buy(bad)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert {flaw["pointer"] for flaw in refused.json()["errors"]} == {
        "/shipping_address/zip", "/shipping_address/city",
    }  # fmt: skip
    brand = as_account(make_token, BRAND, "brand")
    not_theirs = await packer.ask(
        "POST", f"/v1/shipments/{one['id']}/label", {"version": 1}, headers=brand
    )
    assert (not_theirs.status_code, not_theirs.json()["code"]) == (403, "not_owner")
    inside = {
        "carrier": "x",
        "name": "x",
        "settings": {"kind": "http", "url": "https://u:p@x.example"},
    }
    flawed = await packer.ask("POST", "/v1/carrier-accounts", inside)
    assert flawed.json()["errors"][0]["pointer"] == "/settings/url"


async def test_an_accounts_own_system_is_asked_signed_and_says_where_parcels_are(
    packer: Packer,
) -> None:
    seen: list[tuple[str, bytes, dict[str, str]]] = []
    pending = [True]

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        seen.append((request.method, body, dict(request.headers)))
        if request.method == "POST" and pending:
            pending.clear()
            return web.json_response({}, status=202)
        label = {"format": "zpl", "content": base64.b64encode(b"^XA^FDhi^XZ").decode()}
        parcel = {"id": "p1", "tracking_number": "OWN1", "documents": [label]}
        return web.json_response({"id": "own-1", "parcels": [parcel]})

    app = web.Application()
    app.router.add_route("*", "/api/labels{rest:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        account = await packer.with_account(kind="http", url=f"http://127.0.0.1:{port}/api/")
        one = await packer.shipment()
        await packer.buy(one)
        bought = await packer.until(one, "bought")
    finally:
        await runner.cleanup()
    assert bought["parcels"][0]["tracking_number"] == "OWN1"
    assert [method for method, _, _ in seen] == ["POST", "GET"]
    method, body, headers = seen[0]
    lower = {name.lower(): value for name, value in headers.items()}
    sent = Webhook(account["secret"]).verify(body.decode(), lower)
    assert (method, sent["reference"], sent["to"]["name"]) == (
        "POST",
        lower["idempotency-key"],
        MARK,
    )
    assert sent["items"][0]["quantity"] == 2
    printed = await packer.ask("GET", "/v1/shipments/labels.zpl", params={"shipment_id": one["id"]})
    assert printed.content == b"^XA^FDhi^XZ"
    word = orjson.dumps({"parcels": [{"tracking_number": "OWN1", "status": "in_transit"}]})
    at = int(time.time())
    signed = Webhook(account["secret"]).sign("w1", datetime.fromtimestamp(at, UTC), word.decode())
    heard = await packer.client.post(
        f"/webhooks/carriers/{account['id']}", content=word,
        headers={"webhook-id": "w1", "webhook-timestamp": str(at), "webhook-signature": signed,
                 "content-type": "application/json"},
    )  # fmt: skip
    assert (heard.status_code, heard.json()) == (200, {"known": 1})
    assert (await packer.until(one, "bought"))["status"] == "shipped"
