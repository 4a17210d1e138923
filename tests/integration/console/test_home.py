"""The first page and the help, with some of the APIs away."""

import pytest

from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console

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
