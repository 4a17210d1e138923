"""Every page in a real browser: axe finds nothing, in light and dark, wide and narrow."""

from typing import Any

import pytest
from playwright.async_api import Page

from relevo.local.stack import Stack
from tests.acceptance.console.conftest import Ids, log_in
from tests.kit.chromium import Chromium, flaws

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]
LOOKS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    # 320 px wide is also what 1280 px are when they are shown at 400 % (WCAG 2.2, 1.4.10).
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 800}},
)
OUTSIDE = (
    "/log-in", "/sign-up", "/forgotten-password", "/confirm", "/accept", "/nowhere", "/operator",
    "/help", "/help/connect-your-client", "/help/connect-your-3pl",
)  # fmt: skip
OF_BOTH = (
    "/", "/orders?tab=orders", "/orders?tab=all&q=nothing", "/orders/{order}", "/integrations",
    "/connections/{connection}", "/connections/{connection}/switch",
    "/connections/{connection}/disconnect", "/connections/{connection}/handovers",
    "/connections/{connection}/settings", "/connections/{connection}/versions",
    "/connections/{connection}/audit",
    "/webhooks", "/webhooks/deliveries",
    "/account", "/account/people", "/account/clients", "/account/audit",
)  # fmt: skip
OF_THREE_PL = ("/integrations/add", "/orders/{order}", "/webhooks/deliveries/{delivery}")
OF_BRAND = (
    "/webhooks/add", "/invitations", "/stores", "/stores/add", "/stores/{store}",
    "/stores/{store}/proof", "/stores/{store}/payments", "/stores/{store}/quarantine",
)  # fmt: skip


async def look(page: Page, paths: tuple[str, ...], look_of: str) -> list[str]:
    """What is wrong with the pages; none is wider than the window."""
    found = []
    width = (page.viewport_size or {"width": 0})["width"]
    for path in paths:
        answer = await page.goto(path)
        assert answer is not None
        assert answer.status in (200, 401, 404), (path, answer.status)
        found += [f"{look_of} {path}: {flaw}" for flaw in await flaws(page)]
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
            found += await look(page, OUTSIDE, words_of(options))
    assert found == []


@pytest.mark.parametrize("party", ["three_pl", "brand"])
async def test_the_pages_of_a_party_have_no_flaw(
    stack: Stack, browser: Chromium, ids: Ids, party: str
) -> None:
    own = OF_THREE_PL if party == "three_pl" else OF_BRAND
    paths = tuple(ids.path(one) for one in (*OF_BOTH, *own))
    found: list[str] = []
    for options in LOOKS:
        async with browser.visit(stack.urls["console"], **options) as page:
            await log_in(page, ids.emails[party])
            found += await look(page, paths, words_of(options))
    assert found == []
