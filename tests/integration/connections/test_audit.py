"""The audit log of an account: its own connections and stores, and nobody else's."""

from importlib import import_module

import asyncpg
import pytest

from services.connections.oauth.http import ACCESS_TOKEN, TOKEN_EXCHANGE
from tests.kit.client import Api, Json, Party, brand_form

pytestmark = pytest.mark.engines


async def in_its_name(api: Api, three_pl: Party, connection: str) -> Party:
    """The 3PL in the name of its brand."""
    form = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": three_pl.token,
        "subject_token_type": ACCESS_TOKEN,
        "audience": f"urn:relevo:connection:{connection}",
    }
    answer = await api.client.post("/oauth2/token", data=form)
    assert answer.status_code == 200, answer.text
    return Party(api.client, "", "", answer.json()["access_token"])


async def entries(party: Party, query: str = "") -> list[Json]:
    rows: list[Json] = (await party.get(f"/v1/audit{query}"))["data"]
    return rows


def actions(rows: list[Json]) -> list[str]:
    return [row["action"] for row in rows]


async def test_each_account_reads_its_own_by_filter_and_page(api: Api) -> None:
    three_pl, brand, added = await api.connected()
    connection, store = added["connection"]["id"], added["store"]["id"]
    _, stranger, others = await api.connected()
    second = await three_pl.post("/v1/brands", brand_form())
    await brand.set(connection, log_in_as_brand="credentials")
    delegated = await in_its_name(api, three_pl, connection)
    made = await delegated.post(f"/v1/stores/{store}/credentials", {"kind": "api_key"})
    url = "http://127.0.0.1:9/hooks?key=1"
    await three_pl.set(connection, webhook_url=url, support_owner="three_pl")

    ours = ["settings_changed", "credential_created", "settings_changed", "accepted", "created"]
    rows = await entries(brand)
    assert actions(rows) == ours
    assert {(row["connection_id"], row["store_id"]) for row in rows} == {(connection, store)}
    by_3pl = {"kind": "three_pl", "id": three_pl.id, "name": "three_pl Ltd"}
    by_brand = {"kind": "brand", "id": brand.id, "name": "Acme"}
    assert [row["actor"] for row in rows] == [by_3pl, by_3pl, by_brand, by_brand, by_3pl]
    assert [row["on_behalf_of"] for row in rows] == [None, brand.id, None, None, None]
    assert rows[1]["to"] == {"credential_id": made["id"]}
    assert rows[0]["from"] == {"webhook_url": None, "support_owner": "brand"}
    # The 3PL's URL is shown whole to the 3PL alone, as everywhere.
    assert rows[0]["to"] == {"webhook_url": "http://127.0.0.1", "support_owner": "three_pl"}
    (mine, *_) = await entries(three_pl)
    assert mine["to"]["webhook_url"] == "http://127.0.0.1:9/hooks?key=…"

    assert actions(await entries(three_pl))[1:3] == ["credential_created", "settings_changed"]
    assert len(await entries(three_pl)) == len(ours) + 1
    assert actions(await entries(three_pl, f"?connection={second['connection']['id']}")) == [
        "created"
    ]
    assert await entries(stranger, f"?connection={connection}") == []
    assert await entries(stranger, f"?store={store}") == []
    assert {row["connection_id"] for row in await entries(stranger)} == {others["connection"]["id"]}
    for query, expected in (
        (f"?store={store}&action=accepted", ["accepted"]),
        (f"?actor={brand.id}", ["settings_changed", "accepted"]),
        (f"?since={rows[1]['at']}", ours[:2]),
        (f"?until={rows[1]['at']}", ours[2:]),
        (f"?since={rows[1]['at']}&until={rows[0]['at']}", ours[1:2]),
    ):
        assert actions(await entries(brand, query)) == expected, query
    seen, after = [], ""
    while after is not None:
        page = await brand.get(f"/v1/audit?limit=2{after and '&after=' + after}")
        seen += page["data"]
        after = page["next"]
    assert seen == rows

    # An account that is erased has no name, and what it did stays.
    assert (await three_pl.call("POST", f"/v1/connections/{connection}/disconnect")).is_success
    await api.client.delete(
        f"/v1/accounts/{three_pl.id}/personal-data",
        headers={"authorization": f"Bearer {api.operator_key}"},
    )
    rows = await entries(brand)
    assert actions(rows) == ["webhook_erased", "disconnected", *ours]
    assert rows[0]["actor"] == {"kind": "three_pl", "id": three_pl.id, "name": None}
    assert rows[2]["to"]["webhook_url"] == "https://erased.invalid"


async def test_entries_of_before_find_the_endpoints_of_their_urls(
    api: Api, postgres_dsn: str
) -> None:
    """Revision 0016: an entry had the URL itself."""
    three_pl, _, added = await api.connected()
    connection = added["connection"]["id"]
    for url in ("http://127.0.0.1:9/one", "http://127.0.0.1:9/two", None):
        await three_pl.set(connection, webhook_url=url)
        await three_pl.set(connection, support_owner="three_pl" if url else "brand")
    rows = await entries(three_pl)
    assert rows[1]["from"] == {"webhook_url": "http://127.0.0.1:9/two"}
    revision = import_module("services.connections.sql.migrations.versions.0016_erasure")
    database = await asyncpg.connect(postgres_dsn)
    kept = "SELECT id, before, after FROM connections.audit ORDER BY id"
    written = await database.fetch(kept)
    for column in ("before", "after"):
        await database.execute(revision._NAME_URLS.format(column=column))
    assert await database.fetch(kept) != written
    await database.execute(revision._NAME_ENDPOINTS)
    assert await database.fetch(kept) == written
    await database.close()
    assert await entries(three_pl) == rows
