"""The story of the product without a mouse: every step by keys, and the focus always seen."""

import re

import httpx
import pytest
from playwright.async_api import expect

from relevo.local.stack import Stack
from tests.acceptance.console.keyboard import Keyboard
from tests.acceptance.console.people import PASSWORD, Person
from tests.acceptance.console.test_story import an_order, put_on_conquer
from tests.kit.chromium import Chromium
from tests.kit.receiver import Receiver
from tests.kit.waiting import eventually

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
SHOP = "shop-keys.acme.example"


async def test_the_whole_story_by_keyboard_alone(stack: Stack, browser: Chromium) -> None:
    base = stack.urls["console"]
    size = {"width": 1280, "height": 800}
    async with (
        browser.visit(base, viewport=size, permissions=["clipboard-write"]) as first,
        browser.visit(base, viewport=size) as second,
        browser.visit(base) as third,
        Receiver() as receiver,
    ):
        ada = Keyboard(Person(first, stack, "en", "Keys 3PL", "ada.keys@lagerhaus.example"))
        bob = Keyboard(Person(second, stack, "en", "Keys Brand", "bob.keys@acme.example"))
        await sign_up(ada)
        await put_on_conquer(Person(third, stack, "en", "", ""), ada.person.name, stack)
        await add_brand(ada, bob)
        await accept(bob)
        await set_webhook(ada, receiver)
        await switch_on(ada)
        store, key = await set_up_the_store(bob)
        await orders_come(ada, store, key)
        await find_and_work(ada)
        await disconnect(ada)
        await has_it_back(ada, bob)


async def sign_up(by: Keyboard) -> None:
    """Past the skip link, a choice by arrows, and a form sent by Enter."""
    person, page = by.person, by.page
    await page.goto("/sign-up")
    await by.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await by.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await by.press("Tab")
    await expect(page.locator('[name="kind"]').first).to_be_focused()
    await by.press("ArrowDown", "ArrowUp")
    await expect(page.locator('[value="three_pl"]')).to_be_checked()
    await by.writes(name=person.name, email=person.email)
    await by.press("Enter")
    await person.reads("Look into your mail")
    await page.goto(await person.mailed())
    await by.writes(password=PASSWORD)
    await by.press("Enter")
    await person.reads("Welcome to Relevo.")
    await by.is_not_lost()


async def add_brand(ada: Keyboard, bob: Keyboard) -> None:
    """What was wrong leads to its field; the link is copied."""
    page = ada.page
    await ada.follow("3PL Integrations", "nav")
    await ada.follow("Add Brand", "main")
    await ada.writes(company_name=bob.person.name, store_url="not a store")
    await ada.chooses("platform", "custom")
    await ada.writes(contact__name="Bob", contact__email=bob.person.email)
    await ada.press("Enter")
    await expect(page.locator(".notice.bad").first).to_be_focused()
    await ada.press("Tab", "Enter")
    await expect(page.locator('[name="store_url"]')).to_be_focused()
    await ada.writes(store_url=f"https://{SHOP}")
    await ada.press("Enter")
    shared = page.get_by_label("Link to share")
    await expect(shared).to_be_visible()
    await ada.push("Copy")
    await expect(page.locator("[data-copy]").first).to_have_text("Copied")
    await ada.is_not_lost()
    await bob.page.goto((await shared.input_value()).removeprefix(bob.person.stack.urls["console"]))
    await bob.person.reads("Nothing is connected before you accept.")


async def accept(bob: Keyboard) -> None:
    await bob.page.goto(await bob.person.mailed())
    await bob.person.reads("What you agree to")
    await bob.writes(password=PASSWORD)
    await bob.push("Accept")
    await bob.page.wait_for_url(re.compile(r"/connections/[0-9a-f-]{36}$"))


async def set_webhook(ada: Keyboard, receiver: Receiver) -> None:
    """Its secret is said, and the test after it."""
    await ada.follow("3PL Integrations", "nav")
    await ada.follow("Keys Brand", "table")
    await ada.follow("Settings", ".tabs")
    await ada.writes(webhook_url=receiver.url)
    await ada.press("Enter")
    await expect(ada.page.locator(".notice.good")).to_be_focused()
    await ada.push("Send a test")
    await ada.person.reads("The test arrived")
    await ada.is_not_lost()


async def switch_on(ada: Keyboard) -> None:
    """A switch is switched by Space; a menu is opened and closed where it is."""
    page = ada.page
    await ada.follow("Overview", ".tabs")
    await ada.to(page.locator("main .menu summary"))
    await ada.press("Enter", "Tab")
    await expect(page.locator(".menu").get_by_role("link", name="Open")).to_be_focused()
    await ada.press("Escape")
    await expect(page.locator("main .menu summary")).to_be_focused()
    await ada.to(page.get_by_role("switch"), "Shift+Tab")
    await ada.press("Space")
    await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "true")
    await ada.is_not_lost()


async def set_up_the_store(bob: Keyboard) -> tuple[str, str]:
    """The id of the store and its key, and a test order."""
    page = bob.page
    await bob.follow("Stores", "nav")
    await bob.follow(SHOP, "table")
    await bob.push("Make an API key")
    key = await page.get_by_label("API key", exact=True).input_value()
    await bob.is_not_lost()
    await bob.push("Send a test order")
    await bob.person.reads(
        "The test order is on its way.",
    )
    await bob.is_not_lost()
    store = re.search(r"/stores/([0-9a-f-]{36})", page.url)
    assert store, page.url
    return store[1], key


async def orders_come(ada: Keyboard, store: str, key: str) -> None:
    """While the list is open; what the page offers then is taken, and the focus is still there."""
    page = ada.page
    await ada.follow("Orders", "nav")
    await ada.follow("Orders", ".tabs")
    await page.wait_for_url("**/orders?tab=orders*")
    rows = page.locator("tbody tr")

    async def listed() -> int:
        await send(ada.person.stack, store, key, 1)
        await page.reload()
        return await rows.count()

    await eventually(listed, seconds=30)
    for number in (2, 3):
        await send(ada.person.stack, store, key, number)
    offer = page.locator(".live a")
    await expect(offer).to_be_visible(timeout=20_000)
    await ada.to(offer)
    await ada.press("Enter")
    await expect(rows.nth(1)).to_be_visible()
    await ada.is_not_lost()
    await page.reload()
    await expect(rows.nth(2)).to_be_visible()


async def send(stack: Stack, store: str, key: str, number: int) -> None:
    """An order, as the store sends it; refused until ingest has heard of the key."""
    async with httpx.AsyncClient(trust_env=False) as shop:
        answer = await shop.post(
            f"{stack.urls['ingest']}/v1/stores/{store}/orders",
            json=an_order(number),
            headers={"authorization": f"Bearer {key}"},
        )
        assert answer.status_code in (202, 401), answer.text


async def find_and_work(ada: Keyboard) -> None:
    """By the keys of the list, and its filter."""
    page = ada.page
    await ada.press("?")
    await expect(page.locator("dialog[data-help]")).to_be_visible()
    await ada.press("Escape")
    await expect(page.locator("dialog[data-help]")).to_be_hidden()
    await ada.press("/")
    search = page.locator('[type="search"]')
    await expect(search).to_be_focused()
    await page.keyboard.type("MUG-2")
    await ada.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await ada.follow("Show all", "form")
    await expect(page.locator("tbody tr").nth(2)).to_be_visible()
    await ada.press("j", "x", "j", "j", "k", "x")
    await ada.is_seen()
    boxes = page.locator('tbody input[type="checkbox"]')
    await expect(page.locator('tbody input[type="checkbox"]:checked')).to_have_count(2)
    await expect(boxes.nth(1)).to_be_checked()
    await ada.push("Start processing")
    await ada.person.reads("Done: %(count)s", count=2)
    await ada.is_not_lost()
    await ada.follow("Back to the list", "main")
    await ada.follow("Processing", ".tabs")
    # Keys are the page's that is there: the next one listens when it has loaded.
    await page.wait_for_url("**tab=processing**")
    await page.wait_for_load_state()
    await ada.press("j", "Enter")
    await ada.person.reads("What happened, and why")
    await ada.to(page.locator("footer, main table a").last)


async def disconnect(ada: Keyboard) -> None:
    """From the menu; the name of the shop is typed."""
    page = ada.page
    await ada.follow("3PL Integrations", "nav")
    await ada.to(page.locator("table .menu summary"))
    await ada.press("Enter")
    await ada.follow("Disconnect …", "table")
    await ada.writes(confirm="something else")
    await ada.press("Enter")
    await expect(page.locator(".notice.bad").first).to_be_focused()
    await ada.writes(confirm=SHOP)
    await ada.press("Enter")
    await page.wait_for_url("**/handovers")
    await ada.is_not_lost()
    # The list of hand-overs asks for itself again while one is running.
    await ada.to(page.locator("#handovers table a"))
    await ada.press("Enter")
    await ada.person.reads("Hand-over of")


async def has_it_back(ada: Keyboard, bob: Keyboard) -> None:
    await ada.follow("Orders", "nav")
    await ada.follow("Handed back", ".tabs")
    await expect(ada.page.locator("tbody tr").first).to_be_visible()
    await bob.follow("Orders", "nav")
    await bob.follow("Processing", ".tabs")
    await expect(bob.page.locator("tbody tr")).to_have_count(2)
    await bob.press("j", "Enter")
    await bob.person.reads("What happened, and why")
    await bob.push("Log out", "header")
    await bob.person.reads("You are logged out.")
    await bob.is_not_lost()
