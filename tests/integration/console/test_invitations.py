"""A brand invites 3PLs, and blocks one."""

import re

import pytest

from tests.kit.client import PASSWORD, Api
from tests.kit.screens import Console

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]
TYPED = "<script>alert(1)</script>"


async def test_a_3pl_is_invited_again_and_no_more_and_another_one_is_blocked(
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    browser = console.browser()
    await browser.log_in(brand.email, PASSWORD)
    form = await browser.open("/invitations")
    wrong = await browser.submit(form, "/invitations", email="nobody", own_words=TYPED)
    assert (wrong.status, TYPED in wrong.html) == (422, False)
    assert 'id="f-email-wrong"' in wrong.html
    assert dict(wrong.form("/invitations").fields)["own_words"] == TYPED
    sent = await browser.submit(wrong, "/invitations", email="hi@south.test", own_words="Hi!")
    assert "The mail is on its way." in sent.text
    assert added["store"]["domain"] in sent.text
    assert "Hi!" in (await api.mailbox.wait_for("hi@south.test"))[-1].text
    invitation = re.search(r"/invitations/[0-9a-f-]{36}", sent.html)
    assert invitation
    again = await browser.submit(sent, f"{invitation[0]}/resend")
    assert "The mail is on its way." in again.text
    withdrawn = await browser.submit(again, f"{invitation[0]}/withdraw")
    assert "Its link is over." in withdrawn.text
    late = await browser.send(f"{invitation[0]}/resend", {})
    assert late.status == 409

    connection = await browser.open(f"/connections/{added['connection']['id']}")
    blocked = await browser.submit(connection, f"/blocks/{three_pl.id}")
    assert "It is blocked" in blocked.text
    assert [one["name"] for one in (await brand.get("/v1/blocks"))["data"]] == ["three_pl Ltd"]
    lifted = await browser.submit(blocked, f"/blocks/{three_pl.id}/lift")
    assert (await brand.get("/v1/blocks"))["data"] == []
    assert f"/blocks/{three_pl.id}/lift" not in lifted.html
    # The 3PL has no such page, and cannot touch what is the brand's.
    theirs = console.browser("es")
    await theirs.log_in(three_pl.email, PASSWORD)
    assert (await theirs.open("/invitations")).path == "/integrations"
    assert (await theirs.send(f"{invitation[0]}/withdraw", {})).status in (403, 404)
