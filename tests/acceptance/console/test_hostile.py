"""Whatever people and stores write, a page has it as text: nothing of it runs, nothing links."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.async_api import Page, expect

from relevo.local.stack import Stack
from tests.acceptance.console.conftest import log_in
from tests.acceptance.console.hostile import Hostile, hand_back, hostile_world
from tests.acceptance.console.paths import pages, pages_of
from tests.acceptance.console.test_looks import OF_THE_OPERATOR
from tests.kit.chromium import Chromium
from tests.kit.hostile import NAME, SCRIPT, squeezed
from tests.kit.receiver import Receiver

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]
# Runs in each page before anything else does.
WATCH = """
window.wrongs = [];
addEventListener("securitypolicyviolation",
  (event) => wrongs.push(`policy: ${event.violatedDirective} ${event.sample}`));
for (const asks of ["alert", "confirm", "prompt"])
  window[asks] = (text) => { wrongs.push(`${asks}: ${text}`); return false; };
"""
# What is wrong with a page, and all text that its reader sees or could.
READ = """() => {
  const wrongs = [...window.wrongs];
  if ("hacked" in window) wrongs.push("a script ran");
  for (const one of document.querySelectorAll("*")) {
    for (const {name, value} of one.attributes) {
      if (name.startsWith("on")) wrongs.push(`${one.localName} has ${name}`);
      if (["href", "src", "action", "formaction", "xlink:href"].includes(name)
          && !["http:", "https:"].includes(new URL(value, location.href).protocol))
        wrongs.push(`${one.localName} leads to ${value}`);
    }
    if (one.localName == "script" && !one.src.startsWith(location.origin))
      wrongs.push("a script of somebody else");
  }
  const typed = [...document.querySelectorAll("input, textarea")].map((one) => one.value);
  return {wrongs, text: [document.documentElement.textContent, ...typed].join("\\n"),
          width: document.documentElement.scrollWidth};
}"""
WIDTH = 320
# No page shows who paid when somebody else gets it.
NOT_SHOWN = {"customer"}
NAMED = quote(NAME[:100])
ASKED = (
    "/orders?tab=all", f"/orders?tab=all&q={NAMED}&status={NAMED}&sort={NAMED}",
    "/integrations?state=all", f"/integrations?q={NAMED}&state={NAMED}&sort={NAMED}&after={NAMED}",
    f"/fees/statement?month={NAMED}",
    f"/account/audit?action={NAMED[:60]}", f"/webhooks/deliveries?state={NAMED}",
)  # fmt: skip
AFTERWARDS = (
    "/orders/handed-back", "/connections/{connection_id}/handovers",
    "/connections/{connection_id}/handovers/{handover}",
)  # fmt: skip


class Reader:
    """Somebody who looks at pages, and keeps what was wrong with them and what was on them."""

    page: Page

    def __init__(self, world: Hostile, browser: Chromium) -> None:
        self.world = world
        self.browser = browser
        self.seen: set[str] = set()
        self.wrongs: list[str] = []

    @asynccontextmanager
    async def at_the_console(self) -> AsyncIterator[Page]:
        """A browser of its own, which says that it is a script."""
        async with self.browser.visit(
            self.world.stack.urls["console"],
            user_agent=self.world.name("device"),
            viewport={"width": WIDTH, "height": 800},
        ) as page:
            await page.add_init_script(WATCH)
            self.page = page
            yield page

    async def read(self, paths: Sequence[str]) -> None:
        """Each of the pages."""
        for path in [one.format(**self.world.ids) for one in paths]:
            answer = await self.page.goto(path)
            status = answer.status if answer else 0
            if status not in (200, 401, 422):
                self.wrongs.append(f"{path}: {status}")
            await self.look(path)

    async def read_mailed_links(self) -> None:
        """What a mail or a shared link shows: it is sent by the script of the page."""
        mails = self.world.api.mailbox
        links = [self.world.ids["shared_link"]]
        links += [mails.to(self.world.ids["waiting_at"])[-1].link]
        links += [mails.to(self.world.written["invited"])[-1].link]
        for link in links:
            await self.page.goto(link)
            await expect(self.page.locator("h1")).to_contain_text("~")
            await self.look(link)

    async def look(self, path: str) -> None:
        """The page as it is now."""
        found: dict[str, Any] = await self.page.evaluate(READ)
        self.wrongs += [f"{path}: {wrong}" for wrong in found["wrongs"]]
        if found["width"] > WIDTH:
            self.wrongs.append(f"{path}: {found['width']} px wide")
        text = squeezed(found["text"])
        self.seen |= {
            name for name, written in self.world.written.items() if squeezed(written) in text
        }


async def test_what_is_written_anywhere_is_text_everywhere(stack: Stack, browser: Chromium) -> None:
    async with (
        Receiver() as receiver,
        httpx.AsyncClient(
            base_url=stack.urls["connections"], timeout=30, trust_env=False
        ) as client,
    ):
        world = await hostile_world(stack, client, receiver)
        reader = Reader(world, browser)
        async with reader.at_the_console() as page:
            await log_in(page, world.ids["three_pl"])
            await keep_a_view(page, world)
            await reader.read(paths_of(world, "three_pl"))
            await hand_back(world)
            await reader.read(AFTERWARDS)
        async with reader.at_the_console() as page:
            await log_in(page, world.ids["brand"])
            await reader.read([*paths_of(world, "brand"), *AFTERWARDS[1:]])
        async with reader.at_the_console() as page:
            await reader.read(pages(of_members=False))
            await reader.read_mailed_links()
            await page.goto("/operator")
            await page.fill('[name="key"]', stack.operator_key)
            await page.click("button.primary")
            await reader.read([*OF_THE_OPERATOR, f"/operator/accounts?q={NAMED}"])
    assert reader.wrongs == []
    assert set(world.written) - reader.seen == NOT_SHOWN


async def keep_a_view(page: Page, world: Hostile) -> None:
    await page.goto(f"/orders?tab=all&q={NAMED}")
    await page.locator("summary", has_text="Saved views").click()
    await page.fill('[name="name"]', world.keep("view", f"view~{SCRIPT}"))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders?tab=all")


def paths_of(world: Hostile, party: str) -> list[str]:
    ids = world.ids | {
        "delivery_id": world.ids[f"{party}_delivery"],
        "endpoint_id": world.ids[f"{party}_endpoint"],
        "carrier_account_id": world.ids[f"{party}_carrier_account"],
    }
    more = ["/brands/{waiting_brand}", "/brands/{waiting_brand}/edit"]
    if party == "brand":
        more = ["/stores/{store_id}/quarantine/{entry}"]
    return [one.format(**ids) for one in (*pages_of(party), *more)] + list(ASKED)
