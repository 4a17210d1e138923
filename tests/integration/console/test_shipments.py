"""Shipments in the browser: which need a carrier, one packed, labelled, printed and sent; many."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from shared.contracts.order import Order
from tests.integration.fulfilment.test_shipments import RULES, Shop, set_rules, shipments_of
from tests.kit.builders import NOON
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.publishers import Topics
from tests.kit.screens import Console, Page, Screens
from tests.kit.sendcloud import A_PDF, KEYS, FakeSendcloud
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"


@dataclass
class Desk:
    """A 3PL and its brand at the console, with `fulfilment`, the log and a carrier behind it."""

    console: Console
    three_pl: Party
    brand: Party
    client: httpx.AsyncClient
    shop: Shop
    sendcloud: FakeSendcloud

    async def at(self, party: Party, language: str = "en") -> Screens:
        browser = self.console.browser(language)
        await browser.log_in(party.email, PASSWORD)
        return browser

    def headers(self, party: Party) -> dict[str, str]:
        return {"authorization": f"Bearer {party.token}"}

    async def with_carrier(self) -> None:
        """Rules that choose Sendcloud for Spain, and the account with it."""
        await set_rules(self.client, self.headers(self.three_pl), RULES)
        settings = {
            "kind": "sendcloud", "sender_address_id": 7, "public_key": KEYS[0],
            "secret_key": KEYS[1],
        }  # fmt: skip
        body = {"carrier": "correos", "name": "Ours", "settings": settings}
        answer = await self.client.post(
            "/v1/carrier-accounts", json=body, headers=self.headers(self.three_pl)
        )
        assert answer.status_code == 201, answer.text

    async def shipment(self, number: str, country: str = "ES") -> dict[str, Any]:
        """The shipment of an order that the 3PL has begun to work."""
        order_id = await self.shop.worked(**self.order(number, country))
        (one,) = await shipments_of(self.client, self.headers(self.three_pl), order_id)
        return one

    def order(self, number: str, country: str = "ES", mugs: int = 2) -> dict[str, Any]:
        """What routing tells of an order."""
        order = Order.model_validate(
            {
                "external_id": number, "number": number, "created_at": NOON, "updated_at": NOON,
                "currency": "EUR", "total": "10.00", "email": "zoe@example.com",
                "shipping_address": {
                    "country_code": country, "name": TYPED, "address1": "Calle Mayor 1",
                    "city": "Madrid", "zip": "28013", "province_code": "M",
                },
                "lines": [
                    {"id": "7", "title": f"Mug {TYPED}", "sku": "MUG", "quantity": mugs,
                     "price": "4.00", "grams": 300},
                    {"id": "8", "title": "Tea", "quantity": 1, "price": "1", "grams": 50},
                ],
            }
        )  # fmt: skip
        return {
            "payload": order.model_dump_json(), "number": number, "external_id": number,
            "three_pl_id": self.three_pl.id, "brand_id": self.brand.id,
        }  # fmt: skip


@pytest.fixture
async def desk(
    service_settings: dict[str, str],
    kafka: str,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Desk]:
    async with FakeSendcloud() as sendcloud, Topics(kafka, topic_prefix) as topics:
        monkeypatch.setenv("RELEVO_FULFILMENT_SENDCLOUD_URL", sendcloud.url)
        monkeypatch.setenv("RELEVO_FULFILMENT_LABEL_POLL_SECONDS", "0.1")
        connections = create_connections(ConnectionsSettings())
        fulfilment = create_fulfilment(FulfilmentSettings())
        apps = {"connections": connections, "fulfilment": fulfilment}
        async with (
            running(connections) as client,
            running(fulfilment) as other,
            Console.of(apps) as console,
        ):
            await ready(client)
            await ready(other)
            api = Api.of(client, service_settings)
            three_pl, brand = await api.three_pl(), await api.sign_up("brand")
            yield Desk(console, three_pl, brand, other, Shop(topics), sendcloud)


async def until(browser: Screens, path: str, words: str) -> Page:
    """The page once it says so."""
    return await eventually(lambda: browser.open(path), lambda page: words in page.text)


async def test_one_is_packed_labelled_printed_followed_and_sent(desk: Desk) -> None:
    await desk.with_carrier()
    one = await desk.shipment("#1001")
    at = f"/shipments/{one['id']}"
    browser = await desk.at(desk.three_pl)
    seen = await browser.open(at)
    assert "<script>alert" not in seen.html
    for words in (f"Mug {TYPED}", "MUG", TYPED, "correos · paq24", "rule 1, Spain", "650 g"):
        assert words in seen.text, words
    assert f"/shipping-rules?order={one['order_id']}" in seen.links

    # Its boxes: one more by a button, what is wrong beside its field, and who was second is told.
    more = await browser.submit(seen, f"{at}/pack", do="more", parcels__0__weight_grams="350")
    wrong = await browser.submit(
        more, f"{at}/pack", parcels__0__length_mm="long", parcels__1__weight_grams="0"
    )
    assert wrong.status == 422
    assert {"f-parcels-0-length_mm-wrong", "f-parcels-1-weight_grams-wrong"} <= wrong.ids
    assert ("parcels/0/weight_grams", "350") in wrong.form(f"{at}/pack").fields
    fixed = {"parcels__0__length_mm": "300", "parcels__1__weight_grams": "300"}
    packed = await browser.submit(wrong, f"{at}/pack", **fixed)
    assert (packed.status, "The boxes are saved." in packed.text) == (200, True)
    late = await browser.submit(wrong, f"{at}/pack", **fixed)
    assert (late.status, "Somebody else has changed this" in late.text) == (409, True)
    # Nothing of it by itself, all of it, and more than there is.
    for typed, words in (
        ({}, "Fill this in."), ({"lines__0__quantity": "3"}, "There are not so many: 2 at most."),
        ({"lines__0__quantity": "2", "lines__1__quantity": "1"}, "Leave something in"),
        ({"lines__1__quantity": "x"}, "Write a number."),
    ):  # fmt: skip
        refused = await browser.submit(packed, f"{at}/split", **typed)
        assert (refused.status, words in refused.text) == (422, True), (words, refused.text)
    assert "f-lines-1-quantity-wrong" in refused.html
    split = await browser.submit(refused, f"{at}/split", lines__1__quantity="1")
    both = await browser.open(f"/shipments?order_id={one['order_id']}")
    assert both.html.count('name="pick"') == 2

    asked = await browser.submit(split, f"{at}/buy")
    assert "The carrier is being asked." in asked.text
    bought = await until(browser, at, "Print the label of box 2")
    assert "It costs €5.20." in bought.text
    assert "https://tracking.example/SC00011" in bought.links
    assert bought.html.count('rel="noopener noreferrer"') == 2
    file = await browser.client.get(f"{at}/label/1.pdf")
    assert (file.content, file.headers["x-content-type-options"]) == (A_PDF, "nosniff")
    assert {form.action for form in bought.forms} >= {f"{at}/give-back", f"{at}/ship"}
    assert f"{at}/pack" not in [form.action for form in bought.forms]

    # The store changes the order meanwhile.
    await desk.shop.tell(UUID(one["order_id"]), 3, "processing", **desk.order("#1001", mugs=1))
    bought = await until(browser, at, "Look at the order before it leaves")

    # The brand reads it, and has nothing to press.
    brand = await desk.at(desk.brand, "es")
    read = await brand.open(at)
    assert "Envío del pedido #1001" in read.text
    assert not [form for form in read.forms if form.action.startswith(at)]

    desk.sendcloud.cancel_answer = (409, "")
    await browser.submit(bought, f"{at}/give-back")
    kept = await until(browser, at, "The carrier says: It has left already")
    bad = await browser.submit(kept, f"{at}/track", parcels__1__tracking_url="javascript:x")
    assert (bad.status, "f-parcels-1-tracking_url-wrong" in bad.html) == (422, True)
    told = await browser.submit(
        bad, f"{at}/track", parcels__1__tracking_url="", parcels__1__tracking_number=TYPED,
        parcels__1__status="pre_transit",
    )  # fmt: skip
    assert (TYPED in told.text, "announced" in told.text) == (True, True)
    left = await browser.submit(told, f"{at}/ship")
    actions = [form.action for form in left.forms if form.action.startswith(at)]
    assert ("It is shipped." in left.text, actions) == (True, [f"{at}/track"])


async def test_many_are_labelled_printed_and_sent_and_what_was_refused_is_told(desk: Desk) -> None:
    await desk.with_carrier()
    first, second = await desk.shipment("#1"), await desk.shipment("#2")
    lost = await desk.shipment("#3", "FR")
    browser = await desk.at(desk.three_pl)
    count = await browser.open("/shipments/waiting")
    assert (count.text, "<html" in count.html) == (
        "1 1 shipment needs a carrier",
        False,
    )
    seen = await browser.open("/shipments")
    assert re.search(r"Needs a carrier 1 To pack 2 Labelled 0 Shipped All", seen.text), seen.text
    for words in ("correos · paq24", "650 g", "#1", "#2"):
        assert words in seen.text, words
    nothing = await browser.submit(seen, "/shipments/commands", command="buy")
    assert (nothing.status, "Select shipments first" in nothing.text) == (422, True)
    picks = {one["id"]: f"{one['id']}:{one['version']}:{one['number']}" for one in (first, second)}
    for one in picks.values():
        assert one in seen.html
    early = await browser.submit(
        seen, "/shipments/commands", command="print", pick=list(picks.values())
    )
    assert (early.status, "None of these has a label to print yet." in early.text) == (409, True)

    stale = picks[second["id"]].replace(":1:", ":9:")
    both = [picks[first["id"]], stale, f"{lost['id']}:{lost['version']}:{TYPED}"]
    result = await browser.submit(seen, "/shipments/commands", command="buy", pick=both)
    assert "Asked for: 1." in result.text
    assert "Not changed: 2" in result.text
    assert "Somebody else has changed this" in result.text
    assert "it is needs_carrier" in result.text
    assert "<script>alert" not in result.html
    printed = next(one for one in result.links if one.startswith("/shipments/labels.pdf?"))
    labelled = await until(browser, "/shipments?tab=labelled", "order #1 Open")

    async def file() -> httpx.Response:
        return await browser.client.get(printed)

    pdf = await eventually(file, lambda answer: answer.status_code == 200)
    assert pdf.content.startswith(b"%PDF")
    now = re.search(rf"{first['id']}:\d+:#1", labelled.html)
    assert now, labelled.html
    sure = await browser.submit(labelled, "/shipments/commands", command="ship", pick=[now[0]])
    assert "This cannot be undone here." in sure.text
    sent = await browser.submit(sure, "/shipments/commands", pick=[now[0]])
    assert "Done: 1" in sent.text
    assert f"/shipments/{first['id']}" in (await browser.open("/shipments?tab=shipped")).links
    wrong = await browser.open("/shipments?label=nonsense")
    assert (wrong.status, "f-label-wrong" in wrong.html) == (422, True)


async def test_a_carrier_is_chosen_by_a_person_and_by_changed_rules_again(desk: Desk) -> None:
    await desk.with_carrier()
    lost = await desk.shipment("#3", "FR")
    browser = await desk.at(desk.three_pl)
    # Whose rules count chooses; then it is to be packed.
    at = f"/shipments/{lost['id']}"
    needs = await browser.open(at)
    bad = await browser.submit(needs, f"{at}/choose", shipping__carrier="No Carrier")
    assert (bad.status, "Small letters, digits" in bad.text) == (422, True)
    assert ("shipping/carrier", "No Carrier") in bad.form(f"{at}/choose").fields
    chosen = await browser.submit(bad, f"{at}/choose", shipping__carrier="dhl")
    assert ("The carrier is chosen." in chosen.text, "a person" in chosen.text) == (True, True)
    none = await browser.submit(chosen, f"{at}/buy")
    assert (none.status, "add a carrier account" in none.text) == (409, True)
    assert (await browser.open("/shipments/waiting")).text == ""

    # Changed rules choose again for what waits, after a look; what a person chose stays.
    await desk.shipment("#2")
    await desk.shipment("#4", "FR")
    spain, fallback = RULES["rules"][0], {"carrier": "gls"}
    changed = {"rules": [{**spain, "then": {"carrier": "seur"}}], "fallback": fallback}
    await set_rules(desk.client, desk.headers(desk.three_pl), changed)
    rules = await browser.open("/shipping-rules")
    looked = await browser.submit(rules, "/shipping-rules/reapply")
    assert "2 would be carried otherwise. Nothing was changed. 0 of them" in looked.text
    assert "#2 correos · paq24 seur #4 needs a carrier gls" in looked.text
    assert "gls" not in (await browser.open("/shipments")).text
    applied = await browser.submit(looked, "/shipping-rules/reapply")
    assert "2 are carried otherwise now." in applied.text
    assert "gls" in (await browser.open("/shipments")).text
    assert "dhl" in (await browser.open("/shipments")).text
