"""Stores: connected, tried out, proven and mended; and a 3PL in its brand's name."""

import re

import httpx
import pytest

from tests.kit.client import PASSWORD, Api, Party
from tests.kit.screens import Console, Page, Screens
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]
TYPED = "<script>alert(1)</script>"


async def at(console: Console, party: Party, language: str = "en") -> Screens:
    browser = console.browser(language)
    await browser.log_in(party.email, PASSWORD)
    return browser


async def test_a_store_is_added_connected_tried_and_mended(everything: Accounts) -> None:
    console, api = everything
    browser = await at(console, await api.sign_up("brand"))
    empty = await browser.open("/stores")
    assert "No store yet" in empty.text
    form = await browser.open("/stores/add")
    wrong = await browser.submit(form, "/stores/add", store_url=TYPED, platform="custom")
    assert (wrong.status, TYPED in wrong.html) == (422, False)
    assert 'id="f-store_url-wrong"' in wrong.html
    store = await browser.submit(
        wrong, "/stores/add", store_url="https://casa-ruiz.example", platform="custom"
    )
    assert "The store is here." in store.text
    path = store.path
    assert f"http://ingest/v1{path}/orders" in store.html
    keyed = await browser.submit(store, f"{path}/keys")
    key = _key(keyed)
    assert key not in (await browser.open(path)).html

    async def is_known() -> Page:
        return await browser.open(path)

    await eventually(is_known, lambda page: "No order has come so far." in page.text)
    tried = await browser.send(f"{path}/test-order", {})
    assert "The test order is on its way." in tried.text

    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=console.apis, base_url="http://ingest") as ingest:

        async def send_nonsense() -> int:
            sent = await ingest.post(f"/v1{path}/orders", content=TYPED.encode(), headers=headers)
            return sent.status_code

        await eventually(send_nonsense, lambda status: status == 202)
    waiting = await browser.open(f"{path}/quarantine")
    (entry,) = {link for link in waiting.links if re.search(r"/quarantine/[0-9a-f-]{36}$", link)}
    shown = await browser.open(entry)
    assert TYPED in shown.text
    assert TYPED not in shown.html
    again = await browser.submit(shown, f"{entry}/replay")
    assert again.status == 422
    every = await browser.submit(waiting, f"{path}/quarantine/replay")
    assert "1 still is not." in every.text
    dropped = await browser.submit(shown, f"{entry}/drop")
    assert "The quarantine is empty" in dropped.text

    listed = await browser.open("/stores")
    assert "casa-ruiz.example" in listed.text
    revoke = re.search(rf"{path}/keys/[0-9a-f-]{{36}}/revoke", keyed.html)
    assert revoke
    revoked = await browser.submit(keyed, revoke[0])
    assert revoke[0] not in revoked.html
    # Nobody else sees any of it.
    stranger = await at(console, await api.sign_up("brand"))
    for page in (path, f"{path}/proof", f"{path}/payments", f"{path}/quarantine", entry):
        assert (await stranger.open(page)).status == 404, page


async def test_shopify_is_connected_by_its_secret_rules_are_kept_and_the_proof_is_looked_for(
    accounts: Accounts,
) -> None:
    console, api = accounts
    _, brand, added = await api.connected()
    path = f"/stores/{added['store']['id']}"
    browser = await at(console, brand, "es")
    page = await browser.open(path)
    assert f"http://ingest/webhooks/shopify/{added['store']['id']}" in page.html
    assert "Ahora no se sabe" in page.text
    short = await browser.send(f"{path}/keys", {"kind": "shopify", "key": "k1", "secret": "short"})
    assert short.status == 422
    assert 'id="f-secret-wrong"' in short.html
    assert 'value="short"' not in short.html
    saved = await browser.send(
        f"{path}/keys", {"kind": "shopify", "key": "k2", "secret": "shpss_0123456789"}
    )
    assert "Secreto de Shopify" in saved.text
    assert "shpss_0123456789" not in saved.html

    rules = await browser.open(f"{path}/payments")
    changed = await browser.submit(
        rules,
        f"{path}/payments",
        **{
            "payment_rules/hold_unpaid": "no",
            "payment_rules/ship_unpaid_methods": "cod\r\n\r\n invoice ",
        },
    )
    assert "Vale para los pedidos que lleguen desde ahora." in changed.text
    kept = (await brand.get(f"/v1{path}"))["payment_rules"]
    assert kept == {"hold_unpaid": False, "ship_unpaid_methods": ["cod", "invoice"]}
    stale = await browser.submit(rules, f"{path}/payments")
    assert stale.status == 412

    proof = await browser.open(f"{path}/proof")
    assert "/.well-known/" in proof.text
    token = await browser.submit(proof, f"{path}/proof", way="admin_api")
    assert token.status in (409, 422)
    assert "Esto no ha funcionado" in token.text or "No ha funcionado" in token.text


async def test_a_3pl_acts_as_its_brand_until_it_stops_or_the_brand_says_no(
    everything: Accounts,
) -> None:
    console, api = everything
    three_pl, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}"
    browser = await at(console, three_pl)
    seen = await browser.open(path)
    acting = await browser.submit(seen, f"{path}/act")
    assert "You act as Acme" in acting.text
    assert 'data-until="' in acting.html
    home = await browser.open("/integrations")
    assert "Your 3PLs" in home.text
    assert f"{path}/switch" not in [form.action for form in home.forms]
    stores = await browser.open("/stores")
    assert added["store"]["domain"] in stores.text
    store = await browser.open(f"/stores/{added['store']['id']}")
    assert (store.status, "You act as Acme" in store.text) == (200, True)
    # What nobody does in somebody else's name is refused, in words.
    refused = await browser.send(f"{path}/disconnect", {"confirm": added["store"]["domain"]})
    assert refused.status == 403
    assert "This is not done in the name of somebody else." in refused.text
    stopped = await browser.submit(home, "/act/stop")
    assert stopped.path == path
    assert "You act as" not in stopped.text

    await browser.submit(stopped, f"{path}/act")
    await brand.set(added["connection"]["id"], log_in_as_brand="off")

    async def look() -> Page:
        return await browser.open("/stores")

    over = await eventually(look, lambda page: "You do not act as the brand" in page.text)
    assert over.path == "/integrations"
    no = await browser.send(f"{path}/act", {})
    assert no.status == 403
    assert "The brand does not let you act in its name here" in no.text
    stranger = await at(console, await api.three_pl())
    assert (await stranger.send(f"{path}/act", {})).status == 404


def _key(page: Page) -> str:
    found = re.search(r'<input id="c-api-key" value="([^"]+)"', page.html)
    assert found, page.text
    return found[1]
