"""Orders on their pages: found, commanded one by one and many at once, and told about in words."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.console.main import create_app as create_console
from services.console.settings import Settings as ConsoleSettings
from services.console.views import views
from services.routing.main import create_app as create_routing
from services.routing.settings import Settings as RoutingSettings
from shared.contracts.order import Address, LineItem
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.publishers import OrderPublisher, Topics
from tests.kit.screens import Console, Page, Screens
from tests.kit.serving import ready, running
from tests.kit.streaming import Events, listening, stream
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"
NOBODYS = "0198c0de-0000-7000-8000-000000000000"


@dataclass
class Desk:
    """A 3PL and its brand, connected, at the console; webhooks does not answer."""

    console: Console
    api: Api
    routing: httpx.AsyncClient
    three_pl: Party
    brand: Party
    connection_id: str
    domain: str
    shop: OrderPublisher
    apps: Mapping[str, FastAPI]

    async def at(self, party: Party, language: str = "en") -> Screens:
        browser = self.console.browser(language)
        await browser.log_in(party.email, PASSWORD)
        return browser

    async def listed(self, browser: Screens, numbers: Sequence[str], query: str = "") -> Page:
        """The list, once all of these are in it."""
        return await eventually(
            lambda: browser.open(f"/orders{query}"),
            lambda page: all(f">{number}</a>" in page.html for number in numbers),
        )


@pytest.fixture
async def desk(
    service_settings: dict[str, str], kafka: str, topic_prefix: str
) -> AsyncIterator[Desk]:
    connections = create_connections(ConnectionsSettings())
    routing = create_routing(RoutingSettings())
    apps = {"connections": connections, "routing": routing}
    async with (
        running(connections) as client,
        running(routing) as other,
        Topics(kafka, topic_prefix) as topics,
        Console.of(apps) as console,
    ):
        await ready(client)
        await ready(other)
        api = Api.of(client, service_settings)
        three_pl, brand, added = await api.connected()
        connection = (await brand.get("/v1/connections"))["data"][0]
        await brand.post(f"/v1/connections/{connection['id']}/activate")
        shop = OrderPublisher(topics)
        shop.store_id, shop.brand_id = UUID(connection["store"]["id"]), UUID(brand.id)
        desk = Desk(
            console,
            api,
            other,
            three_pl,
            brand,
            connection["id"],
            added["store"]["domain"],
            shop,
            apps,
        )
        await eventually(lambda: _state(desk), lambda state: state == "active")
        yield desk


async def _state(desk: Desk) -> str:
    answer = await desk.routing.get(
        f"/v1/handovers/preview?connection={desk.connection_id}",
        headers={"authorization": f"Bearer {desk.three_pl.token}"},
    )
    return str(answer.json().get("state"))


def _path(page: Page, number: str) -> str:
    found = re.search(rf'href="(/orders/[0-9a-f-]{{36}})">{re.escape(number)}<', page.html)
    assert found, page.text
    return found[1]


def _picks(page: Page) -> dict[str, str]:
    values = re.findall(r'name="pick" value="([^"]+)"', page.html)
    return {value.split(":", 2)[2]: value for value in values}


async def test_orders_are_listed_counted_filtered_found_and_exported(desk: Desk) -> None:
    shop = desk.shop
    await shop.send(
        shop.order("1001", email="ada@buyer.test"),
        shop.order("1002", financial_status="pending"),
        shop.order("1003", total="99.50", note=TYPED),
    )
    browser = await desk.at(desk.three_pl)
    page = await desk.listed(browser, ["#1001", "#1002", "#1003"])
    assert f"Acme · {desk.domain}" in page.text
    # Counts come after the page.
    counts = await browser.open("/orders/counts?tab=orders")
    assert "Orders 3" in counts.text
    assert f"Acme · {desk.domain} 3" in counts.text
    assert "open 2 on hold 1" in counts.text
    assert "€99.50" in page.text
    assert "on hold payment" in page.text
    # The address is the filter, the export and the call of the API.
    chosen = await browser.open(
        f"/orders?tab=orders&connection={desk.connection_id}&status=on_hold"
    )
    assert ("#1002" in chosen.text, "#1001" in chosen.text) == (True, False)
    assert f"/v1/orders?tab=orders&amp;connection={desk.connection_id}" in chosen.html
    exported = await browser.open(
        f"/orders/export?tab=orders&connection={desk.connection_id}&status=on_hold&format=csv"
    )
    assert exported.html.startswith("\ufefforder_id,")
    assert [number in exported.html for number in ("#1002", "#1001")] == [True, False]
    # What a form adds is put into the API's words: a pasted list, the last day, what is empty.
    asked = "numbers=%231003%0A+1001&q=&accepted_after=2026-01-31&accepted_before=2096-12-31"
    pasted = await browser.open(f"/orders?tab=all&{asked}")
    assert pasted.path == (
        "/orders?tab=all&number=%231003&number=1001&accepted_after=2026-01-31T00%3A00%3A00Z"
        "&accepted_before=2097-01-01T00%3A00%3A00Z"
    )
    assert [one in pasted.text for one in ("#1001", "#1002", "#1003")] == [True, False, True]
    assert dict(pasted.form("/orders").fields)["accepted_before"] == "2096-12-31"
    found = await browser.open("/orders?q=ada%40buyer")
    assert ("#1001" in found.text, "#1003" in found.text) == (True, False)
    none = await browser.open("/orders?tab=shipped&q=ada%40buyer")
    assert "Nothing here fits" in none.text
    assert "/orders?tab=all&q=ada%40buyer" in none.links
    for name, typed in (("hold", "nonsense"), ("numbers", "x" * 129)):
        bad = await browser.open(f"/orders?tab=orders&{name}={typed}")
        assert (bad.status, f'id="f-{name}-wrong"' in bad.html) == (422, True)
    for path in (f"/orders/{NOBODYS}", "/orders/nonsense"):
        assert (await browser.open(path)).status == 404
    # Without the names the list is there all the same.
    desk.console.apis.away.add("connections")
    alone = await browser.open("/orders?tab=orders")
    assert (alone.status, "#1003" in alone.text, desk.domain in alone.text) == (200, True, False)
    desk.console.apis.away.clear()
    desk.console.apis.away.add("routing")
    unknown = await browser.open("/orders/counts?tab=orders")
    assert (unknown.status, "Orders Processing Shipped" in unknown.text) == (200, True)
    desk.console.apis.away.clear()
    # The brand sees the same orders, in its language; another 3PL sees none.
    brand = await desk.at(desk.brand, "es")
    theirs = await brand.open("/orders")
    assert "three_pl Ltd" in theirs.text
    assert "Pedidos 3" in (await brand.open("/orders/counts")).text
    assert "Devueltos" not in theirs.text
    stranger = await desk.at(await desk.api.three_pl())
    assert "No orders here" in (await stranger.open("/orders")).text
    assert (await stranger.open(_path(page, "#1001"))).status == 404
    assert "Orders 0" in (await stranger.open("/orders/counts")).text
    # A script that asks for a part of a page is sent to no other page: the whole one is loaded.
    gone = await desk.console.browser().client.get("/orders/counts", headers={"hx-request": "true"})
    assert (gone.status_code, gone.headers["hx-refresh"], gone.text) == (204, "true", "")


async def test_many_orders_are_commanded_at_once_each_by_itself_and_it_is_undone(
    desk: Desk,
) -> None:
    shop = desk.shop
    await shop.send(*(shop.order(str(number)) for number in (2001, 2002, 2003)))
    browser = await desk.at(desk.three_pl)
    page = await desk.listed(browser, ["#2001", "#2002", "#2003"])
    picks = _picks(page)
    nothing = await browser.submit(page, "/orders/commands", command="hold", note="Kept")
    assert (nothing.status, "Select orders first" in nothing.text) == (422, True)
    assert 'value="Kept"' in nothing.html
    # Somebody else is faster with one of them.
    other = await desk.at(desk.three_pl)
    held = await other.submit(
        await other.open("/orders"),
        "/orders/commands",
        command="hold",
        kind="stock",
        note=TYPED,
        pick=[picks["#2003"]],
    )
    assert "Done: 1" in held.text
    done = await browser.submit(
        page, "/orders/commands", command="process", pick=list(picks.values())
    )
    assert "Done: 2" in done.text
    assert "Not changed: 1" in done.text
    assert "Somebody else has changed this" in done.text
    assert done.links.count(_path(page, "#2003")) == 1
    undone = await browser.submit(done, "/orders/commands")
    assert "Done: 2" in undone.text
    again = await desk.listed(browser, ["#2001", "#2002", "#2003"])
    assert TYPED not in again.html
    # What cannot be undone is asked about first.
    picks = _picks(again)
    await browser.submit(again, "/orders/commands", command="process", pick=[picks["#2001"]])
    working = await desk.listed(browser, ["#2001"], "?tab=processing")
    sure = await browser.submit(
        working, "/orders/commands", command="ship", pick=list(_picks(working).values())
    )
    assert "Mark as shipped: orders selected: 1" in sure.text
    assert "#2001" in (await browser.open("/orders?tab=processing")).text
    shipped = await browser.submit(sure, "/orders/commands")
    assert "Done: 1" in shipped.text
    assert "Undo" not in shipped.text
    assert any(one.startswith("/orders?tab=processing") for one in shipped.links)
    assert "#2001" in (await browser.open("/orders?tab=shipped")).text


async def test_an_order_is_worked_on_held_and_told_about_in_words(desk: Desk) -> None:
    shop = desk.shop
    lines = (
        LineItem(sku="MUG", title=TYPED, quantity=3, current_quantity=2, price="10.00"),
        LineItem(title="Lamp", quantity=1, fulfilled_by="Amazon", price="5.00"),
        LineItem(title="E-book", quantity=1, requires_shipping=False, price="5.00"),
    )
    order = shop.order("3001", shipping_address=Address(name="Ada", city="Vigo", country="Spain"))
    assert order.order is not None
    await shop.send(
        order.model_copy(update={"order": order.order.model_copy(update={"lines": lines})})
    )
    browser = await desk.at(desk.three_pl)
    path = _path(await desk.listed(browser, ["#3001"]), "#3001")
    commands = f"{path}/commands"
    shown = await browser.open(path)
    assert "To pack Item SKU Ordered Price 2 " in shown.text
    for words in ("packed by Amazon", "nothing to send", "Ada Vigo Spain", TYPED):
        assert words in shown.text
    assert TYPED not in shown.html
    assert "Received, and assigned by the connection with Acme" in shown.text
    # Webhooks is away, and the rest is there.
    assert "What was sent about it This does not answer right now" in shown.text

    started = await browser.submit(shown, commands)
    assert "Processing is started." in started.text
    # Who was second is told; nothing is overwritten, and nothing that was typed is lost.
    held = dict(_form_with(shown, "kind"))
    late = await browser.send(commands, held | {"note": TYPED, "kind": "address"})
    assert late.status == 409
    assert "Somebody else has changed this" in late.text
    back = await browser.send(
        commands, {"command": "move-back", "version": dict(started.forms[-1].fields)["version"]}
    )
    assert "It is back in Orders." in back.text
    wrong = await browser.send(
        commands, dict(_form_with(back, "kind")) | {"note": TYPED, "kind": "nonsense"}
    )
    assert (wrong.status, 'id="f-kind-wrong"' in wrong.html) == (422, True)
    fields = dict(_form_with(wrong, "kind"))
    assert fields["note"] == TYPED
    on_hold = await browser.send(commands, fields | {"kind": "address"})
    assert "On hold: address" in on_hold.text
    assert TYPED not in on_hold.html
    assert "It was put on hold: address." in on_hold.text
    # The brand reads why, in its language, and may not lift it.
    theirs = await (await desk.at(desk.brand, "es")).open(path)
    assert "Se retuvo: dirección." in theirs.text
    assert "three_pl Ltd" in theirs.text
    assert "Levantar esta retención" not in theirs.text
    lifted = await browser.send(commands, _form_with(on_hold, "hold_id"))
    assert "The hold is lifted." in lifted.text

    # The connection ends: it went back, and the 3PL sees number and reason alone.
    await desk.brand.post(f"/v1/connections/{desk.connection_id}/disconnect")
    handed = await eventually(
        lambda: browser.open("/orders/handed-back"), lambda page: "#3001" in page.text
    )
    assert "The connection was disconnected." in handed.text
    assert "Vigo" not in handed.text
    assert (await browser.open(path)).status == 404
    told = await (await desk.at(desk.brand)).open(path)
    assert "It went back to the brand. The connection was disconnected." in told.text


async def test_a_filter_is_saved_under_a_name_for_oneself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await desk.at(desk.three_pl)
    page = await browser.open("/orders?tab=orders&status=on_hold&q=ada%40buyer")
    unnamed = await browser.submit(page, "/orders/views", name=" ")
    assert (unnamed.status, 'id="f-name-wrong"' in unnamed.html) == (422, True)
    saved = await browser.submit(unnamed, "/orders/views", name=TYPED)
    assert "Saved." in saved.text
    assert TYPED not in saved.html
    # A buyer's address is not kept.
    assert saved.path == "/orders?tab=orders&status=on_hold"
    assert "/orders?tab=orders&status=on_hold" in saved.links
    assert "ada%40buyer" not in (await browser.open("/orders")).html
    monkeypatch.setattr(views, "MOST", 1)
    again = await browser.submit(saved, "/orders/views", name=TYPED)
    assert "Saved." in again.text
    more = await browser.submit(again, "/orders/views", name="Another")
    assert "There are too many. Remove one first." in more.text
    assert dict(more.form("/orders/views").fields)["name"] == "Another"
    # Of somebody else nothing is seen, and nothing is removed.
    remove = next(form.action for form in again.forms if form.action.endswith("/remove"))
    other = await desk.at(desk.brand)
    assert TYPED not in (await other.open("/orders")).text
    await other.send(remove, {"back": ""})
    assert TYPED in (await browser.open("/orders")).text
    assert TYPED not in (await browser.submit(again, remove)).text


async def test_what_happens_to_a_list_is_told_live(desk: Desk) -> None:
    shop = desk.shop
    await shop.send(shop.order("4001"), shop.order("4002"))
    browser = await desk.at(desk.three_pl)
    page = await desk.listed(browser, ["#4001", "#4002"])
    found = re.search(r'hx-sse:connect="([^"]+)"', page.html)
    assert found
    path = unescape(found[1])
    cookies = {"cookie": "; ".join(f"{n}={v}" for n, v in browser.client.cookies.items())}
    async with (
        listening(desk.apps["connections"]) as connections,
        listening(desk.apps["routing"]) as routing,
    ):
        urls: dict[str, Any] = {
            "console_connections_url": connections,
            "console_routing_url": routing,
        }
        live = create_console(ConsoleSettings(**urls))
        async with running(live), listening(live) as address:
            async with stream(f"{address}{path}", {}) as nobody:
                assert nobody.status in (303, 401)
            async with stream(f"{address}{path}", cookies) as events:
                await _said(events, "")
                await browser.submit(
                    page,
                    "/orders/commands",
                    command="hold",
                    kind="stock",
                    note=TYPED,
                    pick=[_picks(page)["#4001"]],
                )
                told = await _said(events, "1 changed: show them")
                order = _path(page, "#4001").removeprefix("/orders/")
                assert f'<hx-partial hx-target="#s-{order}"' in told
                assert "on hold" in told
                assert "alert(1)" not in told
                await shop.send(shop.order("4003"))
                assert "1 new, 1 changed: show them" in await _said(events, "1 new")
            # The page is older than the list: it says so at once.
            async with stream(f"{address}{path}", cookies) as later:
                assert "/orders?tab=orders" in await _said(later, "The list has changed")


async def _said(events: Events, words: str) -> str:
    """The newest message with these words in it."""

    async def look() -> list[str]:
        return [one["data"] for one in events.told]

    return (await eventually(look, lambda told: any(words in one for one in told)))[-1]


def _form_with(page: Page, name: str) -> list[tuple[str, str]]:
    for form in page.forms:
        if any(named == name for named, _ in form.fields):
            return form.fields
    raise AssertionError(f"no form with {name}: {page.text}")
