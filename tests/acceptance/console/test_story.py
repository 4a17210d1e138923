"""The story of the product by clicks: from Add Brand to an order that is handed back."""

import re

import httpx
import pytest
from playwright.async_api import expect

from relevo.local.stack import Stack
from tests.acceptance.console.people import PASSWORD, Person
from tests.kit.chromium import Chromium
from tests.kit.receiver import Receiver

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_3pl_connects_to_its_clients_store_and_hands_back(
    stack: Stack, browser: Chromium, language: str
) -> None:
    base = stack.urls["console"]
    size = {"width": 1280, "height": 860}
    async with (
        browser.visit(base, language, viewport=size) as first,
        browser.visit(base, language, viewport=size) as second,
        browser.visit(base, language, viewport=size) as third,
        Receiver() as receiver,
    ):
        ada = Person(first, stack, language, "Lagerhaus", f"ada.{language}@lagerhaus.example")
        bob = Person(second, stack, language, "Acme", f"bob.{language}@acme.example")
        olga = Person(third, stack, language, "", "")
        shop = f"shop-{language}.acme.example"

        await ada.sign_up("three_pl")
        await put_on_conquer(olga, ada.name, stack)
        await add_brand(ada, bob, shop)
        await accept(bob)
        await set_webhook(ada, receiver, shop)
        await switch_on(ada)
        await receive(bob, ada)
        await work_on_it(ada, bob)
        await disconnect(ada, shop)
        await has_it_back(bob)


async def put_on_conquer(operator: Person, account: str, stack: Stack) -> None:
    """The operator, by the key."""
    await operator.page.goto("/operator/accounts")
    await operator.types(key=stack.operator_key)
    await operator.press("Go on")
    await operator.page.goto(f"/operator/accounts?q={account}")
    row = operator.page.get_by_role("row", name=re.compile(account)).first
    await row.get_by_role("combobox").select_option("conquer")
    await row.get_by_role("button").click()
    await operator.reads("Saved.")


async def add_brand(three_pl: Person, brand: Person, shop: str) -> None:
    """The form, wrong and right, and the link to share."""
    await three_pl.page.goto("/integrations")
    await three_pl.follow("Add Brand")
    await three_pl.types(company_name=brand.name, store_url="not a store")
    await three_pl.types(contact__name="Bob", contact__email=brand.email)
    await three_pl.page.locator('[name="platform"]').select_option("custom")
    await three_pl.press("Add Brand")
    await expect(three_pl.page.locator('[name="store_url"]')).to_have_attribute(
        "aria-invalid", "true"
    )
    assert await three_pl.page.locator('[name="company_name"]').input_value() == brand.name
    await three_pl.types(store_url=f"https://{shop}")
    await three_pl.press("Add Brand")
    shared = await three_pl.page.get_by_label(three_pl.say("Link to share")).input_value()
    await three_pl.shows("add-brand")
    # Whoever has the link sees what is asked, and can do nothing with it.
    await brand.page.goto(shared.removeprefix(three_pl.stack.urls["console"]))
    await brand.reads("Nothing is connected before you accept.")


async def accept(brand: Person) -> None:
    """By the mail, which sets the password too."""
    await brand.page.goto(await brand.mailed())
    await brand.reads("What you agree to")
    await brand.shows("accept")
    await brand.types(password=PASSWORD)
    await brand.press("Accept")
    await expect(brand.page).to_have_url(re.compile(r"/connections/[0-9a-f-]{36}$"))


async def set_webhook(three_pl: Person, receiver: Receiver, shop: str) -> None:
    """A URL, the secret that is shown once, and a test."""
    await three_pl.page.goto("/integrations")
    await (
        three_pl.page.get_by_role("row", name=re.compile(re.escape(shop)))
        .get_by_role("link")
        .first.click()
    )
    await three_pl.follow("Settings")
    save = three_pl.page.locator('form[action$="/webhook"] button.primary')
    await three_pl.types(webhook_url="ftp://nowhere")
    await save.click()
    await expect(three_pl.page.locator('[name="webhook_url"]')).to_have_attribute(
        "aria-invalid", "true"
    )
    await three_pl.types(webhook_url=receiver.url)
    await save.click()
    secret = await three_pl.page.get_by_label(three_pl.say("Signing secret")).input_value()
    await three_pl.press("Send a test")
    await three_pl.reads("The test arrived")
    (ping,) = receiver.got
    ping.verified(secret)


async def switch_on(three_pl: Person) -> None:
    """Nothing goes back, so that there is nothing to ask."""
    await three_pl.follow("Overview")
    await three_pl.page.get_by_role("switch").click()
    switch = three_pl.page.get_by_role("switch")
    if three_pl.page.url.endswith("/switch"):
        await three_pl.press("Switch on")
    await expect(switch).to_have_attribute("aria-checked", "true")
    await three_pl.shows("connection")


async def receive(brand: Person, three_pl: Person) -> None:
    """A key of the store, a test order, and orders until the 3PL has three."""
    await brand.page.goto("/stores")
    await brand.page.locator("main a[href^='/stores/']:not([href$='/add'])").first.click()
    await brand.press("Make an API key")
    key = await brand.page.get_by_label(brand.say("API key"), exact=True).input_value()
    await brand.press("Send a test order")
    await brand.shows("store")
    store = re.search(r"/stores/([0-9a-f-]{36})", brand.page.url)
    assert store, brand.page.url
    orders = f"{brand.stack.urls['ingest']}/v1/stores/{store[1]}/orders"
    async with httpx.AsyncClient(trust_env=False) as shop:
        await three_pl.page.goto("/orders?tab=orders")
        for number in range(1, 60):
            answer = await shop.post(
                orders, json=an_order(number), headers={"authorization": f"Bearer {key}"}
            )
            # Until ingest has heard of the key.
            assert answer.status_code in (202, 401), answer.text
            await three_pl.page.reload()
            if await three_pl.page.locator("tbody tr").count() >= SOME_ORDERS:
                break
    await three_pl.shows("orders")


SOME_ORDERS = 3


def an_order(number: int) -> dict[str, object]:
    return {
        "external_id": str(1000 + number), "number": f"#{1000 + number}", "currency": "EUR",
        "total": "29.90", "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
        "customer": {"name": "Zoë Ruiz", "email": "zoe@buyer.example"},
        "shipping_address": {"name": "Zoë Ruiz", "city": "Madrid", "country_code": "ES"},
        "lines": [{"sku": f"MUG-{number}", "title": "Mug", "quantity": 2, "price": "14.95"}],
    }  # fmt: skip


async def work_on_it(three_pl: Person, brand: Person) -> None:
    """Many at once, and one of them undone; the page of one says what happened."""
    await three_pl.page.goto("/orders?tab=orders")
    boxes = three_pl.page.locator('tbody input[type="checkbox"]')
    await boxes.nth(0).check()
    await boxes.nth(1).check()
    await three_pl.press("Start processing")
    await three_pl.reads("Done: %(count)s", count=2)
    await three_pl.page.goto("/orders?tab=processing")
    await three_pl.page.locator("tbody tr a").first.click()
    await three_pl.reads("What happened, and why")
    await three_pl.shows("order")


async def disconnect(three_pl: Person, shop: str) -> None:
    """What would go back is said first, and the name has to be typed."""
    await three_pl.page.goto("/integrations")
    await (
        three_pl.page.get_by_role("row", name=re.compile(re.escape(shop)))
        .get_by_role("link")
        .first.click()
    )
    here = three_pl.page.url
    await three_pl.page.goto(f"{here}/disconnect")
    await three_pl.reads("Nobody has begun to work on them. The 3PL is told to stop.")
    await three_pl.shows("disconnect")
    await three_pl.types(confirm="something else")
    await three_pl.press("Disconnect for good")
    await expect(three_pl.page.locator('[name="confirm"]')).to_have_attribute(
        "aria-invalid", "true"
    )
    await three_pl.types(confirm=shop)
    await three_pl.press("Disconnect for good")
    await expect(three_pl.page).to_have_url(re.compile(r"/(handovers|connections)"))
    await three_pl.page.goto("/orders/handed-back")
    await expect(three_pl.page.locator("tbody tr").first).to_be_visible()


async def has_it_back(brand: Person) -> None:
    """The brand owns what nobody had begun, and sees that the rest is with the 3PL."""
    await brand.page.goto("/orders?tab=orders&owner=brand")
    await expect(brand.page.locator("tbody tr").first).to_be_visible()
    await brand.page.goto("/orders?tab=processing")
    await expect(brand.page.locator("tbody tr")).to_have_count(2)
