"""Signing keys take turns while everything runs."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import jwt
import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from services.connections.signing_keys import turns
from services.webhooks.main import create_app as create_webhooks
from services.webhooks.settings import Settings as WebhooksSettings
from tests.kit.client import Api, Party
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "_EVERY_SECONDS", 0.05)


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    session = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "connections"})
    yield session
    await session.close()


@pytest.fixture
async def other_service(service_settings: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """One that verifies tokens, and was never told of a key but by the topic."""
    async with running(create_webhooks(WebhooksSettings())) as client:
        await ready(client)
        yield client


async def rotate(api: Api, **how: Any) -> httpx.Response:
    return await api.client.post(
        "/v1/signing-keys/rotate",
        json=how,
        headers={"authorization": f"Bearer {api.operator_key}"},
    )


async def states(api: Api) -> list[str]:
    answer = await api.client.get(
        "/v1/signing-keys", headers={"authorization": f"Bearer {api.operator_key}"}
    )
    return [key["state"] for key in answer.json()["data"]]


async def published(api: Api) -> set[str]:
    answer = await api.client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=30"
    assert all("d" not in key for key in answer.json()["keys"])
    return {key["kid"] for key in answer.json()["keys"]}


def kid(party: Party) -> str:
    return str(jwt.get_unverified_header(party.token)["kid"])


async def log_in_kid(api: Api, email: str) -> str:
    return kid(await api.log_in(email))


async def good_at(service: httpx.AsyncClient, party: Party) -> bool:
    answer = await service.get("/v1/endpoints", headers={"authorization": f"Bearer {party.token}"})
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def test_a_new_key_signs_once_all_know_it_and_the_old_one_verifies_while_its_tokens_live(
    api: Api,
    other_service: httpx.AsyncClient,
    service_settings: dict[str, str],
    database: asyncpg.Connection,
) -> None:
    before = await api.sign_up("three_pl")
    assert await states(api) == ["signing"]
    answer = await rotate(api)
    assert answer.status_code == 200, answer.text
    assert [key["state"] for key in answer.json()["data"]] == ["signing", "announced"]
    new = answer.json()["data"][1]["kid"]

    # Announced, and nobody signs with it yet; a second rotation waits.
    assert await published(api) == {kid(before), new}
    assert kid(await api.log_in(before.email)) == kid(before)
    again = await rotate(api)
    assert (again.status_code, again.json()["code"]) == (409, "rotation_under_way")

    # The minute begins once it was seen on the topic.
    rest = "SELECT signs_from - now() FROM signing_keys WHERE kid = $1"
    left = await eventually(lambda: database.fetchval(rest, new), lambda found: found is not None)
    assert timedelta(seconds=30) < left <= timedelta(seconds=60)
    await database.execute("UPDATE signing_keys SET signs_from = now() WHERE kid = $1", new)
    await eventually(lambda: states(api), lambda said: said == ["verifying", "signing"])
    await eventually(
        lambda: log_in_kid(api, before.email), lambda kid_of_token: kid_of_token == new
    )
    after = await api.log_in(before.email)
    assert kid(after) == new
    assert await good_at(other_service, after)
    assert await good_at(other_service, before)

    # A process that starts now signs with it too.
    async with running(create_app(Settings())) as client:
        await ready(client)
        third = Api.of(client, service_settings)
        await eventually(lambda: published(third), lambda kids: kids == {kid(before), new})
        assert kid(await third.log_in(before.email)) == new

    # Its private half is sealed; once the last token of the old one is over, it goes.
    rows = await database.fetch("SELECT * FROM signing_keys ORDER BY created_at")
    assert [row["sealed_key"] is None for row in rows] == [True, False]
    assert '"d"' not in rows[1]["sealed_key"]
    left = rows[0]["verifies_until"] - rows[1]["signs_from"]
    assert left > timedelta(seconds=Settings().connections_token_seconds)
    await database.execute(
        "UPDATE signing_keys SET verifies_until = now() WHERE kid = $1", kid(before)
    )
    await eventually(lambda: published(api), lambda kids: kids == {new})
    await eventually(lambda: good_at(other_service, before), lambda is_good: not is_good)
    assert await good_at(other_service, after)


async def test_a_key_that_leaked_is_over_at_once_with_all_that_it_signed(
    api: Api, other_service: httpx.AsyncClient
) -> None:
    before = await api.sign_up("three_pl")
    await rotate(api)
    answer = await rotate(api, retire_now=True)
    (only,) = answer.json()["data"]
    await eventually(lambda: good_at(other_service, before), lambda is_good: not is_good)
    await eventually(lambda: states(api), lambda said: said == ["signing"])
    assert await published(api) == {only["kid"]}
    after = await api.log_in(before.email)
    assert kid(after) == only["kid"]
    assert await good_at(other_service, after)
    assert (await after.call("GET", "/v1/sessions")).status_code == 200


async def test_only_the_operator_turns_the_keys(api: Api) -> None:
    owner = await api.sign_up("brand")
    assert (await owner.call("POST", "/v1/signing-keys/rotate", {})).status_code == 401
    assert (await owner.call("GET", "/v1/signing-keys")).status_code == 401
    assert await states(api) == ["signing"]
