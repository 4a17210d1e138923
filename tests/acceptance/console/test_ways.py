"""Ways to use the console: without a script, and two people at one order."""

import pytest
from playwright.async_api import expect

from relevo.local.stack import Stack
from tests.acceptance.console.conftest import Ids, log_in
from tests.kit.chromium import Chromium

pytestmark = [pytest.mark.engines, pytest.mark.timeout(200)]


async def test_switch_settings_and_commands_work_without_a_script(
    stack: Stack, browser: Chromium, ids: Ids
) -> None:
    async with browser.visit(stack.urls["console"], java_script_enabled=False) as page:
        await log_in(page, ids.emails["three_pl"])
        await page.goto(f"/orders/{ids.order_id}")
        await page.get_by_role("button", name="Start processing").click()
        await page.goto(f"/orders/{ids.order_id}")
        await expect(page.locator(".head").first).to_contain_text("processing")
        await page.goto(f"/connections/{ids.connection_id}")
        await page.get_by_role("switch").click()
        if page.url.endswith("/switch"):
            await page.get_by_role("button", name="Switch off").click()
        await expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
        await page.goto(f"/connections/{ids.connection_id}/settings")
        await page.locator('[name="billing_owner"][value="three_pl"]').check()
        await page.locator('form[action$="/settings"] button.primary').click()
        await page.goto(f"/connections/{ids.connection_id}/settings")
        await expect(page.locator('[name="billing_owner"][value="three_pl"]')).to_be_checked()


async def test_the_second_of_two_people_is_told_and_overwrites_nothing(
    stack: Stack, browser: Chromium, ids: Ids
) -> None:
    async with (
        browser.visit(stack.urls["console"]) as first,
        browser.visit(stack.urls["console"]) as second,
    ):
        for page in (first, second):
            await log_in(page, ids.emails["three_pl"])
            await page.goto(f"/orders/{ids.order_id}")
        await first.get_by_role("button", name="Start processing").click()
        await first.goto(f"/orders/{ids.order_id}")
        await expect(first.locator(".head").first).to_contain_text("processing")
        # What stands on the second one's page is old by now.
        await second.locator("summary", has_text="hold").first.click()
        await second.get_by_role("button", name="Put on hold").click()
        await expect(second.get_by_role("alert").first).to_be_visible()
        await second.goto(f"/orders/{ids.order_id}")
        await expect(second.locator(".head").first).to_contain_text("processing")


async def test_a_service_that_is_down_takes_no_other_page_with_it(
    stack: Stack, browser: Chromium, ids: Ids
) -> None:
    async with browser.visit(stack.urls["console"]) as page:
        await log_in(page, ids.emails["three_pl"])
        stack.stop_service("webhooks")
        try:
            away = await page.goto("/webhooks")
            assert away is not None
            assert away.status == 503
            await expect(page.locator("h1")).to_contain_text("A part of Relevo is away")
            for path in ("/", "/orders?tab=orders", "/integrations", f"/orders/{ids.order_id}"):
                answer = await page.goto(path)
                assert answer is not None
                assert answer.status == 200, path
        finally:
            stack.start_service("webhooks")
        there = await page.goto("/webhooks")
        assert there is not None
        assert there.status == 200
    # A page of 503 is what was asked for here.
    browser.visits.clear()
