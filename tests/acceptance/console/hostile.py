"""A world in which everybody writes what would like to be a script, into every field there is."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
from aiohttp import web

from relevo.local.stack import Stack
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.hostile import EVERYTHING, LOCAL_PART, NAME, SCRIPT, TEMPLATE, URL_PATH
from tests.kit.mailbox import Folder
from tests.kit.receiver import ReceivedWebhook, Receiver
from tests.kit.waiting import eventually


@dataclass
class Hostile:
    """Who is there, what to look at, and what was written into which field."""

    stack: Stack
    client: httpx.AsyncClient
    api: Api
    receiver: Receiver
    written: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    def name(self, of: str) -> str:
        """Something for a field of a name."""
        return self.keep(of, f"{of}~{NAME}")

    def text(self, of: str) -> str:
        """Something for a field that takes anything."""
        return self.keep(of, f"{of}~{EVERYTHING}")

    def keep(self, of: str, text: str) -> str:
        """What stands in a field."""
        self.written[of] = text
        return text

    async def send(self, service: str, method: str, path: str, token: str, body: Any) -> Any:
        """A call of an API that succeeds."""
        sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = await self.client.request(
            method,
            f"{self.stack.urls[service]}{path}",
            headers={"authorization": f"Bearer {token}"},
            **sent,
        )
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    async def first(self, service: str, path: str, token: str) -> Json:
        """The first of a list, once there is one."""
        headers = {"authorization": f"Bearer {token}"}

        async def found() -> list[Json]:
            answer = await self.client.get(f"{self.stack.urls[service]}{path}", headers=headers)
            listed: list[Json] = answer.json().get("data", [])
            return listed

        return (await eventually(found, seconds=30))[0]


async def answers_with_scripts(_: ReceivedWebhook) -> web.Response:
    """What a receiver says; it did not take the webhook."""
    return web.Response(status=500, text=f"answer~{EVERYTHING}", headers={"x-scripted": SCRIPT})


async def hand_back(world: Hostile) -> None:
    """The 3PL switches the connection off, and the order goes back to the brand."""
    three_pl = await world.api.log_in(world.ids["three_pl"])
    connection = world.ids["connection_id"]
    await three_pl.post(f"/v1/connections/{connection}/deactivate")
    await world.first("routing", "/v1/orders/handed-back", three_pl.token)
    path = f"/v1/handovers?connection={connection}"
    world.ids["handover"] = (await world.first("routing", path, three_pl.token))["id"]


async def sign_up(world: Hostile, kind: str, name: str) -> Party:
    email = f"{uuid4().hex[:8]}{LOCAL_PART}@relevo.test"
    form = {"kind": kind, "name": name, "email": email}
    answer = await world.client.post("/v1/accounts", json=form)
    assert answer.status_code == 202, answer.text
    return await world.api.confirm(email)


async def hostile_world(stack: Stack, client: httpx.AsyncClient, receiver: Receiver) -> Hostile:
    """A 3PL and a brand, connected; an order on hold, and one that came without a number."""
    world = Hostile(
        stack, client, Api(client, stack.operator_key, Folder(stack.mail_folder)), receiver
    )
    receiver.answer = answers_with_scripts
    three_pl = await sign_up(world, "three_pl", world.name("three_pl"))
    assert (await world.api.set_plan(three_pl.id, "conquer")).status_code == 200
    added = await three_pl.post("/v1/brands", the_brand(world))
    brand, _ = await world.api.accepted(added)
    world.ids |= {
        "three_pl": three_pl.email,
        "brand": brand.email,
        "brand_id": added["id"],
        "store_id": added["store"]["id"],
        "connection_id": added["connection"]["id"],
    }
    url = world.keep("webhook_url", f"{receiver.url}{URL_PATH}")
    changed = await three_pl.set(added["connection"]["id"], webhook_url=url)
    assert changed.is_success, changed.text
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    client_ = {"name": world.name("api_client"), "scopes": ["orders:read"]}
    await three_pl.post("/v1/api-clients", client_)
    waiting = await three_pl.post("/v1/brands", the_brand(world))
    await world.api.mailed_token(waiting)
    world.ids |= {"waiting_brand": waiting["id"], "waiting_at": waiting["contact"]["email"]}
    world.ids["shared_link"] = waiting["login_link"]["url"]
    await of_the_brand(world, brand, await sign_up(world, "three_pl", world.name("blocked")))
    await orders(world, three_pl, brand)
    return world


def the_brand(world: Hostile) -> Json:
    form = brand_form()
    contact = {**form["contact"], "name": world.name("contact")}
    lines = ("name", "address1", "address2", "city", "zip", "region")
    warehouse = {one: world.name(f"warehouse_{one}") for one in lines} | {"country": "ES"}
    name = f"{uuid4().hex[:8]}{LOCAL_PART}@relevo.test"
    return {
        **form,
        "platform": "custom",
        "contact": contact | {"email": world.keep("contact_email", name)},
        "company_name": world.name("company"),
        "warehouse": warehouse,
        "priorities_note": world.text("priorities_note"),
    }


async def of_the_brand(world: Hostile, brand: Party, blocked: Party) -> None:
    """What a brand alone has."""
    store = world.ids["store_id"]
    at = (await brand.get(f"/v1/stores/{store}"))["version"]
    rules = {"hold_unpaid": False, "ship_unpaid_methods": [world.name("payment_method")]}
    path = f"/v1/stores/{store}"
    await brand.call("PATCH", path, {"payment_rules": rules}, {"if-match": f'"{at}"'})
    words = {"store_id": store, "own_words": world.name("own_words"), "language": "en"}
    asked = {"email": world.keep("invited", f"{uuid4().hex[:8]}{LOCAL_PART}@relevo.test")}
    await brand.post("/v1/invitations", words | asked)
    await brand.call("PUT", f"/v1/blocks/{blocked.id}")
    endpoint = {
        "url": world.keep("endpoint_url", f"{world.receiver.url}/2{URL_PATH}"),
        "event_types": ["order.created"],
        "description": world.name("endpoint"),
    }
    made = await world.send("webhooks", "POST", "/v1/endpoints", brand.token, endpoint)
    world.ids["endpoint_id"] = made["id"]


async def orders(world: Hostile, three_pl: Party, brand: Party) -> None:
    """From the store to the 3PL, with a hold; and what nobody understands."""
    store = world.ids["store_id"]
    key = (await brand.post(f"/v1/stores/{store}/credentials", {"kind": "api_key"}))["secret"]
    path = f"/v1/stores/{store}/orders"
    headers = {"authorization": f"Bearer {key}"}

    async def sent() -> int:
        url = f"{world.stack.urls['ingest']}{path}"
        answer = await world.client.post(url, json=the_order(world), headers=headers)
        assert answer.status_code in (202, 401), answer.text
        return answer.status_code

    preview = f"/v1/handovers/preview?connection={world.ids['connection_id']}"

    async def state() -> Any:
        headers = {"authorization": f"Bearer {three_pl.token}"}
        url = f"{world.stack.urls['routing']}{preview}"
        return (await world.client.get(url, headers=headers)).json().get("state")

    await eventually(state, lambda found: found == "active")
    await eventually(sent, lambda status: status == 202)
    await world.send("ingest", "POST", path, key, world.text("quarantine").encode())
    found = await world.first("routing", "/v1/orders", three_pl.token)
    world.ids["order_id"] = found["id"]
    hold = {"version": found["version"], "kind": "stock", "note": world.text("hold_note")}
    await world.send("routing", "POST", f"/v1/orders/{found['id']}/hold", three_pl.token, hold)
    for party, who in ((three_pl, "three_pl"), (brand, "brand")):
        # The brand sees those to its 3PL as well, and not that endpoint.
        own = f"&endpoint={world.ids['endpoint_id']}" if who == "brand" else ""
        failed = await world.first("webhooks", f"/v1/deliveries?state=retrying{own}", party.token)
        world.ids[f"{who}_delivery"] = failed["id"]
        world.ids[f"{who}_endpoint"] = failed["endpoint_id"]
    await ticket(world, brand)
    await fees(world, three_pl, brand)
    await shipment(world, three_pl, brand, key)
    kept = await world.first("ingest", f"/v1/quarantine?store={store}", brand.token)
    world.ids["entry"] = kept["id"]


async def ticket(world: Hostile, brand: Party) -> None:
    """Of the brand, about the order, with a file; read by both."""
    lines = ("name", "address1", "address2", "city", "zip")
    place = {one: world.name(f"ticket_{one}") for one in lines} | {"country_code": "ES"}
    form = {
        "order_id": world.ids["order_id"], "category": "address",
        "fields": {"correct_address": place}, "message": world.text("ticket_message"),
    }  # fmt: skip
    url = f"{world.stack.urls['fulfilment']}/v1/tickets"
    headers = {"authorization": f"Bearer {brand.token}"}

    async def made() -> httpx.Response:
        return await world.client.post(url, json=form, headers=headers)

    answer = await eventually(made, lambda found: found.status_code != 404)
    assert answer.status_code == 201, answer.text
    world.ids["ticket_id"] = answer.json()["id"]
    path = f"/v1/tickets/{world.ids['ticket_id']}"
    name = quote(world.keep("ticket_file", f"ticket_file~{SCRIPT}"))
    await world.send("fulfilment", "POST", f"{path}/attachments?name={name}", brand.token, b"words")
    await world.send("fulfilment", "POST", f"{path}/open", brand.token, None)


async def fees(world: Hostile, three_pl: Party, brand: Party) -> None:
    """Prices of the 3PL and of the platform, and what the brand asks about them."""
    prices = {"per_order": "1", "carriers": {"seur": "1"}}
    for of, token, charged in (
        ("platform_list", world.stack.operator_key, three_pl), ("price_list", three_pl.token, brand)
    ):  # fmt: skip
        name = world.keep(of, f"{of}~{SCRIPT}")
        body = {"name": name, "currency": "EUR", "prices": prices, "charged_account": charged.id}
        made = await world.send("fulfilment", "POST", "/v1/price-lists", token, body)
    world.ids["list_id"] = made["id"]
    asked = {"category": "billing", "message": world.text("help_message")}
    made = await world.send("fulfilment", "POST", "/v1/tickets", brand.token, asked)
    world.ids["help_id"] = made["id"]
    await world.send("fulfilment", "POST", f"/v1/tickets/{made['id']}/open", brand.token, None)


async def shipment(world: Hostile, three_pl: Party, brand: Party, key: str) -> None:
    """Of another order, on its way by a carrier that somebody chose; and accounts with carriers."""
    path = f"/v1/stores/{world.ids['store_id']}/orders"
    order = the_order(world) | {"external_id": "2"}
    # What others pack needs no shipment.
    del order["lines"][0]["fulfilled_by"]
    await world.send("ingest", "POST", path, key, order)
    one = await world.first("routing", "/v1/orders?status=open", three_pl.token)
    path = f"/v1/orders/{one['id']}/process"
    await world.send("routing", "POST", path, three_pl.token, {"version": one["version"]})
    path = f"/v1/shipments?order_id={one['id']}"
    found = await world.first("fulfilment", path, three_pl.token)
    world.ids["shipment_id"] = found["id"]
    tokens = {"three_pl": three_pl.token, "brand": brand.token}
    path = f"/v1/shipments/{found['id']}"
    way = {"carrier": "x", "warehouse": world.name("shipping_warehouse")}
    body = {"version": found["version"], "shipping": way}
    rules_of = tokens[found["rules_of"]]
    now = await world.send("fulfilment", "POST", f"{path}/carrier", rules_of, body)
    parcel = {
        "tracking_number": world.keep("tracking", f"tracking~{SCRIPT}{TEMPLATE}"),
        "tracking_url": f"https://carrier.example{URL_PATH}", "status": "in_transit",
    }  # fmt: skip
    body = {"version": now["version"], "parcels": [parcel]}
    await world.send("fulfilment", "POST", f"{path}/tracking", three_pl.token, body)
    for who, token in tokens.items():
        name = world.keep(f"{who}_carrier", f"{who}_carrier~{SCRIPT}{TEMPLATE}")
        account = {"carrier": "x", "name": name, "settings": {"kind": "manual"}}
        made = await world.send("fulfilment", "POST", "/v1/carrier-accounts", token, account)
        world.ids[f"{who}_carrier_account"] = made["id"]


def the_order(world: Hostile) -> Json:
    def address(of: str) -> Json:
        names = (
            "name", "company", "address1", "address2", "city", "province", "zip", "country",
            "phone",
        )  # fmt: skip
        return {name: world.text(f"{of}_{name}") for name in names}

    line = {name: world.text(f"line_{name}") for name in ("sku", "title", "variant_title")}
    line |= {"fulfilled_by": world.text("line_fulfilled_by")}
    return {
        "external_id": world.keep("external_id", f"external_id~{SCRIPT}"),
        "number": world.text("number"),
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
        "currency": "EUR",
        "total": "29.90",
        "email": world.text("email"),
        "phone": world.text("phone"),
        "customer": {"name": world.text("customer")},
        "shipping_address": address("to"),
        "lines": [
            {"quantity": 2, "price": "1.00", "properties": {SCRIPT: EVERYTHING}, **line},
        ],
        "shipping_lines": [{"title": world.text("shipping"), "code": EVERYTHING}],
        "tags": [world.text("tag")],
        "note": world.text("note"),
        "attributes": {SCRIPT: EVERYTHING},
        "financial_status": world.text("financial"),
        "payment_methods": [EVERYTHING],
    }
