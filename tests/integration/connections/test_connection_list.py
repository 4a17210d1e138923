"""The *3PL Integrations* page: what is found, in which order, and who has to act next."""

import asyncpg
import pytest

from tests.kit.client import Api, Json, Party, brand_form

URL = "https://8.8.8.8/hooks"


async def ids(party: Party, query: str) -> list[str]:
    return [row["id"] for row in (await party.get(f"/v1/connections?{query}"))["data"]]


async def add(three_pl: Party, company: str, store: str = "", **fields: object) -> Json:
    form = brand_form(company_name=company, **fields)
    return await three_pl.post("/v1/brands", form | ({"store_url": store} if store else {}))


def connection(added: Json) -> str:
    found: str = added["connection"]["id"]
    return found


async def test_a_text_finds_beginnings_of_words_without_case_and_accents(api: Api) -> None:
    three_pl = await api.three_pl()
    cafe = connection(await add(three_pl, "Café Ñandú S.L.", "https://tienda-nueva.example"))
    straw = connection(await add(three_pl, "Straße & Söhne", "https://kerzen.example"))
    zhuk = connection(await add(three_pl, "ЖУК", "https://beetle.example"))
    for text, expected in (
        ("cafe", [cafe]), ("CAFÉ nandu", [cafe]), ("ñan", [cafe]), ("tienda-nueva.example", [cafe]),
        ("nuev cafe", [cafe]), ("strasse", [straw]), ("sohne", [straw]), ("жук", [zhuk]),
        ("afe", []), ("cafe strasse", []), ("%", []), ("___", []), ("ca' OR 1=1", []),
        ("example", [zhuk, straw, cafe]), ("three_pl", [zhuk, straw, cafe]),
    ):  # fmt: skip
        assert await ids(three_pl, f"q={text.replace('%', '%25')}") == expected, text
    assert await ids(await api.three_pl(), "q=cafe") == []
    wrong = await three_pl.call("GET", "/v1/connections?q=")
    assert wrong.json()["errors"][0]["pointer"] == "/q"


async def test_a_company_is_found_by_each_party_under_the_names_it_may_see(api: Api) -> None:
    """What the 3PL calls its client is its own; the accepted account's name is for both."""
    _, brand, _ = await api.connected(form=brand_form(company_name="Rosemary"))
    three_pl = await api.three_pl()
    contact = {"name": "Bea", "email": brand.email}
    added = await add(three_pl, "Secret Nickname", "https://shop-of-two.example", contact=contact)
    await api.accepted(added)
    assert await ids(three_pl, "q=nickname") == [connection(added)]
    assert await ids(three_pl, "q=rosem") == [connection(added)]
    assert await ids(brand, "q=nickname") == []
    assert await ids(brand, "q=shop-of-two") == [connection(added)]


async def test_filters_are_all_and_of_one_any(api: Api) -> None:
    three_pl, brand, first = await api.connected()
    await three_pl.post(f"/v1/connections/{connection(first)}/activate")
    _, _, second = await api.connected(three_pl)
    third = await add(three_pl, "Acme")
    one, two, three = (connection(added) for added in (first, second, third))
    for query, expected in (
        ("state=active", [one]), ("state=active&state=pending", [three, one]),
        (f"store={second['store']['id']}", [two]), (f"brand={brand.id}", [one]),
        (f"brand={brand.id}&state=pending", []), (f"three_pl={three_pl.id}", [three, two, one]),
        (f"three_pl={brand.id}", []), ("q=acme&state=inactive", [two]),
    ):  # fmt: skip
        assert await ids(three_pl, query) == expected, query
    assert await ids(brand, f"three_pl={three_pl.id}") == [one]
    wrong = await three_pl.call("GET", "/v1/connections?state=nonsense")
    assert wrong.status_code == 422


async def test_who_waits_longest_comes_first_page_by_page(api: Api) -> None:
    three_pl, _, first = await api.connected()
    _, _, second = await api.connected(three_pl)
    third, fourth = [await add(three_pl, "Acme") for _ in range(2)]
    one, two, three, four = (connection(added) for added in (first, second, third, fourth))
    await three_pl.post(f"/v1/connections/{two}/disconnect")
    await three_pl.post(f"/v1/connections/{one}/activate")
    # Inactive again: it waits since now. A change of settings makes none younger.
    await three_pl.post(f"/v1/connections/{one}/deactivate")
    assert (await three_pl.set(three, webhook_url=URL)).status_code == 200
    expected = [three, four, one, two]
    assert await ids(three_pl, "sort=waiting") == expected
    assert await ids(three_pl, "sort=waiting&q=acme&state=pending") == [three, four]
    seen, after = [], ""
    while True:
        page = await three_pl.get(f"/v1/connections?sort=waiting&limit=1{after}")
        seen += [row["id"] for row in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == expected
    of_another = await three_pl.call("GET", f"/v1/connections?limit=1{after}")
    assert (of_another.status_code, of_another.json()["code"]) == (422, "invalid_cursor")


async def test_a_row_says_who_has_to_act_and_since_when(api: Api, postgres_dsn: str) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    path = f"/v1/connections/{connection(added)}"

    async def step() -> tuple[str | None, str] | None:
        (row,) = (await three_pl.get("/v1/connections"))["data"]
        assert row["next_action"] == (await three_pl.get(path))["next_action"]
        shown = row["next_action"]
        return shown and (shown["by"], shown["what"])

    assert await step() == ("brand", "accept")
    token = await api.mailed_token(added)
    session = await asyncpg.connect(postgres_dsn)
    await session.execute("UPDATE connections.login_links SET expires_at = now()")
    # The mail can still be accepted from.
    assert await step() == ("brand", "accept")
    await session.execute("UPDATE connections.mailed_links SET expires_at = now()")
    await session.close()
    assert await step() == ("three_pl", "issue_link")
    await three_pl.post(f"/v1/brands/{added['id']}/login-link")
    assert await step() == ("brand", "accept")
    assert (await api.accept(token)).status_code == 410
    added["login_link"] = await three_pl.post(f"/v1/brands/{added['id']}/login-link")
    await api.accepted(added)
    assert await step() == ("three_pl", "set_webhook")
    await three_pl.set(connection(added), webhook_url=URL)
    assert await step() == (None, "activate")
    await api.set_plan(three_pl.id, "free")
    assert await step() == ("three_pl", "plan_required")
    await api.set_plan(three_pl.id, "conquer")
    await three_pl.post(f"{path}/activate")
    assert await step() is None
    await three_pl.post(f"{path}/disconnect")
    assert await step() is None


@pytest.mark.parametrize(("few", "some"), [(9, 9), (0, 9), (0, 0)])
async def test_few_and_many_matches_give_the_same_list(
    api: Api, monkeypatch: pytest.MonkeyPatch, few: int, some: int
) -> None:
    monkeypatch.setattr("services.connections.connection.finding._FEW", few)
    monkeypatch.setattr("services.connections.connection.finding._SOME", some)
    three_pl = await api.three_pl()
    added = [connection(await add(three_pl, name)) for name in ("Red Fox", "Red Hen", "Blue")]
    assert await ids(three_pl, "q=red") == [added[1], added[0]]
    assert await ids(three_pl, "q=red fo") == [added[0]]
    assert await ids(three_pl, "q=fo red&sort=waiting") == [added[0]]
    assert await ids(three_pl, "q=red&sort=waiting") == added[:2]
