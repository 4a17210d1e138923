"""A brand invites its 3PL: the other way in, and what it may not be used for."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.kit.client import PASSWORD, Api, Json, Party

pytestmark = pytest.mark.engines


async def shop(api: Api) -> tuple[Party, Json]:
    """A brand that signed up by itself, and its store."""
    brand = await api.sign_up("brand")
    store = await brand.post(
        "/v1/stores", {"store_url": f"https://{uuid4().hex}.example", "platform": "shopify"}
    )
    return brand, store


async def invited(
    api: Api, brand: Party, store: Json, email: str = "", **fields: Any
) -> tuple[Json, str]:
    """An invitation, and the token of the mail."""
    email = email or f"{uuid4().hex}@3pl.test"
    before = len(api.mailbox.to(email))
    form = {"email": email, "store_id": store["id"], **fields}
    invitation = await brand.post("/v1/invitations", form)
    return invitation, (await api.mailbox.wait_for(email, before + 1))[-1].token


async def accept(api: Api, token: str, party: Party | None = None, **fields: Any) -> httpx.Response:
    body = {"token": token, **fields}
    if party is not None:
        return await party.call("POST", "/v1/invitations/accept", body)
    return await api.client.post("/v1/invitations/accept", json={"password": PASSWORD, **body})


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_3pl_that_nobody_knew_signs_up_and_is_connected_by_one_mail(api: Api) -> None:
    brand, store = await shop(api)
    invitation, token = await invited(
        api, brand, store, own_words="We ship 300 parcels a day.", language="es"
    )
    assert invitation["state"] == "open"
    (mail,) = api.mailbox.to(invitation["email"])
    assert "We ship 300 parcels a day." in mail.text
    assert mail.link.startswith("http://127.0.0.1:8000/invitation#token=")
    offer = await api.client.post("/v1/invitations/preview", json={"token": token})
    assert (offer.json()["domain"], offer.json()["has_password"]) == (store["domain"], False)
    nameless = await accept(api, token)
    assert nameless.json()["errors"][0]["pointer"] == "/name"

    answer = await accept(api, token, name="Pack & Go")
    three_pl = api.party(answer, invitation["email"])
    assert answer.json()["connection"]["state"] == "inactive"
    assert answer.json()["store"]["id"] == store["id"]
    assert answer.json()["accounts"][0]["kind"] == "three_pl"
    path = f"/v1/connections/{answer.json()['connection']['id']}"
    assert (await brand.get(path))["three_pl"] == {"id": three_pl.id, "name": "Pack & Go"}
    # The plan is asked for when it is switched on.
    assert code(await three_pl.call("POST", f"{path}/activate")) == (402, "plan_required")
    await api.set_plan(three_pl.id, "conquer")
    assert (await brand.call("POST", f"{path}/activate")).status_code == 200
    (listed,) = (await brand.get("/v1/invitations"))["data"]
    assert (listed["state"], listed["connection_id"]) == (
        "accepted", answer.json()["connection"]["id"],
    )  # fmt: skip


async def test_a_3pl_that_is_there_accepts_with_its_session_and_twice_is_once(api: Api) -> None:
    brand, store = await shop(api)
    three_pl = await api.three_pl()
    _, token = await invited(api, brand, store, three_pl.email)
    answers = await asyncio.gather(*(accept(api, token, three_pl) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["connection"]["id"] for answer in answers}) == 1
    assert answers[0].json()["account_id"] == three_pl.id
    assert len((await brand.get("/v1/connections"))["data"]) == 1


async def test_somebody_else_gets_403_and_an_old_link_410(api: Api, postgres_dsn: str) -> None:
    brand, store = await shop(api)
    three_pl, stranger = await api.three_pl(), await api.three_pl()
    invitation, token = await invited(api, brand, store, three_pl.email)
    assert code(await accept(api, token, stranger)) == (403, "wrong_account")
    wrong = await accept(api, token, password="not the password")
    assert code(wrong) == (403, "wrong_password")
    again = await brand.post(f"/v1/invitations/{invitation['id']}/resend")
    assert again["state"] == "open"
    fresh = (await api.mailbox.wait_for(three_pl.email, 3))[-1].token
    assert code(await accept(api, token, three_pl)) == (404, "not_found")
    database = await asyncpg.connect(postgres_dsn)
    await database.execute(
        "UPDATE connections.invitations SET mailed_at = now() - interval '49 hours'"
    )
    await database.close()
    assert code(await accept(api, fresh, three_pl)) == (410, "link_expired")
    (listed,) = (await brand.get("/v1/invitations"))["data"]
    assert listed["state"] == "expired"


async def test_what_was_withdrawn_is_over(api: Api) -> None:
    brand, store = await shop(api)
    three_pl = await api.three_pl()
    invitation, token = await invited(api, brand, store, three_pl.email)
    path = f"/v1/invitations/{invitation['id']}"
    assert code(await three_pl.call("DELETE", path)) == (404, "not_found")
    assert (await brand.call("DELETE", path)).status_code == 204
    assert code(await brand.call("DELETE", path)) == (409, "invalid_transition")
    assert code(await brand.call("POST", f"{path}/resend")) == (409, "invalid_transition")
    assert code(await accept(api, token, three_pl)) == (404, "not_found")


async def test_taking_up_and_withdrawing_at_once_follow_one_another(api: Api) -> None:
    for _ in range(6):
        (brand, store), three_pl = await shop(api), await api.three_pl()
        invitation, token = await invited(api, brand, store, three_pl.email)
        path = f"/v1/invitations/{invitation['id']}"
        taken, again, withdrawn = await asyncio.gather(
            accept(api, token, three_pl),
            brand.call("POST", f"{path}/resend"),
            brand.call("DELETE", path),
        )
        assert taken.status_code in (201, 404, 410), taken.text
        assert withdrawn.status_code in (204, 409), withdrawn.text
        assert again.status_code in (200, 409), again.text
        assert (taken.status_code == 201) != (withdrawn.status_code == 204)


async def test_a_3pl_that_was_blocked_since_is_not_connected(api: Api) -> None:
    brand, store = await shop(api)
    three_pl = await api.three_pl()
    _, token = await invited(api, brand, store, three_pl.email)
    assert (await brand.call("PUT", f"/v1/blocks/{three_pl.id}")).status_code == 204
    assert code(await accept(api, token, three_pl)) == (403, "three_pl_blocked")
    await brand.call("DELETE", f"/v1/blocks/{three_pl.id}")
    assert (await accept(api, token, three_pl)).status_code == 201


async def test_a_shop_is_connected_once(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    _, token = await invited(api, brand, added["store"], three_pl.email)
    answer = await accept(api, token, three_pl)
    assert code(answer) == (409, "already_connected")
    assert answer.json()["connection_id"] == added["connection"]["id"]


async def test_only_a_brand_invites_and_only_to_its_own_stores(api: Api) -> None:
    brand, store = await shop(api)
    three_pl, other = await api.three_pl(), await api.sign_up("brand")
    form = {"email": "x@3pl.test", "store_id": store["id"]}
    assert code(await three_pl.call("POST", "/v1/invitations", form)) == (403, "brand_only")
    assert code(await other.call("POST", "/v1/invitations", form)) == (404, "not_found")
    assert (await other.get("/v1/invitations"))["data"] == []
    linked = {**form, "own_words": "log in at evil.example"}
    answer = await brand.call("POST", "/v1/invitations", linked)
    assert answer.json()["errors"][0]["pointer"] == "/own_words"


async def test_it_is_no_relay_for_mails(api: Api, postgres_dsn: str) -> None:
    brand, store = await shop(api)
    email = f"{uuid4().hex}@3pl.test"
    form = {"email": email, "store_id": store["id"]}
    for _ in range(5):
        assert (await brand.call("POST", "/v1/invitations", form)).status_code == 201
    assert len(await api.mailbox.wait_for(email, 3)) == 3
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.mails SET created_at = created_at - interval '2 h'")
    never = api.mailbox.to(email)[0].text.split("/stop-mail#token=")[1].split()[0]
    answer = await api.client.post("/v1/mail-opt-outs", json={"token": never})
    assert answer.status_code == 204
    await brand.call("POST", "/v1/invitations", form)
    # Another sender's mail shows that they go at all.
    other, its_store = await shop(api)
    await invited(api, other, its_store, email)
    assert len(api.mailbox.to(email)) == 4
    await database.execute(
        "INSERT INTO connections.invitations"
        " (id, brand_id, store_id, email, own_words, language, created_by)"
        " SELECT gen_random_uuid(), brand_id, store_id, email, '', 'en', created_by"
        " FROM connections.invitations CROSS JOIN generate_series(1, 4)"
    )
    await database.close()
    assert code(await brand.call("POST", "/v1/invitations", form)) == (409, "too_many")
