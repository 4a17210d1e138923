"""Fees in the browser: what is owed and why, given back with a reason, and the prices behind it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.ledger import charging
from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.ledger import a_list, a_shipment
from tests.kit.screens import Console, Screens
from tests.kit.serving import ready, running

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"


@dataclass
class Desk:
    """A 3PL and its brand at the console, with `fulfilment` behind it."""

    console: Console
    api: Api
    database: asyncpg.Connection
    three_pl: Party
    brand: Party

    async def browser(self, party: Party, language: str = "en") -> Screens:
        """One that the party is logged in at."""
        browser = self.console.browser(language)
        await browser.log_in(party.email, PASSWORD)
        return browser

    async def charged(self, count: int = 1) -> Any:
        """Processed shipments of the brand, which the platform and the 3PL charge for; the last."""
        brand, three_pl = UUID(self.brand.id), UUID(self.three_pl.id)
        parties: dict[str, Any] = {
            "brand_id": brand,
            "three_pl_id": three_pl,
            "billing_of": three_pl,
        }
        shipments = [a_shipment(**parties, at=datetime.now(UTC)) for _ in range(count)]
        await charging.pend(self.database, shipments)
        await charging.post(self.database, [one.shipment_id for one in shipments])
        return shipments[-1]


@pytest.fixture
async def desk(service_settings: dict[str, str], postgres_dsn: str) -> AsyncIterator[Desk]:
    connections = create_connections(ConnectionsSettings())
    fulfilment = create_fulfilment(FulfilmentSettings())
    apps = {"connections": connections, "fulfilment": fulfilment}
    database = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "fulfilment"})
    async with (
        running(connections) as client,
        running(fulfilment) as other,
        Console.of(apps) as console,
    ):
        await ready(client)
        await ready(other)
        api = Api.of(client, service_settings)
        three_pl, brand, _ = await api.connected()
        yield Desk(console, api, database, three_pl, brand)
    await database.close()


async def test_what_is_owed_is_read_by_both_and_given_back_by_who_charged_it(desk: Desk) -> None:
    await a_list(desk.database, OPERATOR, {"per_order": "0.20"})
    prices = {"per_order": "1234.50", "carriers": {"correos": "3"}}
    list_id = await a_list(desk.database, UUID(desk.three_pl.id), prices)
    shipment = await desk.charged()
    browser = await desk.browser(desk.three_pl)
    seen = await browser.open("/fees")
    assert ("€1,234.50" in seen.text, "-€0.20" in seen.text) == (True, True)
    assert ("Relevo" in seen.text, desk.brand.id in seen.text) == (True, False)
    assert "its carrier is not in the list · seur" in seen.text
    assert {f"/orders/{shipment.order_id}", f"/fees/prices/{list_id}"} <= set(seen.links)
    still = await browser.submit(seen, "/fees/price-again")
    assert "its carrier is not in the list" in still.text

    month = f"{datetime.now(UTC):%Y-%m}"
    statement = await browser.open(f"/fees/statement?month={month}")
    assert "Owed before €0.00" in statement.text
    assert "Owed after €1,234.30" in statement.text
    assert {f"/orders/{shipment.order_id}", f"/shipments/{shipment.shipment_id}"} <= set(
        statement.links
    )
    charge = await desk.database.fetchval(
        "SELECT id FROM ledger_entries WHERE phase = 'posted' AND amount > 1"
    )
    at = f"/fees/entries/{charge}"
    assert at in statement.links
    entry = await browser.open(at)
    much = await browser.submit(entry, f"{at}/correct", amount="1234.51", reason=TYPED)
    assert (much.status, "No more than 1234.50 EUR is left" in much.text) == (409, True)
    assert ("amount", "1234.51") in much.form(f"{at}/correct").fields
    wrong = await browser.submit(much, f"{at}/correct", amount="0.001", reason="")
    assert (wrong.status, {"f-amount-wrong", "f-reason-wrong"} & wrong.ids) == (
        422, {"f-reason-wrong"},
    )  # fmt: skip
    exact = await browser.submit(wrong, f"{at}/correct", amount="0.001", reason="x")
    assert "with no more digits than EUR has" in exact.text
    form = exact.form(f"{at}/correct").filled({"amount": "34.50", "reason": TYPED})
    for _ in "twice":
        back = await browser.send(f"{at}/correct", form)
    assert (back.status, TYPED in back.text, "<script>alert" in back.html) == (200, True, False)
    assert await desk.database.fetchval("SELECT count(*) FROM ledger_reasons") == 1

    # The other side reads the same with a minus, in its language, and gives nothing back.
    theirs = await desk.browser(desk.brand, "es")
    read = await theirs.open(f"/fees/statement?month={month}")
    assert ("-1.200,00" in read.text, TYPED in read.text) == (True, True)
    assert "corregido" in read.text
    one = await theirs.open(at)
    assert ("-1.234,50" in one.text, f"{at}/correct" in one.html) == (True, False)
    refused = await theirs.send(f"{at}/correct", form)
    assert (refused.status, "Solo quien lo ha cobrado" in refused.text) == (403, True)
    assert "/fees/price-again" not in (await theirs.open("/fees")).html
    assert (await theirs.open("/fees/statement?month=2026-13/..")).status == 422


async def test_a_statement_is_had_as_a_file(desk: Desk) -> None:
    await a_list(desk.database, UUID(desk.three_pl.id), {"per_order": "1"})
    await desk.charged(60)
    browser = await desk.browser(desk.brand)
    page = await browser.open("/fees/statement")
    following = [one for one in page.links if "after=" in one]
    # 120 entries: pending, then posted.
    pages = 1
    while following:
        page, pages = await browser.open(following[0]), pages + 1
        following = [one for one in page.links if "after=" in one]
    assert pages == 3
    at = f"/fees/statement/file?month={datetime.now(UTC):%Y-%m}"
    csv = await browser.client.get(at)
    assert csv.headers["content-type"].startswith("text/csv")
    assert csv.headers["content-disposition"].startswith("attachment;")
    assert csv.text.count("\n") == 61
    pdf = await browser.client.get(f"{at}&format=pdf")
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")


async def test_prices_are_made_tried_and_changed_row_by_row(desk: Desk) -> None:
    browser = await desk.browser(desk.three_pl)
    form = await browser.open("/fees/prices/new")
    bad = await browser.submit(
        form, "/fees/prices/new", do="save", name="", currency="euro", prices__per_order="much",
        prices__weight_bands__0__up_to_grams="heavy", prices__weight_bands__0__amount="1.5",
        prices__carriers__0__code="SEUR/2", prices__carriers__0__amount="-1",
    )  # fmt: skip
    assert bad.status == 422
    for name in (
        "name", "currency", "prices-per_order", "prices-weight_bands-0-up_to_grams",
        "prices-carriers-0-code", "prices-carriers-0-amount",
    ):  # fmt: skip
        assert f"f-{name}-wrong" in bad.ids
    assert "f-prices-weight_bands-0-amount-wrong" not in bad.ids
    none = await browser.submit(form, "/fees/prices/new", do="save", name="Usual", currency="EUR")
    assert "Fill in at least one price." in none.text
    assert {"f-prices", "f-prices-wrong"} <= none.ids
    more = await browser.submit(
        none, "/fees/prices/new", do="add:bands", name=TYPED, prices__per_order="1",
        prices__weight_bands__0__up_to_grams="1000", prices__weight_bands__0__amount="4",
    )  # fmt: skip
    more = await browser.submit(
        more, "/fees/prices/new", do="add:carriers", charged_account=desk.brand.id,
        prices__weight_bands__1__up_to_grams="500", prices__weight_bands__1__amount="9",
        prices__carriers__0__code="seur", prices__carriers__0__amount="2",
    )  # fmt: skip
    same = await browser.submit(
        more, "/fees/prices/new", do="save",
        prices__carriers__1__code="seur", prices__carriers__1__amount="3",
    )  # fmt: skip
    assert (same.status, "f-prices-carriers-1-code-wrong" in same.ids) == (422, True)
    fewer = await browser.submit(same, "/fees/prices/new", do="remove:carriers:1")
    light = await browser.submit(fewer, "/fees/prices/new", do="save")
    assert "Each band has to be heavier than the last." in light.text
    made = await browser.submit(
        light, "/fees/prices/new", do="save", prices__weight_bands__1__up_to_grams="2000"
    )
    assert ("Saved." in made.text, "<script>alert" in made.html) == (True, False)
    assert all(one in made.text for one in ("up to 1,000 g €4.00", "up to 2,000 g €9.00"))
    assert await desk.database.fetchval("SELECT charged_account FROM price_lists") == UUID(
        desk.brand.id
    )
    again = await browser.submit(
        light, "/fees/prices/new", do="save", prices__weight_bands__1__up_to_grams="2000"
    )
    assert (again.status, "There is a list for these already." in again.text) == (409, True)

    await desk.charged()
    at = made.path
    tried = await browser.submit(
        made, at, do="preview", prices__per_order="1.25", prices__carriers__0__code="correos"
    )
    assert "would have come to €5.25 instead of €7.00" in tried.text
    assert "its carrier is not in the list: 1" in tried.text
    assert await desk.database.fetchval("SELECT count(*) FROM price_list_versions") == 1
    past = await browser.submit(tried, at, do="save", valid_from="2026-01-01")
    assert "Choose a day that is to come" in past.text
    saved = await browser.submit(past, at, do="save", valid_from="2099-01-01", name="Usual")
    assert ("Saved." in saved.text, "1 Jan 2099" in saved.text) == (True, True)
    late = await browser.submit(past, at, do="save", valid_from="", prices__per_order="99")
    assert (late.status, "Somebody else has changed this" in late.text) == (412, True)
    assert ("prices/per_order", "99") in late.form(at).fields
    # It was not looked at as it is now, so it is refused again.
    assert (await browser.submit(late, at, do="save")).status == 412

    # What the new prices do not cover is charged once they do.
    now = await browser.submit(
        saved, at, do="save", valid_from="", prices__carriers__0__code="correos"
    )
    await desk.charged()
    assert "its carrier is not in the list · seur" in (await browser.open("/fees")).text
    assert (
        await browser.submit(now, at, do="save", prices__carriers__0__code="seur")
    ).status == 200
    priced = await browser.submit(await browser.open("/fees"), "/fees/price-again")
    assert "What has a price now is charged." in priced.text
    assert "its carrier is not in the list" not in priced.text

    # A brand reads what it is charged by, and sets nothing.
    await desk.database.execute(
        "INSERT INTO orders (id, sequence, store_id, brand_id, three_pl_id, external_id, status,"
        " shipping_rules_owner, entered_at) VALUES ($1, 1, $1, $1, $2, '1', 'open', 'brand',"
        " now())", UUID(desk.brand.id), UUID(desk.three_pl.id),
    )  # fmt: skip
    theirs = await desk.browser(desk.brand, "es")
    assert at in (await theirs.open("/fees/prices")).links
    read = await theirs.open(at)
    assert ("hasta 1000 g" in read.text.replace(".", ""), at in read.html) == (True, False)
    assert (await theirs.open("/fees/prices/new")).path == "/fees/prices"
    assert (await theirs.send(at, late.form(at).filled({"do": "save"}))).status == 403


async def test_the_operator_sets_the_platforms_prices_by_its_key(desk: Desk) -> None:
    browser = desk.console.browser()
    form = await browser.open("/operator/prices/new")
    assert form.status == 401
    await browser.submit(form, "/operator/log-in", key=desk.api.operator_key)
    form = await browser.open("/operator/prices/new")
    fields = {"name": "Platform", "currency": "EUR", "prices__per_order": "0.20"}
    bad = await browser.submit(
        form, "/operator/prices/new", do="save", **fields, charged_account="nobody"
    )
    assert "f-charged_account-wrong" in bad.ids
    made = await browser.submit(bad, "/operator/prices/new", do="save", charged_account="")
    assert ("Saved." in made.text, "Who charges Relevo" in made.text) == (True, True)
    own = await browser.submit(
        form, "/operator/prices/new", do="save", **fields, charged_account=desk.three_pl.id
    )
    assert own.status == 200
    listed = await browser.open("/operator/prices")
    assert {made.path, own.path} <= set(listed.links)
    three_pl = await desk.browser(desk.three_pl)
    at = own.path.replace("/operator/prices", "/fees/prices")
    seen = await three_pl.open(at)
    assert "Per order €0.20" in seen.text
    assert at not in [one.action for one in seen.forms]


async def test_the_operator_answers_what_accounts_ask(desk: Desk) -> None:
    account = await desk.browser(desk.three_pl)
    form = await account.open("/tickets/new")
    draft = await account.submit(form, "/tickets/new", category="billing", message=TYPED)
    await account.submit(draft, f"{draft.path}/open")
    browser = desk.console.browser()
    assert (await browser.open("/operator/help")).status == 401
    at = draft.path.replace("/tickets", "/operator/help")
    assert (await browser.send(f"{at}/messages", {"text": "hello"})).status == 401
    key = await browser.open("/operator")
    await browser.submit(key, "/operator/log-in", key=desk.api.operator_key)
    listed = await browser.open("/operator/help?state=waiting_for_operator&category=billing")
    assert at in listed.links
    assert at not in (await browser.open("/operator/help?category=technical")).links
    seen = await browser.open(at)
    assert (TYPED in seen.text, "<script>alert" in seen.html) == (True, False)
    empty = await browser.submit(seen, f"{at}/messages", text="")
    assert (empty.status, "f-text-wrong" in empty.ids) == (422, True)
    answered = await browser.submit(seen, f"{at}/messages", text="By the price list.")
    assert "waiting for the other party" in answered.text
    read = await account.open(draft.path)
    assert ("Relevo" in read.text, "By the price list." in read.text) == (True, True)
    closed = await browser.submit(answered, f"{at}/close")
    assert {f"{at}/reopen"} == {one.action for one in closed.forms if at in one.action}
    late = await browser.send(f"{at}/resolve", {})
    assert (late.status, "This cannot be done as it is now" in late.text) == (409, True)
    assert (await browser.send(f"{at}/burn", {})).status == 404
