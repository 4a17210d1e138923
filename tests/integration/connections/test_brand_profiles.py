"""The Add Brand form: what it takes, and what its 3PL corrects later."""

import asyncio
from typing import Any

import asyncpg
import pytest

from tests.kit.client import Api, Json, Party, brand_form

ADDRESS = {"address1": "Dock 1", "city": "Vigo", "zip": "36201", "country": "es"}


async def patch(three_pl: Party, added: Json, version: int | None = 1, **changes: Any) -> Any:
    headers = {} if version is None else {"if-match": f'"{version}"'}
    return await three_pl.call("PATCH", f"/v1/brands/{added['id']}", changes, headers)


async def test_the_form_is_kept_as_it_was_meant(api: Api) -> None:
    three_pl = await api.three_pl()
    form = brand_form(
        contact={"name": "Ada", "email": "ada@brand.test", "phone": " +34 911 23 45 67 "},
        warehouse=ADDRESS | {"name": "South", "region": "Galicia", "address2": "Gate 3"},
        priorities=["speed", "returns", "speed"],
        priorities_note="Fragile.\nNo Fridays.",
    )
    added = await three_pl.post("/v1/brands", form)
    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert shown["contact"] == added["contact"]
    assert shown["contact"]["phone"] == "+34911234567"
    assert shown["warehouse"] == {
        "name": "South", "address1": "Dock 1", "address2": "Gate 3", "city": "Vigo",
        "zip": "36201", "region": "Galicia", "country": "ES",
    }  # fmt: skip
    assert (shown["priorities"], shown["priorities_note"], shown["monthly_order_range"]) == (
        ["speed", "returns"], "Fragile.\nNo Fridays.", "1001-5000",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("contact", {"name": "A", "email": "a@b.test", "phone": "0911 1234"}, "/contact/phone"),
        ("contact", {"name": "A", "email": "a@b.test", "phone": "+1-800"}, "/contact/phone"),
        ("contact", {"name": "see evil.com", "email": "a@b.test"}, "/contact/name"),
        ("company_name", "www.evil", "/company_name"),
        ("warehouse", "Madrid", "/warehouse"),
        ("warehouse", ADDRESS | {"country": "XX"}, "/warehouse/country"),
        ("warehouse", {"address1": "Dock 1"}, "/warehouse/city"),
        ("monthly_order_range", "1000-5000", "/monthly_order_range"),
        ("priorities", ["luck"], "/priorities/0"),
        ("priorities_note", "x" * 501, "/priorities_note"),
    ],
)
async def test_what_the_form_does_not_take_is_named(
    api: Api, field: str, value: object, pointer: str
) -> None:
    three_pl = await api.three_pl()
    answer = await three_pl.call("POST", "/v1/brands", brand_form(**{field: value}))
    assert answer.status_code == 422
    assert pointer in {error["pointer"] for error in answer.json()["errors"]}


async def test_a_name_that_looks_like_a_link_signs_nobody_up(api: Api) -> None:
    form = {"kind": "three_pl", "name": "pay at evil.com", "email": "a@b.test"}
    answer = await api.client.post("/v1/accounts", json=form)
    assert answer.status_code == 422
    assert "looks like a link" in answer.json()["errors"][0]["message"]


async def test_a_3pl_corrects_the_form_at_the_version_it_read(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    read = await three_pl.call("GET", f"/v1/brands/{added['id']}")
    assert (read.headers["etag"], read.json()["version"]) == ('"1"', 1)
    assert (await patch(three_pl, added, None, company_name="B")).status_code == 428
    changed = await patch(
        three_pl, added, company_name="Bravo Foods", contact={"name": "Bea", "phone": None},
        warehouse=ADDRESS, monthly_order_range=None, priorities=["custody"], priorities_note="!",
    )  # fmt: skip
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    shown = await three_pl.get(f"/v1/brands/{added['id']}")
    assert shown == changed.json()
    assert shown["contact"] == {
        "name": "Bea", "email": added["contact"]["email"], "phone": None, "language": "en",
    }  # fmt: skip
    assert (shown["warehouse"]["city"], shown["monthly_order_range"], shown["priorities"]) == (
        "Vigo", None, ["custody"],
    )  # fmt: skip
    stale = await patch(three_pl, added, company_name="Charlie")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_conflict")
    assert (await patch(three_pl, added, 2, store_url="b.example")).status_code == 422
    # The same once more is no change.
    assert (await patch(three_pl, added, 2, company_name="Bravo Foods")).json()["version"] == 2
    # The client is asked under the new name, and found by it.
    assert (await api.open_link(added))["company_name"] == "Bravo Foods"
    (row,) = (await three_pl.get("/v1/connections?q=bravo"))["data"]
    assert row["brand"]["name"] == "Bravo Foods"
    assert (await three_pl.get("/v1/connections?q=acme"))["data"] == []


async def test_of_two_corrections_at_once_one_wins(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    answers = await asyncio.gather(
        *(patch(three_pl, added, company_name=f"Name {n}") for n in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_only_the_3pl_that_added_a_brand_corrects_it(api: Api) -> None:
    _, brand, added = await api.connected()
    for stranger in (brand, await api.three_pl()):
        assert (await patch(stranger, added, company_name="Mine")).status_code == 404


async def test_another_address_of_the_contact_kills_the_mails_that_went_out(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    of_before = await api.mailed_token(added)
    changed = await patch(three_pl, added, contact={"email": "right@brand.test"})
    assert changed.json()["contact"]["email"] == "right@brand.test"
    assert (await api.accept(of_before)).status_code == 404
    # The shared link goes on, and mails the new address.
    added["contact"] = changed.json()["contact"]
    brand, _ = await api.accepted(added)
    assert brand.email == "right@brand.test"


async def test_once_accepted_the_address_is_fixed_and_the_rest_is_not(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    answer = await patch(three_pl, added, contact={"email": "other@brand.test"})
    assert (answer.status_code, answer.json()["code"]) == (409, "brand_accepted")
    same = await patch(three_pl, added, contact={"email": brand.email}, company_name="Label")
    assert (same.status_code, same.json()["company_name"]) == (200, "Label")
    # What the 3PL calls it is not the account's name.
    path = f"/v1/connections/{added['connection']['id']}"
    assert (await brand.get(path))["brand"]["name"] == "Acme"
    assert [row["id"] for row in (await three_pl.get("/v1/connections?q=label"))["data"]] == [
        added["connection"]["id"]
    ]


@pytest.mark.parametrize("turn", range(3))
async def test_an_acceptance_and_another_address_at_once_have_one_winner(
    api: Api, turn: int
) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    token = await api.mailed_token(added)
    accepted, changed = await asyncio.gather(
        api.accept(token), patch(three_pl, added, contact={"email": f"n{turn}@brand.test"})
    )
    assert (accepted.status_code, changed.status_code) in {(201, 409), (404, 200)}


async def test_a_form_of_before_stays_readable(api: Api, postgres_dsn: str) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    session = await asyncpg.connect(postgres_dsn)
    # As the migration leaves what was free text.
    await session.execute(
        'UPDATE connections.brand_profiles SET warehouse = \'{"address1": "Madrid"}\','
        " monthly_order_range = 'a lot', priorities = '{price}', company_name = 'acme.com'"
    )
    await session.close()
    (shown,) = (await three_pl.get("/v1/brands"))["data"]
    assert (shown["warehouse"]["address1"], shown["warehouse"]["country"]) == ("Madrid", None)
    assert (shown["monthly_order_range"], shown["priorities"]) == ("a lot", ["price"])
    assert (await patch(three_pl, added, priorities_note="x")).json()["company_name"] == "acme.com"
