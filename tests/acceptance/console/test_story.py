"""The story of the product by clicks: from Add Brand to an order that is handed back."""

import re

import pytest
from playwright.async_api import expect

from relevo.local.stack import Stack
from tests.acceptance.console.people import PASSWORD, Person
from tests.kit.chromium import Chromium

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_3pl_connects_to_its_clients_store(
    stack: Stack, browser: Chromium, language: str
) -> None:
    base = stack.urls["console"]
    size = {"width": 1280, "height": 860}
    async with (
        browser.visit(base, language, viewport=size) as first,
        browser.visit(base, language, viewport=size) as second,
        browser.visit(base, language, viewport=size) as third,
    ):
        ada = Person(first, stack, language, "Lagerhaus", f"ada.{language}@lagerhaus.example")
        bob = Person(second, stack, language, "Acme", f"bob.{language}@acme.example")
        olga = Person(third, stack, language, "", "")
        shop = f"shop-{language}.acme.example"

        await ada.sign_up("three_pl")
        await put_on_conquer(olga, ada.name, stack)
        await add_brand(ada, bob, shop)
        await accept(bob)


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
