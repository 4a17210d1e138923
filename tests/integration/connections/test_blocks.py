"""A brand that has had enough of a 3PL."""

import asyncpg
import pytest

from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.locks import started_and_waiting

pytestmark = pytest.mark.engines


async def asked_again(three_pl: Party, brand: Party, **fields: object) -> Json:
    """The 3PL enters another shop of the same client."""
    return await three_pl.post(
        "/v1/brands", brand_form(contact={"name": "Ada", "email": brand.email}, **fields)
    )


async def block(brand: Party, three_pl: Party, method: str = "PUT") -> None:
    answer = await brand.call(method, f"/v1/blocks/{three_pl.id}")
    assert answer.status_code == 204, answer.text


async def test_a_blocked_3pl_sends_no_mail_and_sees_no_difference(api: Api) -> None:
    three_pl, brand, _ = await api.connected()
    other = await api.three_pl()
    shown = await api.open_link(await three_pl.post("/v1/brands", brand_form()))
    await block(brand, three_pl)
    await block(brand, three_pl)
    (blocked,) = (await brand.get("/v1/blocks"))["data"]
    assert (blocked["three_pl_id"], blocked["name"]) == (three_pl.id, "three_pl Ltd")

    added = await asked_again(three_pl, brand, send_mail=True)
    again = await api.open_link(added)
    assert sorted(again) == sorted(shown)
    # Another 3PL's mail, queued after, arrives: the blocked one's would have been before it.
    theirs = await asked_again(other, brand, send_mail=True)
    await api.mailbox.wait_for(brand.email, 2)
    subjects = [mail.subject for mail in api.mailbox.to(brand.email)]
    assert theirs["store"]["domain"] in subjects[-1]
    assert not [one for one in subjects if added["store"]["domain"] in one]

    await block(brand, three_pl, "DELETE")
    assert (await brand.get("/v1/blocks"))["data"] == []


async def test_the_claim_of_a_blocked_3pl_is_not_accepted_and_what_is_there_stays(
    api: Api,
) -> None:
    three_pl, brand, added = await api.connected()
    await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
    token = await api.mailed_token(await asked_again(three_pl, brand))
    offer = (await api.client.post("/v1/acceptances/preview", json={"token": token})).json()
    assert offer["three_pl_id"] == three_pl.id
    await block(brand, three_pl)
    answer = await api.accept(token)
    assert (answer.status_code, answer.json()["code"]) == (403, "three_pl_blocked")
    connection = await brand.get(f"/v1/connections/{added['connection']['id']}")
    assert connection["state"] == "active"
    assert len((await brand.get("/v1/connections"))["data"]) == 1
    await block(brand, three_pl, "DELETE")
    assert (await api.accept(token)).status_code == 201


async def test_an_acceptance_finds_a_block_that_was_under_way(api: Api, postgres_dsn: str) -> None:
    three_pl, brand, _ = await api.connected()
    token = await api.mailed_token(await asked_again(three_pl, brand))
    database = await asyncpg.connect(postgres_dsn)
    blocking = database.transaction()
    await blocking.start()
    await database.execute(
        "SELECT FROM connections.accounts WHERE id::text = $1 FOR NO KEY UPDATE", brand.id
    )
    await database.execute(
        "INSERT INTO connections.blocks (account_id, three_pl_id)"
        " SELECT $1::text::uuid, $2::text::uuid",
        brand.id,
        three_pl.id,
    )
    accepting = await started_and_waiting(postgres_dsn, api.accept(token), "FOR NO KEY UPDATE")
    await blocking.commit()
    await database.close()
    assert (await accepting).json()["code"] == "three_pl_blocked"


async def test_blocks_are_the_brands_own(api: Api) -> None:
    three_pl, brand, _ = await api.connected()
    stranger = await api.sign_up("brand")
    for method in ("PUT", "DELETE"):
        answer = await three_pl.call(method, f"/v1/blocks/{three_pl.id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await brand.call("PUT", f"/v1/blocks/{stranger.id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    await block(stranger, three_pl)
    assert (await brand.get("/v1/blocks"))["data"] == []
    added = await asked_again(three_pl, brand)
    assert (await api.accept(await api.mailed_token(added))).status_code == 201
