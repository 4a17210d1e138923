"""Which orders a 3PL is sent: rules as a draft, in words, tried, and saved."""

import httpx
import pytest

from relevo.demo.story import generic_order
from tests.integration.console.test_connection import Accounts, at
from tests.kit.screens import Page, Screens
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
TYPED = "<script>alert(1)</script>"


async def press(browser: Screens, seen: Page, do: str, **typed: str) -> Page:
    """A button of the rules' form, with what was typed."""
    path = next(one.action for one in seen.forms if one.action.endswith("/order-rules"))
    return await browser.submit(seen, path, do=do, **typed)


async def test_a_draft_becomes_the_rules_and_the_3pl_reads_them(  # noqa: PLR0915  one story
    accounts: Accounts,
) -> None:
    console, api = accounts
    three_pl, brand, added = await api.connected()
    connection = f"/connections/{added['connection']['id']}"
    path = f"{connection}/order-rules"
    browser = await at(console, brand)
    seen = await browser.open(path)
    assert "There are no rules yet: every order is sent." in seen.text
    assert path in seen.links

    # What is wrong stands beside its field, and what was typed is still there.
    edit = await press(browser, seen, "add", kind="country")
    edit = await press(browser, edit, "more:0", kind="weight_grams", if__1__any_of="ES, PT")
    edit = await press(browser, edit, "more:0", kind="entered")
    wrong = await press(
        browser, edit, "done:0", if__1__any_of="Spain", if__2__at_least="5", if__2__at_most="3",
        if__3__time_zone="Mars",
    )  # fmt: skip
    assert wrong.status == 422
    assert {"f-name-wrong", "f-if-1-any_of-wrong", "f-if-2-at_least-wrong",
            "f-if-3-time_zone-wrong"} <= wrong.ids  # fmt: skip
    assert "It ends before it begins." in wrong.text
    assert ("if/1/any_of", "Spain") in wrong.form(path).fields
    seen = await press(
        browser, wrong, "done:0", name=TYPED, if__1__any_of="ES, PT", if__2__at_least="",
        if__2__at_most="2000", if__3__gone="yes",
    )  # fmt: skip
    assert "If the country is ES or PT and the weight is at most 2,000 g: send" in seen.text
    assert TYPED in seen.text
    assert "<script>alert" not in seen.html
    assert "Not saved yet" in seen.text

    edit = await press(browser, seen, "add", kind="tag")
    seen = await press(
        browser, edit, "done:1", name="Fragile", if__1__any_of="fragile\nglass, thin",
        then="do_not_send",
    )  # fmt: skip
    assert "If a tag is fragile or glass, thin: do not send" in seen.text
    seen = await press(browser, seen, "up:1", default="do_not_send")
    assert seen.text.index("Fragile") < seen.text.index("the country is")
    # Nothing of it is saved yet, whatever was pressed.
    rules = f"/v1{path}"
    assert (await brand.get(rules))["version"] == 0
    # Routing is away: the page stands.
    assert "This cannot be said now" in (await press(browser, seen, "try")).text
    saved = await press(browser, seen, "save")
    assert (saved.path, saved.status) == (path, 200)
    assert "Saved. It counts for orders that come in from now on." in saved.text
    assert "Not saved yet" not in saved.text
    now = await brand.get(rules)
    assert [one["name"] for one in now["rules"]] == ["Fragile", TYPED]
    assert (now["default"], now["rules"][0]["then"]) == ("do_not_send", "do_not_send")
    assert now["rules"][1]["if"]["conditions"][1] == {"kind": "weight_grams", "at_most": 2000}

    # The 3PL reads the same, in its language, and is offered nothing.
    reader = await at(console, three_pl, "es")
    theirs = await reader.open(path)
    assert "Si el país es ES o PT y el peso es como máximo 2000" in theirs.text.replace(".", "")
    assert path not in [one.action for one in theirs.forms]
    drafted = {**dict(saved.form(path).fields), "default": "send", "do": "save"}
    assert (await reader.send(path, drafted)).status == 403

    # Somebody else was faster: what was drafted is still there, and saved at the second attempt.
    draft = await press(browser, saved, "remove:0")
    await brand.set(added["connection"]["id"], billing_owner="three_pl")
    late = await press(browser, draft, "save")
    assert late.status == 412
    assert "Somebody else has changed this" in late.text
    assert "Fragile" not in late.text
    assert "Saved." in (await press(browser, late, "save")).text
    # What no page has made is no draft.
    again = await browser.send(path, {"draft": "eJxLTEoGAAJNAScx", "do": "save"})
    assert (again.status, again.path) == (200, path)
    nobodys = path.replace(added["connection"]["id"], "0198c0de-0000-7000-8000-000000000000")
    assert (await browser.open(nobodys)).status == 404


async def test_what_came_by_program_is_shown_in_words_and_kept(accounts: Accounts) -> None:
    console, api = accounts
    _, brand, added = await api.connected()
    path = f"/connections/{added['connection']['id']}/order-rules"
    nested = {"kind": "not", "condition": {"kind": "any", "conditions": [
        {"kind": "sku", "any_of": ["MUG-*"]},
        {"kind": "total", "currency": "EUR", "at_least": "0", "at_most": "49.90"},
        {"kind": "postcode", "country": "ES", "first": "28", "last": "29"},
        {"kind": "region", "country": "US", "any_of": ["CA"]},
    ]}}  # fmt: skip
    others = [
        {"kind": "entered", "time_zone": "Europe/Madrid", "weekdays": ["friday"], "since": "17:00"},
        {"kind": "customer_type", "is": "business"},
        {"kind": "item_count", "at_least": 0},
        {"kind": "shipping_method", "any_of": ["Express"]},
        {"kind": "store", "any_of": [added["store"]["id"]]},
    ]
    rule = {"name": "Kept", "if": {"kind": "all", "conditions": [nested, *others]}, "then": "send"}
    at_now = {"if-match": f'"{(await brand.get("/v1" + path))["connection_version"]}"'}
    put = await brand.call("PUT", "/v1" + path, {"rules": [rule]}, at_now)
    assert put.status_code == 200, put.text
    browser = await at(console, brand)
    seen = await browser.open(path)
    assert (
        "If not (a SKU is MUG-* or the order amount is €0.00 to €49.90 or the postcode in ES is "
        "28 to 29 or the province or state in US is CA) and it comes in on Friday from 17:00 on "
        "(Europe/Madrid) and the customer is a business and the number of pieces is at least 0 "
        "and the delivery method is Express and the store is a certain one: send"
    ) in seen.text
    # Not a field of it is lost on the way through the form.
    edit = await press(browser, seen, "edit:0")
    assert "This was made by a program" in edit.text
    renamed = await press(browser, edit, "done:0", name="Renamed")
    await press(browser, renamed, "save")
    assert (await brand.get("/v1" + path))["rules"] == [{**rule, "name": "Renamed"}]


async def test_a_draft_is_tried_on_the_orders_that_are_there(everything: Accounts) -> None:
    console, api = everything
    three_pl, brand, added = await api.connected()
    connection = f"/connections/{added['connection']['id']}"
    await three_pl.post(f"/v1{connection}/activate")
    made = await brand.post(f"/v1/stores/{added['store']['id']}/credentials", {"kind": "api_key"})
    headers = {"authorization": f"Bearer {made['secret']}"}
    browser = await at(console, brand)
    seen = await browser.open(f"{connection}/order-rules")

    async def tried() -> Page:
        return await press(browser, seen, "try", default="do_not_send")

    await eventually(tried, lambda page: "No order has come in yet" in page.text)
    async with httpx.AsyncClient(transport=console.apis, base_url="http://ingest") as ingest:
        orders = f"/v1/stores/{added['store']['id']}/orders"

        async def sent() -> httpx.Response:
            return await ingest.post(orders, json=[generic_order("G-1")], headers=headers)

        await eventually(sent, lambda answer: answer.status_code == 202)
    page = await eventually(tried, lambda page: "1 would have gone elsewhere" in page.text)
    assert "Of the newest order, 1 would have gone elsewhere. Nothing was changed." in page.text
    name = (await brand.get(f"/v1{connection}"))["three_pl"]["name"]
    assert f"#G-1 {name} you" in page.text
    assert (await brand.get(f"/v1{connection}/order-rules"))["version"] == 0
