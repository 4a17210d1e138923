"""Every page in a real browser: axe finds nothing, in light and dark, wide and narrow."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from relevo.local.stack import Stack
from tests.acceptance.console.people import PASSWORD
from tests.kit.chromium import Chromium, flaws
from tests.kit.client import Api
from tests.kit.mailbox import Folder
from tests.kit.waiting import eventually

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
    "/webhooks", "/webhooks/deliveries",
    "/account", "/account/people", "/account/clients", "/account/audit",
)  # fmt: skip
OF_THREE_PL = ("/integrations/add", "/orders/{order}", "/webhooks/deliveries/{delivery}")
OF_BRAND = ("/webhooks/add",)


@dataclass
class Ids:
    """What there is to look at."""

    order: str
    connection: str
    delivery: str
    store: str
    emails: dict[str, str]

    def path(self, template: str) -> str:
        return template.format(**self.__dict__)


@pytest.fixture
async def ids(stack: Stack) -> Ids:
    """A connection with an order whose webhook cannot be delivered."""
    async with httpx.AsyncClient(
        base_url=stack.urls["connections"], timeout=30, trust_env=False
    ) as client:
        api = Api(client, stack.operator_key, Folder(stack.mail_folder))
        three_pl, brand, added = await api.connected()
        store, connection = added["store"]["id"], added["connection"]["id"]
        credentials = f"/v1/stores/{store}/credentials"
        key = (await brand.post(credentials, {"kind": "api_key"}))["secret"]
        await three_pl.set(connection, webhook_url="http://127.0.0.1:9/nobody")
        await three_pl.post(f"/v1/connections/{connection}/activate")
        order = {
            "external_id": "1001", "number": "#1001", "currency": "EUR", "total": "10.00",
            "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
            "lines": [{"sku": "MUG", "title": "Mug", "quantity": 2, "price": "5.00"}],
            "shipping_address": {"name": "Zoë", "city": "Madrid", "country_code": "ES"},
        }  # fmt: skip
        headers = {"authorization": f"Bearer {three_pl.token}"}

        async def assigned() -> list[Any]:
            preview = f"{stack.urls['routing']}/v1/handovers/preview?connection={connection}"
            seen = await client.get(preview, headers=headers)
            return [seen.json().get("state")]

        await eventually(assigned, lambda found: found == ["active"])

        async def sent() -> int:
            path = f"{stack.urls['ingest']}/v1/stores/{store}/orders"
            answer = await client.post(path, json=order, headers={"authorization": f"Bearer {key}"})
            return answer.status_code

        await eventually(sent, lambda status: status == 202)

        async def first(service: str, path: str) -> list[Any]:
            answer = await client.get(f"{stack.urls[service]}{path}", headers=headers)
            found: list[Any] = answer.json()["data"]
            return found

        orders = await eventually(lambda: first("routing", "/v1/orders"))
        deliveries = await eventually(
            lambda: first("webhooks", "/v1/deliveries?state=retrying"), seconds=30
        )
        emails = {"three_pl": three_pl.email, "brand": brand.email}
        return Ids(orders[0]["id"], connection, deliveries[0]["id"], store, emails)


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
            await page.goto("/log-in")
            await page.fill('[name="email"]', ids.emails[party])
            await page.fill('[name="password"]', PASSWORD)
            await page.click("button.primary")
            await page.wait_for_url("**/")
            found += await look(page, paths, words_of(options))
    assert found == []
