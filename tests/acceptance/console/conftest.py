"""The whole stack, and a browser."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Page

from relevo.bench.browser import executable
from relevo.local.stack import Stack
from tests.acceptance.conftest import a_stack
from tests.acceptance.console.people import PASSWORD
from tests.kit.chromium import MISSING, Chromium, chromium
from tests.kit.client import Api
from tests.kit.mailbox import Folder
from tests.kit.waiting import eventually


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Shared by all tests of the console: they look at what is their own."""
    return a_stack(Path(__file__).parent, tmp_path_factory)


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
    ticket_id: str
    list_id: str
    help_id: str
    shipment_id: str
    carrier_accounts: dict[str, str]
    emails: dict[str, str]

    def path(self, template: str, party: str) -> str:
        account = self.carrier_accounts[party]
        return template.format(**self.__dict__, carrier_account_id=account)


async def a_ticket(client: httpx.AsyncClient, stack: Stack, token: str, form: Any) -> str:
    """The id of a ticket that its order's support owner opened, once fulfilment has the order."""
    url = f"{stack.urls['fulfilment']}/v1/tickets"
    headers = {"authorization": f"Bearer {token}"}

    async def made() -> httpx.Response:
        return await client.post(url, json=form, headers=headers)

    answer = await eventually(made, lambda found: found.status_code != 404)
    assert answer.status_code == 201, answer.text
    ticket = str(answer.json()["id"])
    assert (await client.post(f"{url}/{ticket}/open", headers=headers)).is_success
    return ticket


async def a_shipment(client: httpx.AsyncClient, stack: Stack, token: str) -> str:
    """The id of the shipment of the order that a 3PL has open, and works from now on."""
    headers = {"authorization": f"Bearer {token}"}

    async def first(service: str, path: str) -> list[Any]:
        answer = await client.get(f"{stack.urls[service]}{path}", headers=headers)
        found: list[Any] = answer.json()["data"]
        return found

    def of_second(found: list[Any]) -> bool:
        return bool(found) and found[0]["external_id"] == "1002"

    (order, *_) = await eventually(lambda: first("routing", "/v1/orders"), of_second)
    url = f"{stack.urls['routing']}/v1/orders/{order['id']}/process"
    worked = await client.post(url, json={"version": order["version"]}, headers=headers)
    assert worked.is_success, worked.text
    path = f"/v1/shipments?order_id={order['id']}"
    return str((await eventually(lambda: first("fulfilment", path)))[0]["id"])


async def a_carrier_account(client: httpx.AsyncClient, stack: Stack, token: str) -> str:
    """The id of an account with Sendcloud."""
    keys = {"sender_address_id": 7, "public_key": "p", "secret_key": "s"}
    body = {"carrier": "seur", "name": "Ours", "settings": {"kind": "sendcloud", **keys}}
    made = await client.post(
        f"{stack.urls['fulfilment']}/v1/carrier-accounts",
        json=body,
        headers={"authorization": f"Bearer {token}"},
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


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

        async def sent(number: str = "1001") -> int:
            path = f"{stack.urls['ingest']}/v1/stores/{store}/orders"
            body = order | {"external_id": number}
            answer = await client.post(path, json=body, headers={"authorization": f"Bearer {key}"})
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
        written = {
            "order_id": orders[0]["id"], "category": "extreme_delay", "message": "Where is it?",
            "fields": {"days_since_shipped": 9},
        }  # fmt: skip
        ticket = await a_ticket(client, stack, brand.token, written)
        asked = {"category": "billing", "message": "Why is it so much?"}
        prices = {
            "name": "Usual", "currency": "EUR", "charged_account": brand.id,
            "prices": {"per_order": "1", "weight_bands": [{"up_to_grams": 1000, "amount": "2"}],
                       "carriers": {"seur": "3"}},
        }  # fmt: skip
        url = f"{stack.urls['fulfilment']}/v1/price-lists"
        made = await client.post(url, json=prices, headers=headers)
        assert made.status_code == 201, made.text
        await sent("1002")
        accounts = {
            "three_pl": await a_carrier_account(client, stack, three_pl.token),
            "brand": await a_carrier_account(client, stack, brand.token),
        }
        emails = {"three_pl": three_pl.email, "brand": brand.email}
        return Ids(
            order_id=orders[0]["id"],
            connection_id=connection,
            delivery_id=deliveries[0]["id"],
            endpoint_id=deliveries[0]["endpoint_id"],
            store_id=store,
            brand_id=added["id"],
            ticket_id=ticket,
            list_id=made.json()["id"],
            help_id=await a_ticket(client, stack, brand.token, asked),
            shipment_id=await a_shipment(client, stack, three_pl.token),
            carrier_accounts=accounts,
            emails=emails,
        )
