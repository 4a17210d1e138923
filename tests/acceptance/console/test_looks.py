"""Every page in a real browser: axe finds nothing, in light and dark, wide and narrow."""

from collections.abc import Sequence
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from playwright.async_api import Page
from pydantic import SecretStr

from relevo.local.stack import Stack
from relevo.operate import secrets
from services.console.dependencies import Member
from services.console.main import create_app
from services.console.settings import Settings
from shared.web.access import accesses_of
from tests.acceptance.console.conftest import Ids, log_in
from tests.kit.chromium import Chromium, flaws

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]
LOOKS: tuple[dict[str, Any], ...] = (
    {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    # 320 px wide is also what 1280 px are when they are shown at 400 % (WCAG 2.2, 1.4.10).
    {"color_scheme": "dark", "viewport": {"width": 320, "height": 800}},
)
# What is no page of its own: parts of one, files, and what needs what there is not here.
NO_PAGES = {
    "/health/live", "/health/ready", "/metrics", "/orders/export", "/orders/live",
    "/connections/{connection_id}/handovers/list",
    "/connections/{connection_id}/handovers/{handover_id}",
    "/stores/{store_id}/quarantine/{entry}", "/account/switch/{account_id}",
}  # fmt: skip
MORE = ("/orders?tab=all&q=nothing", "/orders?tab=all&number=1,2", "/nowhere")
OF_THREE_PL_ALONE = {"/integrations/add", "/brands/{brand_id}", "/brands/{brand_id}/edit"}
OF_BRAND_ALONE = {"/invitations", "/webhooks/add"}


def pages(*, of_members: bool) -> list[str]:
    """The paths of all pages there are, of one kind."""
    keys = secrets.generate()["RELEVO_SEALING_KEYS"]
    app = create_app(Settings(postgres_dsn=SecretStr("postgresql://x/x"), sealing_keys=keys))
    found = []
    for route in iter_route_contexts(app.routes):
        is_page = isinstance(route.original_route, APIRoute) and "GET" in (route.methods or ())
        if is_page and route.path not in NO_PAGES:
            is_members = any(type(one) is Member for one in accesses_of(route.dependant))
            if is_members == of_members:
                found.append(route.path or "")
    return found


async def look(page: Page, paths: Sequence[str], look_of: str) -> list[str]:
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
            found += await look(page, pages(of_members=False), words_of(options))
    assert found == []


@pytest.mark.parametrize("party", ["three_pl", "brand"])
async def test_the_pages_of_a_party_have_no_flaw(
    stack: Stack, browser: Chromium, ids: Ids, party: str
) -> None:
    others = OF_BRAND_ALONE if party == "three_pl" else OF_THREE_PL_ALONE
    found_pages = [one for one in pages(of_members=True) if one not in others]
    is_brands = party == "brand"
    paths = [ids.path(one) for one in found_pages if is_brands or not one.startswith("/stores")]
    found: list[str] = []
    for options in LOOKS:
        async with browser.visit(stack.urls["console"], **options) as page:
            await log_in(page, ids.emails[party])
            found += await look(page, [*paths, *MORE], words_of(options))
    assert found == []
