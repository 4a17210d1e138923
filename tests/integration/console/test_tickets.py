"""Tickets in the browser: written about an order or to the operator, opened, answered, closed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.screens import ORIGIN, Console
from tests.kit.serving import ready, running
from tests.kit.tickets import PNG, a_draft

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"


@dataclass
class Desk:
    """A 3PL at the console, with `fulfilment` behind it."""

    console: Console
    three_pl: Party
    database: asyncpg.Connection


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
        yield Desk(console, await Api.of(client, service_settings).three_pl(), database)
    await database.close()


def multipart(content: bytes, name: str) -> dict[str, Any]:
    head = f'--xyz\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return {
        "content": head.encode() + content + b"\r\n--xyz--\r\n",
        "headers": {"content-type": "multipart/form-data; boundary=xyz", "origin": ORIGIN},
    }


async def test_a_draft_gets_its_photo_is_opened_answered_and_closed(desk: Desk) -> None:
    browser = desk.console.browser()
    await browser.log_in(desk.three_pl.email, PASSWORD)
    draft = await a_draft(desk.database, account_id=desk.three_pl.id, other_id=None)
    at = f"/tickets/{draft}"
    seen = await browser.open(at)
    assert "This is a draft: nobody else sees it." in seen.text
    early = await browser.submit(seen, f"{at}/open")
    assert (early.status, "Attach a photo" in early.text) == (422, True)

    async def attach(content: bytes, name: str) -> Any:
        return await browser.client.post(f"{at}/attachments", **multipart(content, name))

    html = await attach(b"<html>", "photo.png")
    assert (html.status_code, "This kind of file is not taken." in html.text) == (415, True)
    nothing = await attach(b"", "")
    assert (nothing.status_code, "f-file-wrong" in nothing.text) == (422, True)
    # In parts, and called like a script.
    await attach(PNG + bytes(600_000), TYPED.replace("/", ""))
    seen = await browser.open(at)
    assert "<script>alert" not in seen.html
    [link] = [one for one in seen.links if one.startswith(f"{at}/attachments/")]
    file = await browser.client.get(link)
    assert file.content == PNG + bytes(600_000)
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"

    opened = await browser.submit(seen, f"{at}/open")
    assert "The carrier was asked" in opened.text
    empty = await browser.submit(opened, f"{at}/messages", text="")
    assert (empty.status, "f-text-wrong" in empty.html) == (422, True)
    said = await browser.submit(opened, f"{at}/messages", text=TYPED)
    assert (TYPED in said.text, "<script>alert" in said.html) == (True, False)
    asked = await browser.submit(said, f"{at}/ask")
    assert "waiting for the carrier" in asked.text
    await desk.database.execute("UPDATE tickets SET due_at = now()")
    listed = await browser.open("/tickets?state=waiting_for_carrier")
    assert "1 ticket is overdue" in listed.text
    assert at in listed.links
    assert at not in (await browser.open("/tickets?overdue=false")).links
    closed = await browser.submit(asked, f"{at}/close")
    assert {form.action for form in closed.forms} >= {f"{at}/reopen"}
    assert f"{at}/messages" not in [form.action for form in closed.forms]

    # Read by the other party, who answers for none of it.
    await desk.database.execute(
        "UPDATE tickets SET other_id = account_id, account_id = gen_random_uuid()"
    )
    read = await browser.open(at)
    assert "You can read it." in read.text
    assert not [form for form in read.forms if form.action.startswith(at)]


async def test_a_ticket_is_written_about_an_order_or_to_the_operator(desk: Desk) -> None:
    browser = desk.console.browser("es")
    await browser.log_in(desk.three_pl.email, PASSWORD)
    form = await browser.open("/tickets/new")
    assert "Pedir ayuda a Relevo" in form.text
    made = await browser.submit(form, "/tickets/new", category="billing", message="¿Por qué?")
    assert "Facturación" in made.text
    assert "¿Por qué?" in made.text
    order = "0198c0de-0000-7000-8000-000000000000"
    form = await browser.open(f"/tickets/new?order={order}")
    wrong = await browser.submit(
        form, "/tickets/new", category="lost", message="x", fields__value="much",
        fields__correct_address__city="London", carrier_email="nobody",
    )  # fmt: skip
    assert wrong.status == 422
    for name in ("fields-value", "fields-correct_address-name", "carrier_email"):
        assert f"f-{name}-wrong" in wrong.html
    assert ("fields/value", "much") in wrong.form("/tickets/new").fields
    nobodys = await browser.submit(
        form, "/tickets/new", category="address", message="x",
        fields__correct_address__name="a", fields__correct_address__address1="b",
        fields__correct_address__city="c", fields__correct_address__zip="d",
        fields__correct_address__country_code="ES",
    )  # fmt: skip
    assert (nobodys.status, "esto no está aquí" in nobodys.text.lower()) == (404, True)
