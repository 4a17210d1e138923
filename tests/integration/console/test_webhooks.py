"""Endpoints and deliveries on the pages of webhooks."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from uuid_utils.compat import uuid7

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.webhooks.main import create_app as create_webhooks
from services.webhooks.settings import Settings as WebhooksSettings
from shared.sealing import Sealer
from tests.kit.client import PASSWORD, Api
from tests.kit.publishers import EventPublisher, Topics
from tests.kit.receiver import Receiver
from tests.kit.screens import Console, Page, Screens
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"


@dataclass
class World:
    console: Console
    api: Api
    topics: Topics
    sealer: Sealer


@pytest.fixture
async def world(
    service_settings: dict[str, str], kafka: str, topic_prefix: str
) -> AsyncIterator[World]:
    connections, webhooks = (
        create_connections(ConnectionsSettings()),
        create_webhooks(WebhooksSettings()),
    )
    async with (
        running(connections) as client,
        running(webhooks) as other,
        Topics(kafka, topic_prefix) as topics,
        Console.of({"connections": connections, "webhooks": webhooks}) as console,
    ):
        await ready(client)
        await ready(other)
        sealer = Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])
        yield World(console, Api.of(client, service_settings), topics, sealer)


async def brand_at(world: World) -> tuple[Screens, str]:
    person = await world.api.sign_up("brand")
    browser = world.console.browser()
    await browser.log_in(person.email, PASSWORD)
    return browser, person.id


async def test_a_brand_adds_an_endpoint_tests_it_and_sees_what_was_delivered(world: World) -> None:
    browser, brand_id = await brand_at(world)
    async with Receiver() as receiver:
        form = await browser.open("/webhooks/add")
        wrong = await browser.submit(form, "/webhooks/add", url="not a url", description=TYPED)
        assert wrong.status == 422
        assert 'aria-invalid="true"' in wrong.html
        assert TYPED not in wrong.html
        made = await browser.submit(wrong, "/webhooks/add", url=receiver.url)
        secret = _shown(made, "whsec")
        assert secret.startswith("whsec_")
        assert TYPED not in made.html
        endpoint = re.search(r"/webhooks/endpoints/[0-9a-f-]{36}", made.html)
        assert endpoint
        assert secret not in (await browser.open(endpoint[0])).html

        tested = await browser.submit(made, f"{endpoint[0]}/test")
        assert "The receiver took it" in tested.text
        ping = receiver.got[-1]
        ping.verified(secret)

        shop = EventPublisher(world.topics, world.sealer, receiver.url)
        shop.brand_id = type(shop.brand_id)(brand_id)
        await shop.publish(shop.event(uuid7(), 1, to_three_pl=False))
        listed = await eventually(
            lambda: browser.open("/webhooks/deliveries?state=delivered"),
            lambda page: "order.created" in page.html and "/webhooks/deliveries/" in page.html,
        )
        path = next(
            link
            for link in listed.links
            if re.fullmatch(r"/webhooks/deliveries/[0-9a-f-]{36}", link)
        )
        delivery = await browser.open(path)
        assert "webhook-signature" in delivery.html
        before = len(receiver.got)
        again = await browser.submit(delivery, f"{path}/retry")
        assert again.path != path
        assert "It is sent again" in again.text
        await eventually(lambda: _count(receiver), lambda count: count > before)

        rotated = await browser.submit(await browser.open(endpoint[0]), f"{endpoint[0]}/rotate")
        assert _shown(rotated, "whsec") != secret
        gone = await browser.submit(rotated, f"{endpoint[0]}/remove")
        assert "Removed." in gone.text
        assert "No endpoint yet" in gone.text


async def test_what_belongs_to_others_is_not_here_and_a_bad_filter_is_said(world: World) -> None:
    browser, _ = await brand_at(world)
    nobody = "0198c0de-0000-7000-8000-000000000000"
    for path in (f"/webhooks/endpoints/{nobody}", f"/webhooks/deliveries/{nobody}"):
        page = await browser.open(path)
        assert (page.status, "This page is not here" in page.text) == (404, True)
    bad = await browser.open("/webhooks/deliveries?state=lost")
    assert bad.status == 422
    assert "This did not work" in bad.text
    assert (await browser.open("/webhooks/endpoints/nonsense")).status == 404


def _shown(page: Page, label: str) -> str:
    found = re.search(rf'<input id="c-{label}" value="([^"]+)"', page.html)
    assert found, page.text
    return found[1]


async def _count(receiver: Receiver) -> int:
    return len(receiver.got)
