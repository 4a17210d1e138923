"""3PL Integrations: the list, adding a brand, and the link that it is to get."""

import re

import pytest

from tests.kit.client import PASSWORD, Api, Party, brand_form
from tests.kit.screens import Console, Screens

pytestmark = pytest.mark.engines
Accounts = tuple[Console, Api]
TYPED = "<script>alert(1)</script>"
FORM = {
    "company_name": "Casa Ruiz",
    "store_url": "https://casa-ruiz.example",
    "platform": "woocommerce",
    "contact/name": "Ana",
    "contact/email": "ana@casa-ruiz.test",
}


async def at(console: Console, party: Party, language: str = "en") -> Screens:
    browser = console.browser(language)
    await browser.log_in(party.email, PASSWORD)
    return browser


async def test_a_brand_is_added_and_its_link_is_shared_mailed_and_issued_again(
    accounts: Accounts,
) -> None:
    console, api = accounts
    browser = await at(console, await api.three_pl())
    empty = await browser.open("/integrations")
    assert "No brand is connected yet" in empty.text
    assert "/integrations/add" in empty.links

    form = await browser.open("/integrations/add")
    wrong = await browser.send(
        "/integrations/add",
        form.form("/integrations/add").filled(
            {
                **FORM,
                "contact/name": TYPED,
                "contact/email": "ana",
                "contact/phone": "12",
                "store_url": "not a shop",
                "warehouse/city": "Vigo",
                "priorities": ["cost", "speed"],
            }
        ),
    )
    assert wrong.status == 422
    for name in ("contact-email", "contact-phone", "store_url", "warehouse-address1"):
        assert f'id="f-{name}-wrong"' in wrong.html, name
    assert TYPED not in wrong.html
    sent = dict(wrong.form("/integrations/add").fields)
    assert (sent["contact/name"], sent["warehouse/city"]) == (TYPED, "Vigo")

    right = wrong.form("/integrations/add").filled(
        {**FORM, "contact/name": TYPED, "contact/phone": "", "warehouse/city": ""}
    )
    added = await browser.send("/integrations/add", right)
    assert added.status == 200
    assert "Casa Ruiz is added." in added.text
    assert TYPED in added.text
    link = _link(added.html)
    assert "/login#token=" in link
    # The same form sent once more is the same brand with the same link.
    again = await browser.send("/integrations/add", right)
    assert _link(again.html) == link

    listed = await browser.open("/integrations")
    assert "casa-ruiz.example" in listed.text
    assert "The brand: accept, by the link" in listed.text
    brand = re.search(r"/brands/[0-9a-f-]{36}", added.html)
    assert brand
    mailed = await browser.submit(added, f"{brand[0]}/mail")
    assert "The mail to ana@casa-ruiz.test is on its way." in mailed.text
    mail = (await api.mailbox.wait_for("ana@casa-ruiz.test"))[-1]
    assert (await api.accept(mail.token, password=PASSWORD)).status_code == 201
    later = await browser.open(brand[0])
    assert "#token=" not in later.html
    assert "Issue a new link" not in later.text


async def test_a_new_link_ends_the_one_before_and_the_form_is_changed_until_it_is_accepted(
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    browser = await at(console, three_pl)
    path = f"/brands/{added['id']}"
    issued = await browser.submit(await browser.open(path), f"{path}/link")
    assert _link(issued.html) != added["login_link"]["url"]
    opened = await api.client.post(
        "/v1/login-links/open", json={"token": added["login_link"]["token"]}
    )
    assert opened.json()["code"] == "login_link_expired"

    edit = await browser.open(f"{path}/edit")
    bad = await browser.submit(edit, f"{path}/edit", contact__email="nobody")
    assert (bad.status, 'value="nobody"' in bad.html) == (422, True)
    saved = await browser.submit(
        bad, f"{path}/edit", contact__email="new@acme.test", company_name="Acme <b>", priorities=[]
    )
    assert "Saved." in saved.text
    assert "Acme <b>" in saved.text
    assert "new@acme.test" in saved.text
    assert "Calle Mayor 1" in saved.text
    stale = await browser.submit(edit, f"{path}/edit", company_name="Late")
    assert stale.status == 412
    assert "Somebody else has changed this" in stale.text
    # What is another 3PL's is not here.
    stranger = await at(console, await api.three_pl())
    assert (await stranger.open(path)).status == 404
    assert (await stranger.send(f"{path}/mail", {"token": "x"})).status == 404


async def test_the_list_is_there_when_other_services_are_away_and_is_searched(
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    other = await three_pl.post("/v1/brands", brand_form(company_name="Zeta"))
    browser = await at(console, three_pl)
    found = await browser.open("/integrations")
    assert found.status == 200
    assert found.text.count("not known now") == 2
    assert "You: say where orders are sent" in found.text
    assert other["store"]["domain"] in found.text
    searched = await browser.open(f"/integrations?q={added['store']['domain']}")
    assert other["store"]["domain"] not in searched.text
    assert "Nothing fits" in (await browser.open("/integrations?q=zzz&state=active")).text
    # The brand sees its side, in its language, and its 3PL alone.
    theirs = await (await at(console, brand, "es")).open("/integrations")
    assert "Tus 3PL" in theirs.text
    assert added["store"]["domain"] in theirs.text
    assert "Zeta" not in theirs.text
    assert "El 3PL: indicar adónde se envían los pedidos" in theirs.text


async def test_a_3pl_without_the_plan_is_told_so_and_nothing_is_lost(accounts: Accounts) -> None:
    console, api = accounts
    browser = await at(console, await api.sign_up("three_pl"))
    form = await browser.open("/integrations/add")
    refused = await browser.send("/integrations/add", form.form("/integrations/add").filled(FORM))
    assert refused.status == 402
    assert "plan Conquer" in refused.text
    assert dict(refused.form("/integrations/add").fields)["company_name"] == "Casa Ruiz"


def _link(html: str) -> str:
    found = re.search(r'value="(http[^"]+#token=[^"]+)"', html)
    assert found, html
    return found[1]
