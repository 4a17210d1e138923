"""Webhook URLs: what is refused, and that their tokens are nowhere to be found."""

from dataclasses import replace

import asyncpg
import pytest

from services.connections.main import create_app
from services.connections.settings import Settings
from shared.kafka.topics import CONNECTIONS_CHANGED
from tests.kit.client import Api
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

IN_PATH, IN_QUERY = "sk_live_4eC39HqLyjWDarjtT1", "hunter2hunter2"
SECRETS = (IN_PATH, IN_QUERY)
URL = f"https://8.8.8.8:8443/hooks/{IN_PATH}?token={IN_QUERY}&v=1"
MASKED = "https://8.8.8.8:8443/hooks/…?token=…&v=…"


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://8.8.8.8/x", "scheme"),
        ("https://user:hunter2hunter2@8.8.8.8/", "credentials"),
        ("https://8.8.8.8/#x", "fragment"),
        ("https://8.8.8.8:0/", "port"),
        ("https://10.0.0.1/", "not a public"),
        ("https://0x0a.1/", "looks like an address"),
        ("https://[::ffff:10.0.0.1]/", "not a public"),
        ("/hooks", "no host"),
    ],
)
async def test_where_no_webhook_can_go_is_not_saved(api: Api, url: str, rule: str) -> None:
    three_pl, _, added = await api.connected()
    answer = await three_pl.set(added["connection"]["id"], webhook_url=url)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/webhook_url"
    assert rule in error["message"]
    assert IN_QUERY not in answer.text


async def test_the_tokens_of_a_url_are_nowhere(
    api: Api, topics: Topics, postgres_dsn: str, capfd: pytest.CaptureFixture[str]
) -> None:
    three_pl, brand, added = await api.connected()
    connection = added["connection"]["id"]
    await three_pl.set(connection, webhook_url=URL)
    await three_pl.set(connection, webhook_url=f"{URL}2")
    changed = await three_pl.set(connection, webhook_url=URL)

    assert changed.json()["settings"]["webhook"]["url"] == MASKED
    assert await tables_with(postgres_dsn, "connections", SECRETS) == set()
    records = await topics.all(CONNECTIONS_CHANGED.name, at_least=5)
    assert not [record for record in records for text in SECRETS if text.encode() in record.value]
    said = capfd.readouterr()
    assert not [text for text in SECRETS if text in said.out + said.err]

    path = f"/v1/connections/{connection}"
    for place in (path, "/v1/connections", f"{path}/settings/versions", f"{path}/audit"):
        for_three_pl, for_brand = str(await three_pl.get(place)), str(await brand.get(place))
        assert MASKED in for_three_pl, place
        assert "https://8.8.8.8'" in for_brand, place
        assert "/hooks" not in for_brand, place
        assert not [text for text in SECRETS if text in for_three_pl + for_brand], place


async def test_urls_that_differ_in_a_token_alone_are_two_endpoints(api: Api) -> None:
    three_pl, _, added = await api.connected()
    connection = added["connection"]["id"]
    first = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]
    same = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]
    other = (await three_pl.set(connection, webhook_url=f"{URL}2")).json()["settings"]

    assert same["version"] == first["version"]
    assert other["webhook"]["url"] == f"{MASKED}"
    assert other["webhook"]["endpoint_id"] != first["webhook"]["endpoint_id"]


async def test_what_stood_in_plain_is_sealed_at_the_start(
    service_settings: dict[str, str], topics: Topics, postgres_dsn: str
) -> None:
    async with running(create_app(Settings())) as client:
        await ready(client)
        api = Api.of(client, service_settings)
        three_pl, _, added = await api.connected()
        connection = added["connection"]["id"]
        before = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]
        await topics.all(CONNECTIONS_CHANGED.name, at_least=3)
    database = await asyncpg.connect(postgres_dsn)
    await database.execute(
        "UPDATE connections.endpoints SET url = $1, sealed_url = NULL, masked_url = NULL, "
        "url_digest = NULL",
        URL,
    )
    await database.close()

    async with running(create_app(Settings())) as client:
        await ready(client)

        async def leaks() -> set[str]:
            return await tables_with(postgres_dsn, "connections", SECRETS)

        await eventually(leaks, lambda found: not found)
        three_pl = replace(three_pl, client=client)
        again = (await three_pl.set(connection, webhook_url=URL)).json()["settings"]
        told = (await topics.all(CONNECTIONS_CHANGED.name, at_least=4))[-1]

    assert again["webhook"]["endpoint_id"] == before["webhook"]["endpoint_id"]
    assert again["version"] == before["version"]
    assert IN_QUERY.encode() not in told.value
    assert MASKED.encode() in told.value
