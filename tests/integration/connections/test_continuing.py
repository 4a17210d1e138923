"""A restored connections goes on above what it said on the log."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest

from relevo.operate.roles import dsn_of
from services.connections.main import create_app
from services.connections.settings import Settings
from services.connections.signing_keys import turns
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.engines import ROLE_PASSWORDS, Addresses, administer, copy_of
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
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
_ROWS = """
SELECT string_agg(format('%s %s', tablename, query_to_xml(
    format('SELECT * FROM connections.%I t ORDER BY t::text', tablename), true, true, '')), E'\n'
    ORDER BY tablename)
FROM pg_tables WHERE schemaname = 'connections' AND tablename NOT LIKE 'outbox%'
"""


class Installation:
    """connections on a database that can be swapped."""

    def __init__(self, engines: Addresses, settings: dict[str, str]) -> None:
        self.dsn = settings["RELEVO_POSTGRES_DSN"]
        self._engines = engines
        self._settings = settings

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Api]:
        """A process that is ready; everything is said when it ends."""
        async with running(create_app(Settings())) as client:
            await ready(client)
            yield Api.of(client, self._settings)
            await eventually(lambda: self.look("SELECT count(*) = 0 FROM outbox"))

    async def look(self, query: str, *parameters: Any) -> Any:
        """One value; no session stays, so that the database can be copied."""
        session = await asyncpg.connect(self.dsn, server_settings={"search_path": "connections"})
        try:
            return await session.fetchval(query, *parameters)
        finally:
            await session.close()

    async def back_up(self, backup: str) -> None:
        """Nothing runs."""
        await administer(self._engines, copy_of(self.dsn.rsplit("/", 1)[1], backup))

    def restore(self, backup: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The older database in place of the present one, as the role of the service sees it."""
        self.dsn = self._engines.dsn(backup)
        own = dsn_of("connections", self.dsn, ROLE_PASSWORDS["connections"])
        monkeypatch.setenv("RELEVO_POSTGRES_DSN", own)


@pytest.fixture
def installation(engines: Addresses, service_settings: dict[str, str]) -> Installation:
    return Installation(engines, service_settings)


@pytest.fixture
async def backup(engines: Addresses, postgres_dsn: str) -> AsyncIterator[str]:
    """The name of a copy of the database that a test may make."""
    name = f"{postgres_dsn.rsplit('/', 1)[1]}_backup"
    yield name
    await administer(engines, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def again(api: Api, party: Party) -> Party:
    """With the token of before, at another process."""
    return Party(api.client, party.id, party.email, party.token)


async def newest(topics: Topics, topic: str) -> dict[str, Json]:
    """What compaction leaves: the newest record of each key."""
    return {r.key.decode(): orjson.loads(r.value) for r in await topics.all(topic)}


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
    tables = (_CONNECTIONS, _ENDPOINTS, _STORES, _CREDENTIALS)
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


def verify(installation: Installation, settings: dict[str, str], *options: str) -> tuple[int, Json]:
    """What the operator is told, and the exit code."""
    command = [
        sys.executable, "-m", "relevo", "verify", "restore", "--json",
        "--dsn", installation.dsn, "--kafka", settings["RELEVO_KAFKA"],
        "--prefix", settings["RELEVO_TOPIC_PREFIX"], *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.stdout, done.stderr
    told: Json = orjson.loads(done.stdout)
    return done.returncode, told


async def test_the_operator_sees_what_was_lost_and_ends_what_nobody_can_switch_off(
    installation: Installation,
    topics: Topics,
    service_settings: dict[str, str],
    backup: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def look(*options: str) -> tuple[int, Json]:
        return verify(installation, service_settings, *options)

    async with installation.running() as api:
        three_pl, brand, added = await api.connected()
        contact = {"name": "Ada", "email": "late@brand.test"}
        claim = await three_pl.post("/v1/brands", brand_form(contact=contact))
        second = await api.three_pl()
    code, told = await asyncio.to_thread(look)
    assert (code, told["lost"], told["unreadable"]) == (0, [], [])
    await installation.back_up(backup)
    async with installation.running() as api:
        brand, second = again(api, brand), again(api, second)
        form = brand_form(
            contact={"name": "Ada", "email": brand.email}, store_url=added["store"]["domain"]
        )
        lost = await second.post("/v1/brands", form)
        assert (await api.accept(await api.mailed_token(lost), brand)).status_code == 201
        await second.post(f"/v1/connections/{lost['connection']['id']}/activate")
        late = await api.sign_up("brand", contact["email"])
        assert (await api.accept(await api.mailed_token(claim), late)).status_code == 201
        client = {"name": "erp", "scopes": ["connections:read"]}
        machine = await brand.post("/v1/api-clients", client)
        await brand.post(f"/v1/connections/{added['connection']['id']}/deactivate")
        await again(api, three_pl).post(f"/v1/connections/{added['connection']['id']}/activate")
        unknown = await again(api, three_pl).post("/v1/brands", brand_form())
        kept = unknown["store"]["id"]
    connections = {lost["connection"]["id"], unknown["connection"]["id"]}
    installation.restore(backup, monkeypatch)
    # Before connections has started, all of it is behind.
    code, told = await asyncio.to_thread(look)
    assert code == 1
    assert {"account, behind", "connection, behind"} <= {one["kind"] for one in told["lost"]}
    async with installation.running() as api:
        code, told = await asyncio.to_thread(look)
        assert code == 1
        kinds = {(one["kind"], one["id"]) for one in told["lost"]}
        assert {one for kind, one in kinds if kind == "connection"} == connections
        assert ("brand of connection", claim["connection"]["id"]) in kinds
        assert ("API client", machine["client_id"]) in kinds
        assert ("store", kept) in kinds
        assert not [kind for kind, _ in kinds if "behind" in kind]
        code, told = await asyncio.to_thread(look, "--end-unknown")
        assert (code, set(told["ended"])) == (1, connections)
        said = await eventually(
            lambda: newest(topics, CONNECTIONS_CHANGED.name),
            lambda now: all(now[one]["state"] == "disconnected" for one in connections),
        )
        entries = (await again(api, brand).get("/v1/audit"))["data"]
        line = next(one for one in entries if one["action"] == "unknown_connection_ended")
        assert (line["store_id"], line["actor"]) == (added["store"]["id"], None)
    records = await topics.all(CONNECTIONS_CHANGED.name)
    for one in connections:
        of_one = [orjson.loads(r.value)["version"] for r in records if r.key == one.encode()]
        assert said[one]["version"] == max(of_one) > sorted(of_one)[-2]
    # It is over, so nobody misses it any more.
    code, told = await asyncio.to_thread(look)
    assert not [one for one in told["lost"] if one["kind"] == "connection"]
