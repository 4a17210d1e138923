"""The first page and the help, with some of the APIs away."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.contracts.notices import (
    DeliveriesExhausted,
    EndpointDisabled,
    NoticeRaised,
    OrdersHandedBack,
    OrdersQuarantined,
)
from shared.kafka.topics import NOTICES
from tests.kit.client import PASSWORD, Api
from tests.kit.publishers import Topics
from tests.kit.screens import Console
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]


async def test_the_first_page_says_what_waits_and_what_is_not_known_now(
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    connection = f"/connections/{added['connection']['id']}"
    for party, waits in ((three_pl, True), (brand, False)):
        browser = console.browser()
        await browser.log_in(party.email, PASSWORD)
        home = await browser.open("/")
        assert home.status == 200
        assert (connection in home.links) is waits, home.text
        # Orders, webhooks and quarantine do not answer here.
        assert home.text.count("Not known now") >= 3
    somebody = await api.sign_up("three_pl")
    new = console.browser("es")
    await new.log_in(somebody.email, PASSWORD)
    home = await new.open("/")
    assert "Conecta a tu primer cliente" in home.text
    assert "/integrations/add" in home.links


async def test_the_first_page_has_each_kind_of_notice_with_where_to_look(
    accounts: Accounts, kafka: str, topic_prefix: str
) -> None:
    console, api = accounts
    brand, now = await api.sign_up("brand"), datetime.now(UTC)
    store, connection = uuid7(), uuid7()
    kinds = (
        EndpointDisabled(endpoint_id=uuid7(), host="hooks.test", parked=1),
        DeliveriesExhausted(endpoint_id=uuid7(), host="hooks.test", deliveries=1, since=now),
        OrdersQuarantined(store_id=store, entries=1, since=now),
        OrdersHandedBack(connection_id=connection, store_id=store, epoch=1, returned=1, stayed=0),
    )
    async with Topics(kafka, topic_prefix) as topics:
        for data in kinds:
            notice = NoticeRaised(id=uuid7(), account_id=UUID(brand.id), data=data, raised_at=now)
            await topics.publish(NOTICES.name, brand.id, notice)
    browser = console.browser()
    await browser.log_in(brand.email, PASSWORD)
    home = await eventually(
        lambda: browser.open("/"), lambda page: "Orders were handed back." in page.text
    )
    for words in ("A webhook was switched off", "Deliveries were given up.", "wait in quarantine."):
        assert words in home.text
    assert {f"/connections/{connection}", f"/stores/{store}/quarantine"} <= set(home.links)


async def test_the_help_is_for_anyone_in_both_languages(accounts: Accounts) -> None:
    console, _ = accounts
    english, spanish = console.browser(), console.browser("es")
    for path, words in (
        ("/help", ("Who has an order", "De quién es un pedido")),
        ("/help/connect-your-client", ("Add the brand.", "Añade la marca.")),
        ("/help/connect-your-3pl", ("Open the link.", "Abre el enlace.")),
    ):
        assert words[0] in (await english.open(path)).text
        assert words[1] in (await spanish.open(path)).text
