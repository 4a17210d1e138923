"""The whole stack, and a browser."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from relevo.local.stack import Stack
from tests.acceptance.conftest import SETTINGS
from tests.acceptance.console.people import PASSWORD
from tests.kit.chromium import MISSING, Chromium, chromium, executable
from tests.kit.client import Api
from tests.kit.mailbox import Folder
from tests.kit.waiting import eventually


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Shared by all tests of the console: they look at what is their own."""
    stack = Stack(tmp_path_factory.mktemp("console"), SETTINGS)
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
async def browser() -> AsyncIterator[Chromium]:
    """A real one; the test fails if it complained of anything."""
    if executable() is None:
        pytest.skip(MISSING)
    async with chromium() as found:
        yield found
        assert found.complaints == []


async def log_in(page: Page, email: str) -> None:
    """By the form, to the first page."""
    await page.goto("/log-in")
    await page.fill('[name="email"]', email)
    await page.fill('[name="password"]', PASSWORD)
    await page.click("button.primary")
    await page.wait_for_url("**/")


@dataclass
class Ids:
    """What there is to look at."""

    order_id: str
    connection_id: str
    delivery_id: str
    endpoint_id: str
    store_id: str
    brand_id: str
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
        return Ids(
            order_id=orders[0]["id"],
            connection_id=connection,
            delivery_id=deliveries[0]["id"],
            endpoint_id=deliveries[0]["endpoint_id"],
            store_id=store,
            brand_id=added["id"],
            emails=emails,
        )
