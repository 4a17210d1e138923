"""A restored connections goes on above what it said on the log."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from services.connections.signing_keys import turns
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.notices import EndpointDisabled, NoticeRaised
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, NOTICES, STORES_CHANGED
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.publishers import Topics
from tests.kit.restoring import Installation, again, newest
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
OLD, NEW = "https://8.8.8.8/old", "https://8.8.8.8/new"
# All of a connection that others go by.
_CONNECTIONS = """
SELECT json_agg(o ORDER BY id)::text FROM (
    SELECT id, store_id, brand_id, three_pl_id, state, version, epoch, priority, settings_version,
           delegation, delegation_since, date_trunc('milliseconds', state_since) AS since
    FROM connections) o
"""
_ENDPOINTS = """
SELECT json_agg(o ORDER BY id)::text FROM (
    SELECT id, connection_id, sealed_url, masked_url, url_digest, sealed_secrets, sends_to
    FROM endpoints) o
"""
_CREDENTIALS = """
SELECT json_agg(o ORDER BY id)::text FROM (
    SELECT id, store_id, kind, digest, sealed_secret, created_by, revoked_at IS NULL AS is_valid
    FROM store_credentials) o
"""
_STORES = """
SELECT json_agg(o ORDER BY id)::text FROM (
    SELECT id, brand_id, domain, version, hold_unpaid, former_brand_id, alias_of FROM stores) o
"""
_ORDER_RULES = """
SELECT json_agg(o ORDER BY version)::text FROM (
    SELECT connection_id AS id, version, rules, default_action,
           date_trunc('milliseconds', effective_at) AS since
    FROM order_rules) o
"""
_ROWS = """
SELECT string_agg(format('%s %s', tablename, query_to_xml(
    format('SELECT * FROM connections.%I t ORDER BY t::text', tablename), true, true, '')), E'\n'
    ORDER BY tablename)
FROM pg_tables WHERE schemaname = 'connections' AND tablename NOT LIKE 'outbox%'
"""


async def test_a_restored_database_goes_on_above_the_log(  # noqa: PLR0915  one story
    installation: Installation, topics: Topics, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installation.running() as api:
        three_pl, brand, added = await api.connected()
        _, other_brand, other = await api.connected(three_pl)
        _, erased_brand, ending = await api.connected(three_pl)
        claim = await three_pl.post("/v1/brands", brand_form())
        moving = await three_pl.post(
            "/v1/brands", brand_form(contact={"name": "Ada", "email": brand.email})
        )
        one, two, three = (added["connection"]["id"], other["connection"]["id"],
                           ending["connection"]["id"])  # fmt: skip
        await three_pl.set(one, webhook_url=OLD)
        await three_pl.post(f"/v1/connections/{one}/activate")
        await three_pl.post(f"/v1/connections/{two}/activate")
        store = f"/v1/stores/{added['store']['id']}"
        revoked = await brand.post(f"{store}/credentials", {"kind": "api_key"})
    await installation.back_up(backup)
    async with installation.running() as api:
        three_pl, brand, other_brand, erased_brand = (
            again(api, one) for one in (three_pl, brand, other_brand, erased_brand)
        )
        # A new endpoint, settings, switches, what is done in its name; another one is switched on.
        await three_pl.set(one, webhook_url=NEW)
        await brand.set(one, billing_owner="three_pl")
        await brand.set(one, log_in_as_brand="off")
        await brand.set(one, priority=7)
        for default in ("do_not_send", "send"):
            assert (await order_rules(brand, one, default)).is_success
        await brand.post(f"/v1/connections/{one}/deactivate")
        await brand.post(f"/v1/connections/{one}/activate")
        await other_brand.post(f"/v1/connections/{two}/deactivate")
        # Keys; what is done about unpaid orders.
        await brand.post(f"{store}/credentials", {"kind": "api_key"})
        answer = await brand.call("DELETE", f"{store}/credentials/{revoked['id']}")
        assert answer.is_success
        rules = {"payment_rules": {"hold_unpaid": False}}
        version = (await brand.get(store))["version"]
        await brand.call("PATCH", store, rules, {"if-match": f'"{version}"'})
        # Ends, and is erased.
        await erased_brand.post(f"/v1/connections/{three}/disconnect")
        erased = await erased_brand.call("DELETE", f"/v1/accounts/{erased_brand.id}/personal-data")
        assert erased.status_code == 200
        # A claim is accepted, and one into an account that is there; somebody logs out; a new
        # account and its connection.
        await api.accepted(claim)
        assert (await api.accept(await api.mailed_token(moving), brand)).status_code == 201
        (open_session,) = (await other_brand.get("/v1/sessions"))["data"]
        answer = await other_brand.call("DELETE", f"/v1/sessions/{open_session['id']}")
        assert answer.status_code == 204
        unknown, _, lost = await api.connected()
        await unknown.post(f"/v1/connections/{lost['connection']['id']}/activate")
    tables = (_CONNECTIONS, _ENDPOINTS, _STORES, _CREDENTIALS, _ORDER_RULES)
    before = [orjson.loads(await installation.look(table)) for table in tables]
    told = await newest(topics, CONNECTIONS_CHANGED.name)
    lost_id, lost_store = lost["connection"]["id"], lost["store"]["id"]

    installation.restore(backup, monkeypatch)
    # What waited in the outbox then was said long ago, and is older than the log by now.
    stale = orjson.dumps(told[one] | {"version": 3, "state": "active", "epoch": 1})
    await installation.look(
        "INSERT INTO outbox (topic, key, headers, value) VALUES ($1, $2, '{}', $3)",
        CONNECTIONS_CHANGED.name, one, stale,
    )  # fmt: skip
    async with installation.running() as api, installation.running():
        three_pl, brand, other_brand = (again(api, who) for who in (three_pl, brand, other_brand))
        for table, rows in zip(tables, before, strict=True):
            here = orjson.loads(await installation.look(table))
            # Erasing once more is one version more.
            lost_ids = (lost_id, lost_store, ending["store"]["id"])
            assert without(here, *lost_ids) == without(rows, *lost_ids), table
        # A revoked token stays revoked, and the session over.
        assert (await other_brand.call("GET", "/v1/connections")).status_code == 401
        left = "SELECT count(*) FROM sessions WHERE account_id = $1 AND ended_at IS NULL"
        assert await installation.look(left, UUID(other_brand.id)) == 0
        # Who was erased is erased, above what the log said of that.
        gone = "SELECT erased_at IS NOT NULL AND name = '' FROM accounts WHERE id = $1"
        assert await installation.look(gone, UUID(erased_brand.id))
        people = "SELECT email FROM people WHERE email = $1"
        assert await installation.look(people, erased_brand.email) is None
        # Settings and what happened are there; nobody here knows by whom.
        path = f"/v1/connections/{one}"
        assert (await three_pl.get(path))["settings"]["webhook"]["url"] == NEW
        versions_made = (await three_pl.get(f"{path}/settings/versions"))["data"]
        assert [row["created_by"] for row in versions_made] == [
            None,
            None,
            three_pl.id,
            three_pl.id,
        ]
        assert (await three_pl.get(f"{path}/order-rules"))["set_by"] is None
        entry = (await three_pl.get(f"{path}/audit"))["data"][0]
        assert (entry["action"], entry["account"]) == ("taken_over", None)
        assert entry["from"]["version"] < entry["to"]["version"] == told[one]["version"]
        everywhere = (await brand.get(f"/v1/audit?connection={one}"))["data"][0]
        assert (everywhere["action"], everywhere["actor"]) == ("taken_over", None)
        # A switch-off is above all that the log says, and its epoch goes on.
        off = await brand.post(f"{path}/deactivate")
        assert off["version"] == told[one]["version"] + 1
        on = await brand.post(f"{path}/activate")
        assert on["epoch"] == told[one]["epoch"] + 1
        # The claim's people are lost; its 3PL ends it.
        ended = await three_pl.post(f"/v1/connections/{claim['connection']['id']}/disconnect")
        assert ended["version"] == told[claim["connection"]["id"]]["version"] + 1
    records = await topics.all(CONNECTIONS_CHANGED.name)
    said = [ConnectionChanged.model_validate_json(record.value) for record in records]
    of_one = [change.version for change in said if str(change.connection_id) == one]
    assert of_one == sorted(set(of_one)), "nothing is said twice, or after what is newer"
    last = (await newest(topics, ACCOUNTS_CHANGED.name))[erased_brand.id]
    assert AccountChanged.model_validate(last).erased


async def order_rules(brand: Party, connection: str, default: str) -> httpx.Response:
    path = f"/v1/connections/{connection}"
    at = {"if-match": f'"{(await brand.get(path))["version"]}"'}
    rule = {"name": "A", "if": {"kind": "country", "any_of": ["ES"]}, "then": "send"}
    return await brand.call("PUT", f"{path}/order-rules", {"rules": [rule], "default": default}, at)


def without(rows: list[Json], *lost: str) -> list[Json]:
    return [row for row in rows if row["id"] not in lost]


async def test_keys_and_colleagues_are_as_the_log_says(
    installation: Installation, backup: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_EVERY_SECONDS", 0.05)
    async with installation.running() as api:
        owner = await api.three_pl()
        assert (await rotate(api)).status_code == 200
        colleague = await api.sign_up("brand")
        await owner.post("/v1/people", {"email": colleague.email, "role": "operator"})
        token = (await api.mailbox.wait_for(colleague.email, 2))[-1].token
        joined = api.party(
            await colleague.call("POST", "/v1/people/join", {"token": token}), colleague.email
        )
        client = {"name": "erp", "scopes": ["connections:read"]}
        machine = await owner.post("/v1/api-clients", client)
    await installation.back_up(backup)
    async with installation.running() as api:
        owner, joined = again(api, owner), again(api, joined)
        person = await installation.look(
            "SELECT id::text FROM people WHERE email = $1", joined.email
        )
        assert (await owner.call("DELETE", f"/v1/people/{person}")).is_success
        answer = await owner.call("DELETE", f"/v1/api-clients/{machine['client_id']}")
        assert answer.is_success
        assert (await rotate(api, retire_now=True)).status_code == 200
        # Everybody logs in anew.
        owner = await eventually_logged_in(api, owner.email)
        announced = await published(api)
    installation.restore(backup, monkeypatch)
    async with installation.running() as api:
        # What was retired stays so, what was lost has a new one in its place, above it.
        assert not await published(api) & announced
        stranger = again(api, owner)
        await eventually(
            lambda: stranger.call("GET", "/v1/connections"), lambda said: said.status_code == 401
        )
        owner = await eventually_logged_in(api, owner.email)
        assert [one["role"] for one in (await owner.get("/v1/people"))["data"]] == ["owner"]
        basic = httpx.BasicAuth(machine["client_id"], machine["client_secret"])
        grant = {"grant_type": "client_credentials"}
        answer = await api.client.post("/oauth2/token", data=grant, auth=basic)
        assert answer.status_code == 401
        now = await published(api)
    async with installation.running() as api:
        assert await published(api) == now


async def rotate(api: Api, **how: Any) -> httpx.Response:
    return await api.client.post(
        "/v1/signing-keys/rotate",
        json=how,
        headers={"authorization": f"Bearer {api.operator_key}"},
    )


async def published(api: Api) -> set[str]:
    answer = await api.client.get("/.well-known/jwks.json")
    return {key["kid"] for key in answer.json()["keys"]}


async def eventually_logged_in(api: Api, email: str) -> Party:
    """Once the token that a session gives is good here."""

    async def logged_in() -> Party | None:
        party = await api.log_in(email)
        return party if (await party.call("GET", "/v1/connections")).is_success else None

    party: Party | None = await eventually(logged_in)
    assert party is not None
    return party


async def test_an_ordinary_start_changes_nothing(
    installation: Installation, topics: Topics
) -> None:
    async with installation.running() as api:
        three_pl, brand, added = await api.connected()
        await three_pl.set(added["connection"]["id"], webhook_url=OLD)
        await three_pl.post(f"/v1/connections/{added['connection']['id']}/activate")
        await brand.post(f"/v1/stores/{added['store']['id']}/credentials", {"kind": "api_key"})
        await rotate(api)
        due = "SELECT count(*) = 0 FROM mails WHERE state = 'pending'"
        await eventually(lambda: installation.look(due))
        signs = "SELECT bool_and(signs_from IS NOT NULL) FROM signing_keys"
        await eventually(lambda: installation.look(signs))
    before = await installation.look(_ROWS)
    said = await newest(topics, CONNECTIONS_CHANGED.name), await newest(topics, STORES_CHANGED.name)
    async with installation.running():
        assert await installation.look(_ROWS) == before
    assert await installation.look(_ROWS) == before
    now = await newest(topics, CONNECTIONS_CHANGED.name), await newest(topics, STORES_CHANGED.name)
    assert now == said


async def test_notices_of_after_the_backup_are_read_again_whatever_kafkas_offsets_say(
    installation: Installation,
    topics: Topics,
    backup: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = "SELECT count(*) FROM notices"
    at = "SELECT sum(next_offset) FROM positions WHERE topic = 'notices'"
    async with installation.running() as api:
        three_pl, _, added = await api.connected()

        async def raise_one() -> None:
            data = EndpointDisabled(
                endpoint_id=uuid4(),
                connection_id=UUID(added["connection"]["id"]),
                store_id=UUID(added["store"]["id"]),
                host="hooks.test",
                parked=1,
            )
            notice = NoticeRaised(
                id=uuid4(), account_id=UUID(three_pl.id), data=data, raised_at=datetime.now(UTC)
            )
            await topics.publish(NOTICES.name, three_pl.id, notice)

        await raise_one()
        await eventually(lambda: installation.look(count), lambda kept: kept == 1)
        assert await installation.look(at) == 1
    await installation.back_up(backup)
    async with installation.running():
        await raise_one()
        await eventually(lambda: installation.look(count), lambda kept: kept == 2)
    installation.restore(backup, monkeypatch)
    assert await installation.look(count) == 1
    async with installation.running():
        await eventually(lambda: installation.look(count), lambda kept: kept == 2)
        assert await installation.look(at) == 2
