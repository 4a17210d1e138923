"""People, API clients, sessions and what is mailed, on the pages of the account."""

import re

import pytest

from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console, Page, Screens

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]
TYPED = "<script>alert(1)</script>"


async def logged_in(console: Console, api: Api, kind: str = "brand") -> tuple[Screens, str]:
    person = await api.sign_up(kind)
    browser = console.browser()
    await browser.log_in(person.email, PASSWORD)
    return browser, person.email


async def test_somebody_is_asked_in_joins_and_is_let_go(accounts: Accounts) -> None:
    console, api = accounts
    browser, email = await logged_in(console, api)
    people = await browser.open("/account/people")
    assert email in people.text
    wrong = await browser.submit(people, "/account/people", email="nobody", role="viewer")
    assert wrong.status == 422
    assert "Write an e-mail address" in wrong.text
    assert 'value="nobody"' in wrong.html
    sent = await browser.submit(wrong, "/account/people", email="bob@acme.test")
    assert "The mail is on its way." in sent.text

    bob = console.browser()
    mail = (await api.mailbox.wait_for("bob@acme.test"))[-1]
    asks = await bob.submit(await bob.open("/join"), "/join", token=mail.token)
    home = await bob.submit(asks, "/join", password="another good one 7")
    assert "bob@acme.test" in home.text
    # A viewer is offered nothing, and refused when they ask all the same.
    seen = await bob.open("/account/people")
    assert [one.action for one in seen.forms] == ["/log-out"]
    refused = await bob.send("/account/people", {"email": "eve@acme.test", "role": "owner"})
    assert refused.status == 403
    assert "Your role does not allow this." in refused.text

    people = await browser.open("/account/people")
    row = re.search(
        r"/account/people/([0-9a-f-]{36})/remove", people.html[people.html.index("bob@") :]
    )
    assert row
    gone = await browser.submit(people, row[0])
    assert "bob@acme.test" not in gone.text
    await bob.is_out()


async def test_an_api_client_is_made_its_secret_is_seen_once_and_it_ends(
    accounts: Accounts,
) -> None:
    console, api = accounts
    browser, _ = await logged_in(console, api, "three_pl")
    clients = await browser.open("/account/clients")
    made = await browser.submit(
        clients, "/account/clients", name=TYPED, scopes=["orders:read", "webhooks:read"]
    )
    shown = re.findall(r'<input id="c-client_(?:id|secret)" value="([^"]+)"', made.html)
    client_id, secret = shown
    assert TYPED not in made.html
    token = await api.client.post(
        "/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client_id, secret),
    )
    assert token.status_code == 200, token.text
    # The same form sent once more makes no second client.
    again = await browser.submit(
        clients, "/account/clients", name=TYPED, scopes=["orders:read", "webhooks:read"]
    )
    assert again.status == 200
    later = await browser.open("/account/clients")
    assert secret not in later.html
    assert later.html.count(f"/account/clients/{client_id}/remove") == 1
    ended = await browser.submit(later, f"/account/clients/{client_id}/remove")
    assert "No program works for this account yet" in ended.text


async def test_other_sessions_are_ended_and_notices_are_chosen(accounts: Accounts) -> None:
    console, api = accounts
    browser, email = await logged_in(console, api)
    other = console.browser()
    await other.log_in(email, PASSWORD)
    page = await browser.open("/account")
    ended = await browser.submit(_with_all(page), "/account/sessions/end", session_id="")
    assert "The session is over." in ended.text
    await other.is_out()
    saved = await browser.submit(ended, "/account/notifications", mailed=["orders_handed_back"])
    assert dict(saved.form("/account/notifications").fields) == {"mailed": "orders_handed_back"}


def _with_all(page: Page) -> Page:
    assert "Log out everywhere else" in page.text
    return page


async def test_the_audit_shows_names_and_a_bad_filter_is_said(accounts: Accounts) -> None:
    console, api = accounts
    _, brand, added = await api.connected()
    browser = console.browser()
    await browser.log_in(brand.email, PASSWORD)
    audit = await browser.open("/account/audit")
    assert f"/connections/{added['connection']['id']}" in audit.links
    bad = await browser.open("/account/audit?since=yesterday")
    assert bad.status == 422
    assert "This did not work" in bad.text


async def test_another_address_is_asked_for_with_the_password(accounts: Accounts) -> None:
    console, api = accounts
    browser, email = await logged_in(console, api)
    page = await browser.open("/account")
    wrong = await browser.submit(
        page, "/account/email", email="new@acme.test", password="not this one"
    )
    assert wrong.status in (401, 403)
    assert 'value="new@acme.test"' in wrong.html
    sent = await browser.submit(page, "/account/email", email="new@acme.test", password=PASSWORD)
    assert "The mail is on its way." in sent.text
    mail = (await api.mailbox.wait_for("new@acme.test"))[-1]
    sure = await browser.submit(
        await browser.open("/change-email"), "/change-email", token=mail.token
    )
    done = await browser.submit(sure, "/change-email")
    assert "Your address is changed." in done.text
    assert (await console.browser().log_in(email, PASSWORD)).status == 401
    assert (await console.browser().log_in("new@acme.test", PASSWORD)).path == "/"
