"""One connection: switching it, what goes back, its settings, history, and its end."""

import re
from typing import Any

import httpx
import pytest

from relevo.demo.story import generic_order
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.receiver import Receiver
from tests.kit.screens import Console, Page, Screens
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]
TYPED = "<script>alert(1)</script>"


async def at(console: Console, party: Party, language: str = "en") -> Screens:
    browser = console.browser(language)
    await browser.log_in(party.email, PASSWORD)
    return browser


async def send_orders(console: Console, brand: Party, store_id: str, count: int) -> None:
    """Orders of the store, as its own system would send them."""
    made = await brand.post(f"/v1/stores/{store_id}/credentials", {"kind": "api_key"})
    headers = {"authorization": f"Bearer {made['secret']}"}
    async with httpx.AsyncClient(transport=console.apis, base_url="http://ingest") as ingest:

        async def is_known() -> bool:
            return (await ingest.get(f"/v1/stores/{store_id}", headers=headers)).is_success

        await eventually(is_known)
        orders = [generic_order(f"G-{number}") for number in range(count)]
        sent = await ingest.post(f"/v1/stores/{store_id}/orders", json=orders, headers=headers)
        assert sent.status_code == 202, sent.text


async def routing_says(
    console: Console, three_pl: Party, added: dict[str, Any], **wanted: object
) -> bool:
    """Whether routing has heard so much of a connection."""
    url = f"/v1/handovers/preview?connection={added['connection']['id']}"
    headers = {"authorization": f"Bearer {three_pl.token}"}
    async with httpx.AsyncClient(transport=console.apis, base_url="http://routing") as routing:
        answer = await routing.get(url, headers=headers)
    return answer.is_success and answer.json() | wanted == answer.json()


async def test_switching_off_shows_what_goes_back_and_then_how_far_it_is(
    everything: Accounts,
) -> None:
    console, api = everything
    three_pl, brand, added = await api.connected()
    path, domain = f"/connections/{added['connection']['id']}", added["store"]["domain"]
    browser = await at(console, three_pl)
    seen = await browser.open(path)
    assert "One step is left" in seen.text
    on = await browser.submit(seen, f"{path}/switch")
    assert "It is switched on." in on.text
    assert 'aria-checked="true"' in on.html

    await eventually(lambda: routing_says(console, three_pl, added, state="active"))

    async def three_come_in() -> None:
        await send_orders(console, brand, added["store"]["id"], 3)
        await eventually(lambda: routing_says(console, three_pl, added, would_return=3))

    # They come in while the page asks how many there are: it shows what it counted.
    console.apis.before["/v1/handovers/preview"] = three_come_in
    preview = await browser.open(f"{path}/switch")
    assert "3 orders go back to the brand" in preview.text
    assert "0 orders stay with the 3PL" in preview.text
    assert "#G-1" in preview.text
    listed = await browser.open("/integrations")
    assert re.search(
        rf"/orders\?tab=orders&amp;connection={added['connection']['id']}", listed.html
    )
    # The toggle of the row leads to what would happen, and does nothing yet.
    asked = await browser.submit(listed, f"{path}/switch")
    assert asked.path == f"{path}/switch"
    assert await routing_says(console, three_pl, added, state="active")
    off = await browser.submit(asked, f"{path}/switch")
    assert off.path == f"{path}/handovers"
    assert "It is switched off." in off.text

    async def listing() -> Page:
        return await browser.open(f"{path}/handovers/list")

    done = await eventually(listing, lambda page: "hx-get" not in page.html and "done" in page.text)
    assert "<html" not in done.html
    (handover,) = {link for link in done.links if re.search(r"/handovers/[0-9a-f-]{36}$", link)}
    orders = await browser.open(handover)
    assert "3 orders went back to the brand." in orders.text
    assert "#G-2" in orders.text
    # With nothing to go back, the brand's toggle works at once; an old page is told so.
    theirs = await at(console, brand)
    stale = await theirs.open(path)
    await theirs.submit(stale, f"{path}/switch")
    await eventually(lambda: routing_says(console, three_pl, added, state="active"))
    refused = await theirs.submit(stale, f"{path}/switch")
    assert refused.status == 412
    at_once = await theirs.submit(await theirs.open(path), f"{path}/switch")
    assert (at_once.path, "It is switched off." in at_once.text) == (path, True)
    assert domain in at_once.text


async def test_a_hand_over_that_ends_while_the_page_is_made_is_on_it(everything: Accounts) -> None:
    console, api = everything
    three_pl, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}"
    await brand.post(f"/v1{path}/activate")
    await eventually(lambda: routing_says(console, three_pl, added, state="active"))
    await send_orders(console, brand, added["store"]["id"], 1)
    await eventually(lambda: routing_says(console, three_pl, added, would_return=1))

    async def it_ends() -> None:
        await brand.post(f"/v1{path}/disconnect")
        await eventually(
            lambda: routing_says(console, three_pl, added, state="disconnected", would_return=0)
        )

    browser = await at(console, three_pl)
    console.apis.before["/v1/handovers/preview"] = it_ends
    page = await browser.open(f"{path}/handovers")
    assert [link for link in page.links if re.search(r"/handovers/[0-9a-f-]{36}$", link)]


async def test_disconnecting_asks_for_the_stores_address_and_is_final(accounts: Accounts) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}"
    browser = await at(console, brand, "es")
    asked = await browser.open(f"{path}/disconnect")
    assert "Es definitivo." in asked.text
    assert "Ahora no se sabe cuántos pedidos serían" in asked.text
    wrong = await browser.submit(asked, f"{path}/disconnect", confirm=TYPED)
    assert wrong.status == 422
    assert "Escríbelo tal como aparece aquí." in wrong.text
    assert TYPED not in wrong.html
    done = await browser.submit(wrong, f"{path}/disconnect", confirm=added["store"]["domain"])
    assert "Está desconectada." in done.text
    after = await browser.open(path)
    assert "Esta conexión ha terminado." in after.text
    assert f"{path}/switch" not in [form.action for form in after.forms]
    for other in (await api.three_pl(), await api.sign_up("brand")):
        stranger = await at(console, other)
        for page in (path, f"{path}/switch", f"{path}/disconnect", f"{path}/handovers"):
            assert (await stranger.open(page)).status == 404, page
        assert (await stranger.send(f"{path}/switch", {"want": "active"})).status == 404
    assert (await three_pl.get(f"/v1{path}"))["state"] == "disconnected"


async def test_settings_are_changed_locked_copied_compared_and_audited(accounts: Accounts) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}"
    ours, theirs = await at(console, three_pl), await at(console, brand, "es")
    before = await ours.open(f"{path}/settings")
    assert "A change counts for orders that come in from then on." in before.text
    saved = await ours.submit(before, f"{path}/settings", billing_owner="three_pl")
    assert "It counts for orders that come in from now on." in saved.text
    stale = await ours.submit(before, f"{path}/settings", support_owner="three_pl")
    assert stale.status == 412
    assert dict(stale.form(f"{path}/settings").fields)["support_owner"] == "three_pl"

    bad = await theirs.submit(
        await theirs.open(f"{path}/settings"), f"{path}/settings/brand", priority="soon"
    )
    assert bad.status == 422
    assert 'id="f-priority-wrong"' in bad.html
    assert 'value="soon"' in bad.html
    locked = await theirs.submit(
        bad,
        f"{path}/settings/brand",
        priority="7",
        locked_settings=["billing_owner"],
        log_in_as_brand="off",
    )
    assert "Guardado." in locked.text
    now = await ours.open(f"{path}/settings")
    assert "locked by the brand" in now.text
    assert "Log in as brand" not in now.text
    refused = await ours.send(
        f"{path}/settings",
        dict(now.form(f"{path}/settings").fields) | {"billing_owner": "brand"},
    )
    assert refused.status == 403
    assert "The brand has locked this." in refused.text

    # Another client's form is filled in as this one, and saved by its reader.
    _, _, other = await api.connected(three_pl)
    copied = await ours.open(
        f"/connections/{other['connection']['id']}/settings?like={added['connection']['id']}"
    )
    form = copied.form(f"/connections/{other['connection']['id']}/settings")
    assert dict(form.fields)["billing_owner"] == "three_pl"
    assert "Nothing is saved yet." in copied.text

    compared = await ours.open(f"{path}/versions?from=1&to=2")
    assert compared.text.count("changed") == 1
    assert "This did not work" in (await ours.open(f"{path}/versions?from=1&to=99")).text
    audit = await ours.open(f"{path}/audit")
    assert "settings" in audit.text
    assert "three_pl" in audit.text
    stranger = await at(console, await api.three_pl())
    for page in ("settings", "versions", "audit"):
        assert (await stranger.open(f"{path}/{page}")).status == 404, page
    assert (await stranger.send(f"{path}/settings", {"billing_owner": "brand"})).status == 404


async def test_a_webhook_is_tested_saved_its_secret_seen_once_and_renewed(
    everything: Accounts,
) -> None:
    console, api = everything
    three_pl, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}"
    browser = await at(console, three_pl)
    async with Receiver() as receiver:
        page = await browser.open(f"{path}/settings")
        wrong = await browser.submit(page, f"{path}/webhook", webhook_url="ftp://x")
        assert wrong.status == 422
        assert 'id="f-webhook_url-wrong"' in wrong.html
        assert 'value="ftp://x"' in wrong.html
        tried = await browser.submit(
            wrong, f"{path}/webhook", webhook_url=receiver.url, **{"try": "yes"}
        )
        assert "The test arrived" in tried.text
        assert (await three_pl.get(f"/v1{path}"))["settings"]["webhook"] is None
        saved = await browser.submit(tried, f"{path}/webhook", webhook_url=receiver.url)
        first = _secret(saved)
        assert first not in (await browser.open(f"{path}/settings")).html

        async def ping() -> Page:
            return await browser.send(f"{path}/webhook/test", {})

        tested = await eventually(ping, lambda page: "The test arrived" in page.text)
        (await receiver.has(2))[-1].verified(first)
        renewed = await browser.submit(tested, f"{path}/webhook/secret")
        assert _secret(renewed) != first
        repointed = await browser.submit(renewed, f"{path}/webhook/repoint")
        assert "Orders of older settings are sent to the current webhook" in repointed.text
        overview = await browser.open(path)
        assert receiver.url.rsplit("/", 1)[0] in overview.text
        # The brand sees the host, and is offered nothing.
        theirs = await (await at(console, brand)).open(f"{path}/settings")
        assert "Your 3PL sends its orders to" in theirs.text
        assert f"{path}/webhook" not in [form.action for form in theirs.forms]
        removed = await browser.submit(repointed, f"{path}/webhook/remove")
        assert "Removed." in removed.text
        assert (await three_pl.get(f"/v1{path}"))["settings"]["webhook"] is None


def _secret(page: Page) -> str:
    found = re.search(r'value="(whsec_[^"]+)"', page.html)
    assert found, page.text
    return found[1]
