"""Every form of every page, filled in as nobody should: the same page says what is wrong, where."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.acceptance.console.paths import pages, pages_of
from tests.kit.client import PASSWORD, Api, Party, brand_form
from tests.kit.hostile import NAME, SCRIPT, squeezed
from tests.kit.screens import Console, Form, Page, Screens
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
# What is typed into every field of a form at once.
TYPED: Mapping[str, str] = {
    "nothing": "",
    "too much": f"{SCRIPT}{'W' * 5_000}",
    "control characters": "a\x00b\x07c",
    "scripts": NAME,
}
# Answers that are right and no refusal: the form with its fields, and what was typed.
TAKEN: Mapping[str, Collection[str]] = {
    # Whether a link is good is said when its reader has chosen a password, or is sure.
    **{
        f"post /{path} token": ("too much", "control characters", "scripts")
        for path in ("confirm", "reset-password", "join", "change-email", "undo-email", "stop-mail")
    },
    # A good password, a good secret.
    "post /accept password": ("scripts",),
    "post /stores/*/keys secret": ("scripts",),
    # What is left empty stays as it is, or is none.
    "post /webhooks/endpoints/*/change description url": ("nothing",),
    "post /stores/*/payments payment_rules/ship_unpaid_methods": ("nothing", "scripts"),
    "post /orders/*/commands note": ("nothing", "scripts"),
    # Without a fallback, an order that no rule fits needs a carrier.
    "post /shipping-rules fallback/carrier fallback/service fallback/warehouse": ("nothing",),
    # A moment that is none is what the API says it is.
    "get /orders accepted_after accepted_before numbers q": ("too much", "control characters"),
    # A box may be of any size.
    "post /shipments/*/pack parcels/0/height_mm parcels/0/length_mm parcels/0/weight_grams "
    "parcels/0/width_mm": ("nothing",),
    # What is asked of the operator may be anything.
    "post /tickets/new message": ("too much", "scripts"),
    # No order was picked, whatever its note: that is said, and no field is wrong.
    "post /orders/commands note": TYPED,
}
# What never stands in a page again; a field for a day holds nothing else.
_NOT_KEPT = ("password", "date")
_REFUSED, _BROKEN = 400, 500


@dataclass
class Filled:
    """Forms that were filled in, and what was wrong with the answers."""

    browser: Screens
    wrongs: list[str] = field(default_factory=list)
    forms: set[str] = field(default_factory=set)

    async def open(self, path: str, sent: Mapping[str, str] | None = None) -> Page:
        """A page, or what a first form of it is answered with."""
        return await (self.browser.send(path, sent) if sent else self.browser.open(path))

    async def fill(self, path: str, sent: Mapping[str, str] | None = None) -> None:
        """Every form of a page, in every bad way."""
        page = await self.open(path, sent)
        assert page.status in (200, 401), (path, page.status, page.text)
        for form in page.forms:
            action = form.action.split("?")[0]
            name = f"{form.method} {_ID.sub('*', action)} {' '.join(sorted(form.texts))}"
            if not form.texts or name in self.forms:
                continue
            self.forms.add(name)
            for what, typed in TYPED.items():
                forms = (await self.open(path, sent)).forms
                fresh = next(
                    one for one in forms if one.texts == form.texts and one.action == form.action
                )
                await self._send(fresh, name, what, typed)

    async def fill_all(self, party: str, ids: Mapping[str, str]) -> None:
        """Those of all pages of a party that have these ids."""
        for path in pages_of(party):
            if set(re.findall(r"\{([a-z_]+)\}", path)) <= set(ids):
                await self.fill(path.format(**ids))

    def were_refused(self) -> None:
        """Fail with all that was wrong, whole."""
        if self.wrongs:
            pytest.fail("\n".join(self.wrongs), pytrace=False)

    async def _send(self, form: Form, name: str, what: str, typed: str) -> None:
        # An address has an end.
        typed = typed[:2_000] if form.method == "get" else typed
        answer = await self.submit(form, dict.fromkeys(form.texts, typed))
        is_right = what in TAKEN.get(name, ())
        said = [] if is_right else list(wrongs_of(answer, form, typed))
        if answer.status >= _BROKEN:
            said.append("broken")
        self.wrongs += [
            f"{name}, {what}: {one} ({answer.status} {answer.path:.80})" for one in said
        ]

    async def submit(self, form: Form, changes: Mapping[str, str]) -> Page:
        if form.method == "post":
            return await self.browser.send(form.action, form.filled(changes))
        asked = urlencode(form.filled(changes))
        answer = await self.browser.client.get(f"{form.action}?{asked}")
        return Page(answer.status_code, str(answer.url), answer.text)


def wrongs_of(answer: Page, form: Form, typed: str) -> Iterator[str]:
    """What is missing in the answer to a form that was filled in badly."""
    there = [one for one in answer.forms if one.action == form.action]
    again = next((one for one in there if one.texts == form.texts), there[0] if there else None)
    if form.method == "get" and answer.status < _REFUSED:
        return
    if answer.status < _REFUSED:
        yield "it was taken"
    elif again is None:
        yield f"another page: {answer.text[:200]}"
    else:
        yield from _unsaid(answer, again)
        yield from _lost(form, again, typed)


def _unsaid(answer: Page, again: Form) -> Iterator[str]:
    """The summary leads to each field, and the field to what is wrong with it."""
    if 'role="alert"' not in answer.html:
        yield "no summary"
    for link in re.findall(r'<li><a href="#([^"]+)"', answer.html):
        if not {link, f"{link}-wrong"} <= answer.ids:
            yield f"the summary leads nowhere: {link}"
    for name, found in again.controls.items():
        if "aria-invalid" in found and f"{found['id']}-wrong" not in found["aria-describedby"]:
            yield f"{name} is not described"


def _lost(form: Form, again: Form, typed: str) -> Iterator[str]:
    """Everything but secrets is still there."""
    for name in form.texts:
        value = dict(again.fields).get(name)
        is_kept = name != "token" and form.controls[name]["type"] not in _NOT_KEPT
        if is_kept and squeezed(value or "") != squeezed(typed):
            yield f"{name} is not kept: {value!r:.60}"


async def test_the_forms_of_getting_in(everything: tuple[Console, Api]) -> None:
    console, api = everything
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    token = {"token": f"#token={await api.mailed_token(added)}"}
    filled = Filled(console.browser())
    for path in pages(of_members=False):
        await filled.fill(path)
    for path in ("/confirm", "/reset-password", "/join"):
        await filled.fill(path, {"token": "#token=nobodys"})
    await filled.fill("/accept", token)
    filled.were_refused()


async def test_the_forms_of_a_3pl(everything: tuple[Console, Api]) -> None:
    console, api = everything
    three_pl, _, added = await api.connected()
    waiting = await three_pl.post("/v1/brands", brand_form())
    filled = Filled(console.browser())
    await filled.browser.log_in(three_pl.email, PASSWORD)
    ids = {"brand_id": waiting["id"], "connection_id": added["connection"]["id"]}
    ids |= {"list_id": await a_price_list(console, three_pl)}
    await filled.fill_all("three_pl", ids)
    filled.were_refused()


async def test_the_forms_of_a_brand(everything: tuple[Console, Api]) -> None:
    console, api = everything
    _, brand, added = await api.connected()
    ids = {"store_id": added["store"]["id"], "connection_id": added["connection"]["id"]}
    filled = Filled(console.browser())
    await filled.browser.log_in(brand.email, PASSWORD)
    form = await filled.browser.open("/webhooks/add")
    made = await filled.browser.submit(form, "/webhooks/add", url="http://127.0.0.1:9/nobody")
    endpoint = re.search(r"/webhooks/endpoints/([0-9a-f-]{36})", made.html)
    assert endpoint, made.text
    ids |= {"endpoint_id": endpoint[1], "order_id": await an_order(console, brand, ids["store_id"])}
    ids["shipment_id"] = await a_shipment(filled.browser, ids["order_id"])
    ids["carrier_account_id"] = await a_carrier_account(filled.browser)
    await filled.fill_all("brand", ids)
    filled.were_refused()


async def a_price_list(console: Console, three_pl: Party) -> str:
    """The id of a list of the 3PL."""
    prices = {"weight_bands": [{"up_to_grams": 1000, "amount": "1"}], "carriers": {"seur": "1"}}
    body = {"name": "Usual", "currency": "EUR", "prices": prices}
    as_three_pl = {"authorization": f"Bearer {three_pl.token}"}
    async with httpx.AsyncClient(transport=console.apis) as client:
        url = "http://fulfilment/v1/price-lists"
        made = await client.post(url, json=body, headers=as_three_pl)
        return str(made.json()["id"])


async def an_order(console: Console, brand: Party, store: str) -> str:
    """The id of a test order of the store."""
    as_brand = {"authorization": f"Bearer {brand.token}"}
    async with httpx.AsyncClient(transport=console.apis) as client:

        async def listed() -> list[Any]:
            await client.post(f"http://ingest/v1/stores/{store}/test-order", headers=as_brand)
            found = await client.get("http://routing/v1/orders", headers=as_brand)
            orders: list[Any] = found.json().get("data", [])
            return orders

        return str((await eventually(listed))[0]["id"])


async def a_shipment(browser: Screens, order: str) -> str:
    """The id of the shipment of an order that is worked now; its page says so."""
    at = f"/orders/{order}"
    await browser.submit(await browser.open(at), f"{at}/commands", command="process")

    async def shipments() -> list[str]:
        return re.findall(r"/shipments/([0-9a-f-]{36})", (await browser.open(at)).html)

    return (await eventually(shipments))[0]


async def a_carrier_account(browser: Screens) -> str:
    """The id of an account with Sendcloud."""
    add = "/account/carriers/add"
    keys = {"settings__public_key": "p", "settings__secret_key": "s"}
    made = await browser.submit(
        await browser.open(add), add, carrier="x", name="x", settings__sender_address_id="7", **keys
    )
    return made.path.rpartition("/")[2]
