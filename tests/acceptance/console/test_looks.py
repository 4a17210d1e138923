"""Every page in a real browser: axe finds nothing, in light and dark, wide and narrow."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Page

from relevo.local.stack import Stack
from tests.acceptance.console.conftest import Ids, log_in
from tests.acceptance.console.paths import pages, pages_of
from tests.kit.chromium import ALL_RULES, RULES_OF_A_LOOK, Chromium, flaws

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]
LOOKS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    # 320 px wide is also what 1280 px are when they are shown at 400 % (WCAG 2.2, 1.4.10).
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 800}},
)
OF_THE_OPERATOR = (
    "/operator", "/operator/accounts", "/operator/prices", "/operator/prices/new",
    "/operator/help", "/operator/help/{help_id}",
)  # fmt: skip
MORE = ("/orders?tab=all&q=nothing", "/orders?tab=all&number=1,2", "/nowhere")


async def look(page: Page, paths: Sequence[str], options: dict[str, Any]) -> list[str]:
    """What is wrong with the pages; none is wider than the window."""
    found, look_of = [], words_of(options)
    # The document is the same in every look, and most rules are about it.
    rules = ALL_RULES if options is LOOKS[0] else RULES_OF_A_LOOK
    width = (page.viewport_size or {"width": 0})["width"]
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status in (200, 401, 404), (path, answer.status)
        found += [f"{look_of} {path}: {flaw}" for flaw in await flaws(page, rules)]
        wide = await page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{look_of} {path}: {wide} px wide in a window of {width}")
    return found


def words_of(options: dict[str, Any]) -> str:
    return f"{options['color_scheme']} {options['viewport']['width']}"


async def test_the_pages_of_getting_in_have_no_flaw(stack: Stack, browser: Chromium) -> None:
    found: list[str] = []
    for options in LOOKS:
        async with browser.visit(stack.urls["console"], **options) as page:
            found += await look(page, pages(of_members=False), options)
    assert found == []


@pytest.mark.parametrize("party", ["three_pl", "brand"])
async def test_the_pages_of_a_party_have_no_flaw(
    stack: Stack, browser: Chromium, ids: Ids, party: str
) -> None:
    paths = [ids.path(one, party) for one in pages_of(party)]
    found: list[str] = []
    for options in LOOKS:
        async with browser.visit(stack.urls["console"], **options) as page:
            await log_in(page, ids.emails[party])
            found += await look(page, [*paths, *MORE], options)
    assert found == []


async def test_the_pages_of_the_operator_have_no_flaw(
    stack: Stack, browser: Chromium, ids: Ids
) -> None:
    found: list[str] = []
    for options in LOOKS:
        async with browser.visit(stack.urls["console"], **options) as page:
            await page.goto("/operator")
            await page.fill('[name="key"]', stack.operator_key)
            await page.click("button.primary")
            await page.goto("/operator/prices/new")
            await page.fill('[name="name"]', "Platform")
            await page.fill('[name="charged_account"]', str(uuid4()))
            await page.fill('[name="currency"]', "EUR")
            await page.fill('[name="prices/per_order"]', "0.20")
            # As who presses Enter: it saves, and takes no row away.
            await page.keyboard.press("Enter")
            await page.wait_for_url(re.compile(r"/operator/prices/[0-9a-f-]{36}$"))
            paths = [path.format(help_id=ids.help_id) for path in OF_THE_OPERATOR]
            found += await look(page, [urlsplit(page.url).path, *paths], options)
    assert found == []
