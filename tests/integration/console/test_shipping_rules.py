"""By which carrier an account ships: rules as a draft, tried on orders, and saved."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from uuid_utils.compat import uuid7

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from services.routing import events
from services.routing.orders import Decision, Event, Outcome
from shared.contracts.order import Order
from shared.kafka.topics import ORDERS_EVENTS
from tests.kit.builders import NOON, an_order
from tests.kit.client import PASSWORD, Api, Party
from tests.kit.publishers import Topics
from tests.kit.screens import Console, Page, Screens
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
PATH = "/shipping-rules"
TYPED = "<script>alert(1)</script>"


@dataclass
class Desk:
    """A 3PL at the console, with `fulfilment` and the log behind it."""

    console: Console
    three_pl: Party
    topics: Topics

    async def order(self, country: str) -> str:
        """An order of theirs, told as routing does; its id."""
        order = Order.model_validate(
            {
                "external_id": "1", "created_at": NOON, "updated_at": NOON, "currency": "EUR",
                "total": "10.00", "shipping_address": {"country_code": country},
            }
        )  # fmt: skip
        entered = an_order(
            id=uuid7(),
            three_pl_id=self.three_pl.id,
            shipping_rules_owner="three_pl",
            number=f"#{country}",
            payload=order.model_dump_json(),
        )
        decision = Decision(Outcome.ENTERED, entered, (Event("order.created", entered),))
        (told,) = events.messages([(decision, None)])
        await self.topics.publish(ORDERS_EVENTS.name, told.key, told.value, told.headers)
        return str(entered.id)


@pytest.fixture
async def desk(
    service_settings: dict[str, str], kafka: str, topic_prefix: str
) -> AsyncIterator[Desk]:
    connections = create_connections(ConnectionsSettings())
    fulfilment = create_fulfilment(FulfilmentSettings())
    apps = {"connections": connections, "fulfilment": fulfilment}
    async with (
        running(connections) as client,
        running(fulfilment) as other,
        Topics(kafka, topic_prefix) as topics,
        Console.of(apps) as console,
    ):
        await ready(client)
        await ready(other)
        yield Desk(console, await Api.of(client, service_settings).three_pl(), topics)


async def press(browser: Screens, seen: Page, do: str, **typed: str) -> Page:
    """A button of the rules' form, with what was typed."""
    return await browser.submit(seen, PATH, do=do, **typed)


async def test_rules_are_drafted_tried_on_orders_and_saved(desk: Desk) -> None:
    browser = desk.console.browser()
    await browser.log_in(desk.three_pl.email, PASSWORD)
    spain, france = await desk.order("ES"), await desk.order("FR")
    seen = await browser.open(PATH)
    assert "There are no rules yet: you ship by a system of your own." in seen.text

    edit = await press(browser, seen, "add", kind="country")
    wrong = await press(
        browser, edit, "done:0", name=TYPED, if__1__any_of="ES", then__carrier="No Carrier"
    )
    assert wrong.status == 422
    assert "f-then-carrier-wrong" in wrong.html
    assert ("then/carrier", "No Carrier") in wrong.form(PATH).fields
    seen = await press(browser, wrong, "done:0", then__carrier="correos", then__service="paq24")
    assert "If the country is ES: correos · paq24" in seen.text
    assert "<script>alert" not in seen.html
    assert "Not saved yet" in seen.text

    bad = await press(browser, seen, "save", fallback__carrier="So Wrong")
    assert (bad.status, "f-fallback-carrier-wrong" in bad.html) == (422, True)
    assert ("fallback/carrier", "So Wrong") in bad.form(PATH).fields

    async def tried() -> Page:
        return await press(browser, bad, "try", fallback__carrier="")

    found = await eventually(tried, lambda page: "Of the newest 2 orders, 1 would be" in page.text)
    assert "1 would need a carrier." in found.text
    assert f"/orders/{spain}" in found.links
    saved = await press(browser, found, "save", fallback__carrier="")
    assert (saved.status, "Saved." in saved.text, "Version 1" in saved.text) == (200, True, True)

    # An order says which rule it takes, and why not the others.
    takes = await browser.open(f"{PATH}?order={spain}")
    assert f"correos · paq24 · rule 1, {TYPED}" in takes.text
    needs = await browser.open(f"{PATH}?order={france}")
    assert "needs a carrier" in needs.text
    assert "the order has FR" in needs.text
    nobodys = await browser.open(f"{PATH}?order={uuid7()}")
    assert "Your rules do not count for this order" in nobodys.text

    # Somebody else was faster: what was drafted is still there.
    other = await press(browser, saved, "remove:0")
    await press(browser, other, "save")
    late = await press(browser, saved, "save", fallback__carrier="seur")
    assert (late.status, ("fallback/carrier", "seur") in late.form(PATH).fields) == (412, True)
    spanish = desk.console.browser("es")
    await spanish.log_in(desk.three_pl.email, PASSWORD)
    assert "Todavía no hay reglas" not in (await spanish.open(PATH)).text
