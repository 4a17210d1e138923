"""Erasing an account: nothing personal of it is left, in whatever table or topic."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.egress.sealed_url import open_url
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, STORES_CHANGED
from shared.sealing import Sealer
from tests.kit.client import PASSWORD, Api, Json, Party, brand_form
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
# In every text that the API takes of an account; no name, word or id has it by chance.
MARK = "zqxmark"
RECORD = Path(__file__).parents[3] / "docs" / "decisions" / "0014-erasure.md"


def marked_form(shop: str, email: str) -> Json:
    """The Add Brand form with the mark in every text."""
    return brand_form(
        contact={"name": f"Ada {MARK}", "email": email, "phone": "+34 911 234 567"},
        company_name=f"{MARK} Ltd",
        store_url=f"https://{shop}.example",
        warehouse={"address1": f"Calle {MARK} 1", "city": MARK, "zip": MARK, "country": "ES"},
        priorities_note=f"mind the {MARK}",
    )


async def erase(api: Api, account: str, token: str = "") -> httpx.Response:
    """As the operator, or by a token."""
    return await api.client.delete(
        f"/v1/accounts/{account}/personal-data",
        headers={"authorization": f"Bearer {token or api.operator_key}"},
    )


async def joined(api: Api, owner: Party, role: str, email: str, as_party: Party) -> Party:
    """Somebody who has an account and works in this one, too."""
    before = len(api.mailbox.to(email))
    await owner.post("/v1/people", {"email": email, "role": role})
    token = (await api.mailbox.wait_for(email, before + 1))[-1].token
    return api.party(await as_party.call("POST", "/v1/people/join", {"token": token}), email)


async def disconnect(party: Party, connection: str) -> None:
    assert (await party.call("POST", f"/v1/connections/{connection}/disconnect")).is_success


async def newest(topics: Topics, topic: str) -> Mapping[bytes, bytes]:
    """What compaction leaves: the newest record of each key."""
    return {record.key: record.value for record in await topics.all(topic)}


async def rows(dsn: str, query: str, *values: object) -> list[asyncpg.Record]:
    database = await asyncpg.connect(dsn)
    try:
        found: list[asyncpg.Record] = await database.fetch(query, *values)
    finally:
        await database.close()
    return found


async def require_gone(
    topics: Topics, dsn: str, settings: Mapping[str, str], *addresses: str
) -> None:
    """The mark is nowhere: not in plain, not as bytes, not sealed, not as an address's digest."""
    digests = [hashlib.sha256(one.encode()).hexdigest() for one in addresses]

    async def leaks() -> set[str]:
        return await tables_with(dsn, "connections", [MARK, MARK.title(), *digests])

    # The outbox is empty once the topics have it.
    await eventually(leaks, lambda found: not found)
    sealer = Sealer.parse(settings["RELEVO_SEALING_KEYS"])
    for row in await rows(dsn, "SELECT scope, sealed_answer FROM connections.idempotency_keys"):
        assert MARK not in sealer.open(row["sealed_answer"], row["scope"])
    for row in await rows(dsn, "SELECT id, sealed_url, url FROM connections.endpoints"):
        assert MARK not in open_url(row["sealed_url"], row["url"], row["id"], sealer)
    for topic in (ACCOUNTS_CHANGED, STORES_CHANGED, CONNECTIONS_CHANGED):
        told = await newest(topics, topic.name)
        assert not [key for key, value in told.items() if MARK.encode() in value], topic.name


async def planted_brand(api: Api, three_pl: Party) -> tuple[Party, list[Json], Party]:
    """A brand with the mark wherever it writes, its two connections, and a colleague."""
    first = await three_pl.post("/v1/brands", marked_form(f"{MARK}1", f"{MARK}@brand.test"))
    brand, _ = await api.accepted(first)
    login = {"email": brand.email, "password": PASSWORD}
    agent = {"user-agent": f"{MARK}/1.0"}
    assert (await api.client.post("/v1/sessions", json=login, headers=agent)).status_code == 201
    # A second claim with a shop that the account has: an alias, and an account of before.
    own = {"store_url": f"https://{MARK}2.example", "platform": "shopify"}
    answer = await brand.call("POST", "/v1/stores", own, {"idempotency-key": "one"})
    assert answer.status_code == 201
    other_3pl = await api.three_pl()
    form = marked_form(f"{MARK}2", f"{MARK}@brand.test")
    answer = await other_3pl.call("POST", "/v1/brands", form, {"idempotency-key": "two"})
    second = answer.json()
    assert (await api.accept(await api.mailed_token(second), brand)).status_code == 201
    store = f"/v1/stores/{first['store']['id']}"
    await brand.post(f"{store}/credentials", {"kind": "api_key"})
    await brand.post(f"{store}/credentials", {"kind": "shopify", "secret": f"{MARK} secret"})
    rules = {"payment_rules": {"ship_unpaid_methods": [MARK]}}
    version = (await brand.get(store))["version"]
    answer = await brand.call("PATCH", store, rules, {"if-match": f'"{version}"'})
    assert answer.status_code == 200
    named = {"name": MARK, "if": {"kind": "tag", "any_of": [MARK]}, "then": "send"}
    path = f"/v1/connections/{first['connection']['id']}"
    at = {"if-match": f'"{(await brand.get(path))["version"]}"'}
    answer = await brand.call("PUT", f"{path}/order-rules", {"rules": [named]}, at)
    assert answer.status_code == 200
    await brand.post("/v1/api-clients", {"name": MARK, "scopes": ["connections:read"]})
    invitation = {
        "email": f"{MARK}@3pl.test", "store_id": first["store"]["id"], "own_words": f"Hi {MARK}",
    }  # fmt: skip
    await brand.post("/v1/invitations", invitation)
    await brand.post("/v1/people", {"email": f"{MARK}@asked.test", "role": "viewer"})
    elsewhere = await api.sign_up("brand")
    colleague = await joined(api, brand, "operator", elsewhere.email, elsewhere)
    return brand, [first, second], colleague


async def test_nothing_personal_of_a_brand_is_left_and_others_keep_theirs(  # noqa: PLR0915  one story
    api: Api, topics: Topics, postgres_dsn: str, service_settings: dict[str, str]
) -> None:
    three_pl = await api.three_pl()
    brand, added, colleague = await planted_brand(api, three_pl)
    connections = [one["connection"]["id"] for one in added]
    kept = await three_pl.post("/v1/brands", brand_form(company_name="Kept"))
    machine = await brand.post("/v1/api-clients", {"name": "x", "scopes": ["connections:write"]})
    basic = httpx.BasicAuth(machine["client_id"], machine["client_secret"])
    grant = {"grant_type": "client_credentials"}
    answer = await api.client.post("/oauth2/token", data=grant, auth=basic)
    for token, expected in (
        (colleague.token, (403, "role_required")),
        (answer.json()["access_token"], (403, "role_required")),
        (three_pl.token, (404, "not_found")),
        ("no key", (401, "invalid_token")),
    ):
        refused = await erase(api, brand.id, token)
        assert (refused.status_code, refused.json()["code"]) == expected
    assert (await erase(api, str(uuid4()))).status_code == 404
    refused = await erase(api, brand.id, brand.token)
    assert (refused.status_code, refused.json()["code"]) == (409, "connections_live")
    assert refused.json()["connection_ids"] == sorted(connections)
    for connection in connections:
        await disconnect(brand, connection)
    assert MARK in (await three_pl.get(f"/v1/brands/{brand.id}"))["company_name"]
    before = await three_pl.get(f"/v1/connections/{connections[0]}/audit")

    erased = await erase(api, brand.id, brand.token)
    assert erased.status_code == 200, erased.text
    assert erased.json()["account_id"] == brand.id
    assert erased.json()["erased_at"] < erased.json()["logs_until"]
    await require_gone(topics, postgres_dsn, service_settings, brand.email)

    # The claim that became an alias came from an account of its own: it has ended, too.
    told = {
        key.decode(): AccountChanged.model_validate_json(value)
        for key, value in (await newest(topics, ACCOUNTS_CHANGED.name)).items()
    }
    ended = {key for key, one in told.items() if one.erased}
    assert ended == {brand.id, added[1]["id"]}
    assert [(told[one].people, told[one].clients) for one in ended] == [((), ())] * 2
    stores = [
        StoreChanged.model_validate_json(value)
        for value in (await newest(topics, STORES_CHANGED.name)).values()
    ]
    of_brand = [one for one in stores if str(one.brand_id) == brand.id]
    assert len(of_brand) == 3
    assert {(one.domain, one.credentials) for one in of_brand} == {
        (f"{one.store_id}.invalid", ()) for one in of_brand
    }

    # Whoever was of it is out; who works elsewhere goes on there.
    login = {"email": brand.email, "password": PASSWORD}
    assert (await api.client.post("/v1/sessions", json=login)).status_code == 401

    async def status() -> int:
        return (await brand.call("GET", "/v1/stores")).status_code

    await eventually(status, lambda seen: seen == 401)
    assert (await api.client.post("/oauth2/token", data=grant, auth=basic)).status_code == 401
    again = await api.log_in(colleague.email)
    assert again.id not in (brand.id, "")
    # The other party keeps its connections, and the decisions on them.
    seen = await three_pl.get(f"/v1/connections/{connections[0]}")
    assert (seen["state"], seen["brand"]) == ("disconnected", {"id": brand.id, "name": ""})
    audit = (await three_pl.get(f"/v1/connections/{connections[0]}/audit"))["data"]
    assert (audit[0]["action"], audit[1:]) == ("order_rules_erased", before["data"])
    rules = await three_pl.get(f"/v1/connections/{connections[0]}/order-rules")
    assert (rules["version"], rules["rules"], rules["default"]) == (1, [], "send")
    assert (await three_pl.call("GET", f"/v1/brands/{brand.id}")).status_code == 404
    assert (await three_pl.get("/v1/connections?q=zqxmark"))["data"] == []
    assert (await three_pl.get(f"/v1/brands/{kept['id']}"))["company_name"] == "Kept"
    assert len((await three_pl.get("/v1/connections?q=kept"))["data"]) == 1
    # The operator finds no such account, and is told the same again.
    headers = {"authorization": f"Bearer {api.operator_key}"}
    listed = (await api.client.get("/v1/accounts?limit=200", headers=headers)).json()["data"]
    assert not {brand.id, added[1]["id"]} & {one["id"] for one in listed}
    assert (await api.set_plan(brand.id, "conquer")).status_code == 404
    assert (await erase(api, brand.id)).json() == erased.json()


async def invited_3pl(api: Api, brand: Party) -> tuple[Party, str, Json]:
    """A 3PL that took up a brand's invitation, the connection, and the store."""
    own = {"store_url": f"https://{uuid4().hex}.example", "platform": "shopify"}
    store = await brand.post("/v1/stores", own)
    email = f"{MARK}@3pl.test"
    await brand.post("/v1/invitations", {"email": email, "store_id": store["id"]})
    token = (await api.mailbox.wait_for(email))[-1].token
    body = {"token": token, "password": PASSWORD, "name": f"{MARK} Ltd"}
    answer = await api.client.post("/v1/invitations/accept", json=body)
    three_pl = api.party(answer, email)
    assert (await api.set_plan(three_pl.id, "conquer")).status_code == 200
    return three_pl, answer.json()["connection"]["id"], store


async def test_a_3pls_claims_and_webhooks_go_with_it_and_two_at_once_are_one(
    api: Api, topics: Topics, postgres_dsn: str, service_settings: dict[str, str]
) -> None:
    brand = await api.sign_up("brand")
    three_pl, connection, store = await invited_3pl(api, brand)
    for path in ("one", "two"):
        url = f"http://127.0.0.1:9/{MARK}/{path}"
        assert (await three_pl.set(connection, webhook_url=url)).status_code == 200
    audit = (await brand.get(f"/v1/connections/{connection}/audit"))["data"]
    assert audit[0]["to"] == {"webhook_url": "http://127.0.0.1"}
    claims = [
        await three_pl.post("/v1/brands", marked_form(f"{MARK}{n}", f"{MARK}{n}@client.test"))
        for n in range(3)
    ]
    await three_pl.post(f"/v1/stores/{claims[0]['store']['id']}/credentials", {"kind": "api_key"})
    token = await api.mailed_token(claims[0])
    for one in (connection, claims[2]["connection"]["id"]):
        await disconnect(three_pl, one)

    first, second = await asyncio.gather(*(erase(api, three_pl.id) for _ in range(2)))
    assert (first.status_code, second.status_code) == (200, 200), (first.text, second.text)
    assert first.json() == second.json()
    await require_gone(topics, postgres_dsn, service_settings, three_pl.email)
    waiting = "SELECT count(*) FROM connections.mails WHERE state = 'pending'"
    assert (await rows(postgres_dsn, waiting))[0][0] == 0

    told = await topics.all(ACCOUNTS_CHANGED.name)
    ended = [AccountChanged.model_validate_json(record.value) for record in told]
    assert sorted(str(one.account_id) for one in ended if one.erased) == sorted(
        [three_pl.id, *(one["id"] for one in claims)]
    )
    stands = {
        key.decode(): ConnectionChanged.model_validate_json(value)
        for key, value in (await newest(topics, CONNECTIONS_CHANGED.name)).items()
    }
    assert {stands[one["connection"]["id"]].state for one in claims} == {"disconnected"}
    sealer = Sealer.parse(service_settings["RELEVO_SEALING_KEYS"])
    endpoints = stands[connection].endpoints
    assert [
        (one.masked_url, one.sealed_secrets, open_url(one.sealed_url, None, one.id, sealer))
        for one in endpoints
    ] == [("https://erased.invalid", (), "https://erased.invalid")] * 2

    # What waited to be accepted is over; the brand has what it had.
    assert (await api.accept(token)).json()["code"] == "link_expired"
    seen = await brand.get(f"/v1/connections/{connection}")
    assert seen["three_pl"] == {"id": three_pl.id, "name": ""}
    assert seen["store"]["domain"] == store["domain"]
    assert (await brand.get(f"/v1/stores/{store['id']}"))["domain"] == store["domain"]
    actions = [
        one["action"] for one in (await brand.get(f"/v1/connections/{connection}/audit"))["data"]
    ]
    assert actions == [
        "webhook_erased", "disconnected", "settings_changed", "settings_changed", "accepted",
        "created",
    ]  # fmt: skip
    (invitation,) = (await brand.get("/v1/invitations"))["data"]
    assert (invitation["state"], invitation["email"]) == ("accepted", "")
    # The address is free.
    before = len(api.mailbox.to(three_pl.email))
    form = {"kind": "three_pl", "name": "Anew", "email": three_pl.email}
    await api.client.post("/v1/accounts", json=form)
    await api.mailbox.wait_for(three_pl.email, before + 1)
    assert (await api.confirm(three_pl.email)).id != three_pl.id


async def test_who_joins_at_the_same_moment_is_either_erased_or_too_late(api: Api) -> None:
    """Asked in, and the account is erased while the link is followed: no one is left inside."""
    for _ in range(5):
        owner = await api.sign_up("brand")
        email = f"{uuid4().hex}@relevo.test"
        await owner.post("/v1/people", {"email": email, "role": "viewer"})
        token = (await api.mailbox.wait_for(email))[-1].token
        body = {"token": token, "password": PASSWORD}
        erased, followed = await asyncio.gather(
            erase(api, owner.id, owner.token), api.client.post("/v1/people/join", json=body)
        )
        assert erased.status_code in (200, 503), erased.text
        assert followed.status_code in (201, 404, 410), followed.text
        if erased.status_code == 503:
            assert (await erase(api, owner.id)).status_code == 200
        login = {"email": email, "password": PASSWORD}
        assert (await api.client.post("/v1/sessions", json=login)).status_code in (401, 404)


async def test_every_column_that_there_is_stands_in_the_record(postgres_dsn: str) -> None:
    """A new column is kept or erased by decision."""
    columns = await rows(
        postgres_dsn,
        "SELECT c.table_name AS of, c.column_name AS name FROM information_schema.columns c"
        " JOIN information_schema.tables t USING (table_schema, table_name)"
        " WHERE c.table_schema = 'connections' AND t.table_type = 'BASE TABLE'"
        " AND c.table_name <> 'alembic_version'",
    )
    tables = {
        line.split("|")[1].strip().strip("`"): line
        for line in RECORD.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    }
    missing = [
        f"{row['of']}.{row['name']}"
        for row in columns
        if f"`{row['name']}`" not in tables.get(row["of"], "")
    ]
    assert missing == []
    assert set(tables) == {row["of"] for row in columns}
