"""Carrier accounts in the browser: added, asked, changed, removed; secrets shown once, or never."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.connections.main import create_app as create_connections
from services.connections.settings import Settings as ConnectionsSettings
from services.fulfilment.main import create_app as create_fulfilment
from services.fulfilment.settings import Settings as FulfilmentSettings
from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console, Screens
from tests.kit.sendcloud import KEYS, FakeSendcloud
from tests.kit.serving import ready, running

pytestmark = pytest.mark.engines
PATH = "/account/carriers"
TYPED = "<script>alert(1)</script>"


@pytest.fixture
async def browser(
    service_settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Screens]:
    """A 3PL at the console, with fulfilment and Sendcloud behind it."""
    async with FakeSendcloud() as sendcloud:
        monkeypatch.setenv("RELEVO_FULFILMENT_SENDCLOUD_URL", sendcloud.url)
        connections = create_connections(ConnectionsSettings())
        fulfilment = create_fulfilment(FulfilmentSettings())
        apps = {"connections": connections, "fulfilment": fulfilment}
        async with (
            running(connections) as client,
            running(fulfilment) as other,
            Console.of(apps) as console,
        ):
            await ready(client)
            await ready(other)
            found = console.browser()
            three_pl = await Api.of(client, service_settings).three_pl()
            await found.log_in(three_pl.email, PASSWORD)
            yield found


async def test_sendcloud_is_added_asked_changed_and_removed(
    browser: Screens, postgres_dsn: str
) -> None:
    assert "No carrier account yet" in (await browser.open(PATH)).text
    form = await browser.open(f"{PATH}/add")
    keys = {"settings__public_key": KEYS[0], "settings__secret_key": "not it"}
    wrong = await browser.submit(
        form, f"{PATH}/add", carrier="No Carrier", settings__sender_address_id="x", **keys
    )
    assert wrong.status == 422
    for name in ("carrier", "name", "settings-sender_address_id", "settings-secret_key"):
        assert f"f-{name}-wrong" in wrong.html, name
    assert ("settings/public_key", KEYS[0]) in wrong.form(f"{PATH}/add").fields
    assert "not it" not in wrong.html
    keys |= {"settings__secret_key": "false", "settings__sender_address_id": "7"}
    made = await browser.submit(wrong, f"{PATH}/add", carrier="correos", name=TYPED, **keys)
    assert (TYPED in made.text, "<script>alert" in made.html) == (True, False)
    at = made.path
    assert f"/webhooks/sendcloud/{at.rpartition('/')[2]}" in made.text
    form = await browser.open(f"{PATH}/add")
    twice = await browser.submit(form, f"{PATH}/add", carrier="correos", name="Again", **keys)
    assert (twice.status, "Change that one." in twice.text) == (409, True)
    refused = await browser.open(f"{at}?country=ES")
    assert "does not take the credentials" in refused.text

    # Keys are typed anew, and who was second is told.
    fixed = {"settings__secret_key": KEYS[1]}
    empty = await browser.submit(made, f"{at}/change")
    assert (empty.status, "f-settings-secret_key-wrong" in empty.html) == (422, True)
    changed = await browser.submit(empty, f"{at}/change", **fixed)
    assert "Saved." in changed.text
    late = await browser.submit(empty, f"{at}/change", **fixed)
    assert (late.status, "Somebody else has changed this" in late.text) == (412, True)
    asked = await browser.open(f"{at}?country=ES&postcode=28013")
    assert ("postnl:standard" in asked.text, "€4.95" in asked.text) == (True, True)
    none = await browser.open(f"{at}?country=Spain")
    assert (none.status, "f-country-wrong" in none.html) == (422, True)
    assert ("country", "Spain") in none.form(at).fields

    # A label is under way with it.
    database = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "fulfilment"})
    await database.execute("SET session_replication_role = replica")
    await database.execute(
        "INSERT INTO labels (id, shipment_id, round, order_id, brand_id, carrier_account_id, "
        "state, next_step, requested_by, next_attempt_at) "
        "VALUES ($1, $1, 1, $1, $1, $2, 'requested', 'buy', $1, now() + interval '1 day')",
        uuid7(), at.rpartition("/")[2],
    )  # fmt: skip
    kept = await browser.submit(changed, f"{at}/remove")
    assert (kept.status, "are under way" in kept.text) == (409, True)
    await database.execute("DELETE FROM labels")
    await database.close()
    gone = await browser.submit(kept, f"{at}/remove")
    assert ("Removed." in gone.text, "No carrier account yet" in gone.text) == (True, True)


async def test_the_secret_of_a_system_of_ones_own_is_shown_once(browser: Screens) -> None:
    form = await browser.open(f"{PATH}/add?kind=http")
    typed = {"carrier": "own", "name": "Ours", "settings__url": "ftp://nobody"}
    wrong = await browser.submit(form, f"{PATH}/add", **typed)
    assert (wrong.status, "begins with https://" in wrong.text) == (422, True)
    assert "f-settings-url-wrong" in wrong.html
    made = await browser.submit(wrong, f"{PATH}/add", settings__url="http://127.0.0.1:9/labels")
    assert made.html.count('value="whsec_') == 1
    [at] = [one.action for one in made.forms if one.method == "get"]
    seen = await browser.open(at)
    assert "whsec_" not in seen.html
    assert ("settings/url", "http://127.0.0.1:9/labels") in seen.form(f"{at}/change").fields
    renamed = await browser.submit(seen, f"{at}/change", name="Theirs")
    assert ("Theirs" in renamed.text, "whsec_" in renamed.html) == (True, False)
    renewed = await browser.submit(renamed, f"{at}/change", new_secret="yes")
    assert renewed.html.count('value="whsec_') == 1
    assert made.html.split("whsec_")[1][:20] != renewed.html.split("whsec_")[1][:20]

    by_hand = await browser.open(f"{PATH}/add?kind=manual")
    made = await browser.submit(by_hand, f"{PATH}/add", carrier="ups", name="UPS")
    assert "Ask the carrier" not in made.text
    assert "own Theirs" in (await browser.open(PATH)).text
