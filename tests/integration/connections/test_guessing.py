"""Guessing passwords: what a network may try, and that its neighbours log in all the same."""

import asyncio
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.connections.main import create_app
from services.connections.people.limits import MOST_OF_NETWORK_AND_TARGET
from services.connections.settings import Settings
from tests.kit.client import PASSWORD, Api, brand_form
from tests.kit.serving import ready, running

pytestmark = pytest.mark.engines


async def guess(client: httpx.AsyncClient, email: str, password: str = "wrong " * 3) -> int:
    answer = await client.post("/v1/sessions", json={"email": email, "password": password})
    if answer.status_code == 429:
        assert answer.json()["code"] == "too_many_attempts"
        assert 0 < int(answer.headers["retry-after"]) <= 900
    return answer.status_code


async def test_guesses_at_once_are_counted_and_then_also_the_right_one_waits(
    api: Api, service_settings: dict[str, str], postgres_dsn: str
) -> None:
    party = await api.sign_up("brand")
    answers = await asyncio.gather(*(guess(api.client, party.email) for _ in range(30)))
    assert sorted(answers) == [401] * MOST_OF_NETWORK_AND_TARGET + [429] * 20
    # Also in upper case, and at another process.
    assert await guess(api.client, party.email.upper(), PASSWORD) == 429
    async with running(create_app(Settings())) as other:
        await ready(other)
        assert await guess(other, party.email, PASSWORD) == 429
    # Other accounts of the same network are not shut.
    await api.log_in((await api.sign_up("brand")).email)

    database = await asyncpg.connect(postgres_dsn)
    await database.execute("UPDATE connections.login_attempts SET ends_at = now()")
    await database.close()
    assert await guess(api.client, party.email, PASSWORD) == 201


async def test_a_right_password_takes_back_what_was_counted(api: Api, postgres_dsn: str) -> None:
    party = await api.sign_up("brand")
    database = await asyncpg.connect(postgres_dsn)
    await database.execute("DELETE FROM connections.login_attempts")
    for _ in range(2):
        for _ in range(MOST_OF_NETWORK_AND_TARGET - 1):
            assert await guess(api.client, party.email) == 401
        assert await guess(api.client, party.email, PASSWORD) == 201
    counted = await database.fetch("SELECT attempts FROM connections.login_attempts")
    await database.close()
    assert [row["attempts"] for row in counted] == [2 * (MOST_OF_NETWORK_AND_TARGET - 1)]


async def test_a_network_that_tries_many_accounts_is_stopped(api: Api, postgres_dsn: str) -> None:
    database = await asyncpg.connect(postgres_dsn)
    await guess(api.client, f"{uuid4().hex}@relevo.test")
    await database.execute(
        "UPDATE connections.login_attempts SET attempts = $1",
        Settings().connections_attempts_of_network - 1,
    )
    assert await guess(api.client, f"{uuid4().hex}@relevo.test") == 401
    assert await guess(api.client, f"{uuid4().hex}@relevo.test") == 429
    kept = await database.fetch("SELECT subject FROM connections.login_attempts")
    await database.close()
    assert all(len(row["subject"]) == 32 for row in kept)


async def test_the_password_of_a_mailed_link_is_not_to_be_guessed_either(api: Api) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    token = await api.mailed_token(added)
    assert (await api.accept(token)).status_code == 201
    answers = [
        (await api.accept(token, password="not the right one")).status_code
        for _ in range(MOST_OF_NETWORK_AND_TARGET + 2)
    ]
    assert answers == [403] * MOST_OF_NETWORK_AND_TARGET + [429] * 2


@pytest.mark.parametrize("name", ["Pack \u202eoG & ", "\u2066Pack & Go", "Pack\nGo"])
async def test_names_that_nobody_could_read(api: Api, name: str) -> None:
    form = {"kind": "brand", "name": name, "email": "a@relevo.test"}
    answer = await api.client.post("/v1/accounts", json=form)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/name"]


@pytest.mark.parametrize("password", ["\0" * 12, "short"])
async def test_passwords_that_nobody_could_type(api: Api, password: str) -> None:
    answer = await api.client.post(
        "/v1/accounts/confirm", json={"token": "any", "password": password}
    )
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/password"]
