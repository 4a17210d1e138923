"""What ends by itself: claims that nobody accepts, links, keys, challenges, counted tries."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from services.connections.expiry import claims, store
from services.connections.main import create_app
from services.connections.settings import Settings
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, STORES_CHANGED
from shared.postgres.database import Database
from tests.kit.client import Api, Json, Party, brand_form
from tests.kit.leaks import tables_with
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


@asynccontextmanager
async def sweeping(settings: dict[str, str], replicas: int = 1) -> AsyncIterator[Api]:
    """The service, once or several times, each looking all the time."""
    async with AsyncExitStack() as stack:
        often = Settings(connections_sweep_seconds=0.05)
        clients = [
            await stack.enter_async_context(running(create_app(often))) for _ in range(replicas)
        ]
        await asyncio.gather(*map(ready, clients))
        yield Api.of(clients[0], settings)


_AGE = """
UPDATE connections.connections SET created_at = created_at - $1 * interval '1 day'
WHERE id::text = ANY($2);
"""
_AGE_LINKS = """
UPDATE connections.login_links
SET created_at = created_at - $1 * interval '1 day', expires_at = expires_at - $1 * interval '1 day'
WHERE connection_id::text = ANY($2);
"""


async def aged(dsn: str, days: float, *connections: str) -> None:
    """Move these claims and their links into the past, all at the same moment."""
    database = await asyncpg.connect(dsn)
    async with database.transaction():
        for statement in (_AGE, _AGE_LINKS):
            await database.execute(statement, days, connections)
    await database.close()


async def state_of(three_pl: Party, added: Json) -> str:
    return str((await three_pl.get(f"/v1/connections/{added['connection']['id']}"))["state"])


async def test_a_claim_that_nobody_accepts_ends_once_on_two_replicas(
    service_settings: dict[str, str], topics: Topics, postgres_dsn: str
) -> None:
    async with sweeping(service_settings, replicas=2) as api:
        three_pl = await api.three_pl()
        added = [await three_pl.post("/v1/brands", brand_form()) for _ in range(12)]
        key = {"kind": "api_key"}
        await three_pl.post(f"/v1/stores/{added[0]['store']['id']}/credentials", key)
        token = await api.mailed_token(added[0])
        await aged(postgres_dsn, 33, *(one["connection"]["id"] for one in added))

        async def states() -> set[str]:
            return {await state_of(three_pl, one) for one in added}

        await eventually(states, lambda found: found == {"expired"})
        for one in added:
            path = f"/v1/connections/{one['connection']['id']}/audit"
            actions = [entry["action"] for entry in (await three_pl.get(path))["data"]]
            assert actions == ["expired", "created"]
        records = await topics.all(CONNECTIONS_CHANGED.name, at_least=24)
        assert len(records) == 24
        said = [ConnectionChanged.model_validate_json(record.value) for record in records]
        assert sum(one.state == "expired" for one in said) == 12
        # Made, with a key, without it, and erased.
        records = await topics.all(STORES_CHANGED.name, at_least=26)
        stores = [StoreChanged.model_validate_json(record.value) for record in records]
        assert len(stores) == 26
        newest = {one.store_id: one for one in sorted(stores, key=lambda one: one.version)}
        assert {(one.credentials, one.domain) for one in newest.values()} == {
            ((), f"{one.store_id}.invalid") for one in newest.values()
        }
        records = await topics.all(ACCOUNTS_CHANGED.name, at_least=12)
        erased = [AccountChanged.model_validate_json(record.value) for record in records]
        assert {str(one.account_id) for one in erased if one.erased} == {one["id"] for one in added}
        first = [one for one in stores if str(one.store_id) == added[0]["store"]["id"]]
        assert [len(one.credentials) for one in first] == [0, 1, 0, 0]

        # Over for both: the mailed link accepts nothing, and the 3PL may ask anew.
        assert (await api.accept(token)).json()["code"] == "link_expired"
        link = await three_pl.call("POST", f"/v1/brands/{added[0]['id']}/login-link")
        assert (link.status_code, link.json()["code"]) == (404, "not_found")
        contact = added[0]["contact"]["email"]
        assert await tables_with(postgres_dsn, "connections", [contact, "Calle Mayor"]) == set()
        form = brand_form(store_url=added[0]["store"]["domain"])
        assert (await three_pl.post("/v1/brands", form))["connection"]["state"] == "pending"


async def test_a_claim_that_its_3pl_ends_is_erased_and_an_accepted_one_is_not(
    service_settings: dict[str, str], topics: Topics, postgres_dsn: str
) -> None:
    async with sweeping(service_settings, replicas=2) as api:
        three_pl = await api.three_pl()
        ended = await three_pl.post("/v1/brands", brand_form())
        kept = await three_pl.post("/v1/brands", brand_form())
        brand, _ = await api.accepted(kept)
        for one in (ended, kept):
            await three_pl.post(f"/v1/connections/{one['connection']['id']}/disconnect")
        contact = ended["contact"]["email"]

        async def tables() -> set[str]:
            return await tables_with(postgres_dsn, "connections", [contact])

        await eventually(tables, lambda found: not found)
        records = await topics.all(ACCOUNTS_CHANGED.name, at_least=1)
        said = [AccountChanged.model_validate_json(record.value) for record in records]
        assert {str(one.account_id) for one in said if one.erased} == {ended["id"]}
        assert (await brand.get("/v1/stores"))["data"][0]["domain"] == kept["store"]["domain"]


async def test_a_claim_with_a_newer_link_and_an_accepted_one_stay(
    service_settings: dict[str, str], postgres_dsn: str
) -> None:
    async with sweeping(service_settings) as api:
        three_pl = await api.three_pl()
        added = [await three_pl.post("/v1/brands", brand_form()) for _ in range(4)]
        over, newer, accepted, young = added
        await api.accepted(accepted)
        # As if it had been asked for on the 20th day.
        database = await asyncpg.connect(postgres_dsn)
        await database.execute(
            "UPDATE connections.login_links SET expires_at = expires_at + interval '20 days'"
            " WHERE connection_id::text = $1",
            newer["connection"]["id"],
        )
        await database.close()
        await aged(postgres_dsn, 29, young["connection"]["id"])
        await aged(postgres_dsn, 33, *(one["connection"]["id"] for one in (newer, accepted, over)))

        async def ended() -> bool:
            return await state_of(three_pl, over) == "expired"

        # The oldest ends last, when the others have been looked at.
        await eventually(ended)
        states = [await state_of(three_pl, one) for one in (newer, accepted, young)]
        assert states == ["pending", "inactive", "pending"]


async def test_a_claim_that_somebody_holds_is_left_alone(
    service_settings: dict[str, str], postgres_dsn: str
) -> None:
    """The client accepts while the sweep comes by."""
    async with sweeping(service_settings) as api:
        three_pl = await api.three_pl()
        held, other = [await three_pl.post("/v1/brands", brand_form()) for _ in range(2)]
        database = await asyncpg.connect(postgres_dsn)
        accepting = database.transaction()
        await accepting.start()
        await database.execute(
            "SELECT FROM connections.stores WHERE id::text = $1 FOR NO KEY UPDATE",
            held["store"]["id"],
        )
        await aged(postgres_dsn, 33, held["connection"]["id"], other["connection"]["id"])

        async def ended() -> bool:
            return await state_of(three_pl, other) == "expired"

        await eventually(ended)
        assert await state_of(three_pl, held) == "pending"
        await database.execute(
            "UPDATE connections.connections SET state = 'inactive', version = version + 1"
            " WHERE id::text = $1",
            held["connection"]["id"],
        )
        await accepting.commit()
        await database.close()
        again = await three_pl.post("/v1/brands", brand_form())
        await aged(postgres_dsn, 33, again["connection"]["id"])

        async def ended_too() -> bool:
            return await state_of(three_pl, again) == "expired"

        await eventually(ended_too)
        assert await state_of(three_pl, held) == "inactive"


async def test_a_link_that_came_while_the_sweep_looked_saves_the_claim(
    api: Api, postgres_dsn: str
) -> None:
    three_pl = await api.three_pl()
    added = await three_pl.post("/v1/brands", brand_form())
    await aged(postgres_dsn, 33, added["connection"]["id"])
    database = Database(Settings(), "connections")
    await database.open()
    async with database.session() as session:
        (seen,) = await store.list_expired_claims(session)
    await three_pl.post(f"/v1/brands/{added['id']}/login-link")
    assert not await claims.expire_one(database, seen)
    assert await state_of(three_pl, added) == "pending"
    await aged(postgres_dsn, 33, added["connection"]["id"])
    assert await claims.expire_one(database, seen)
    assert not await claims.expire_one(database, seen)
    await database.close()


_OLD = """
INSERT INTO connections.login_links (digest, connection_id, created_at, expires_at)
SELECT 'old ' || n, $1, now() - interval '91 days', now() - interval '89 days'
FROM generate_series(1, 1500) n;
"""
_OTHERS = """
INSERT INTO connections.mailed_links (digest, purpose, email, language, created_at, expires_at)
SELECT digest, 'accept', 'a@shop.test', 'en', now() - made * interval '1 day',
       now() - over * interval '1 day'
FROM (VALUES ('old', 91, 89), ('good', 91, -1), ('young', 89, 87)) AS n (digest, made, over);
INSERT INTO connections.idempotency_keys (scope, key, created_at)
VALUES ('old', 'a', now() - interval '25 hours'), ('young', 'a', now() - interval '23 hours');
INSERT INTO connections.login_attempts (subject, attempts, ends_at)
VALUES ('old', 1, now() - interval '1 second'), ('young', 1, now() + interval '1 hour');
INSERT INTO connections.store_challenges (store_id, account_id, token, expires_at)
SELECT id, brand_id, 'old', now() - interval '1 second' FROM connections.stores;
"""
_LEFT = """
SELECT digest FROM connections.login_links WHERE digest LIKE 'old%'
UNION ALL SELECT digest FROM connections.mailed_links WHERE email = 'a@shop.test'
UNION ALL SELECT scope FROM connections.idempotency_keys
UNION ALL SELECT convert_from(subject, 'UTF8') FROM connections.login_attempts
          WHERE length(subject) < 10
UNION ALL SELECT token FROM connections.store_challenges
"""


async def test_what_is_kept_for_a_while_is_swept_on_two_replicas(
    service_settings: dict[str, str], postgres_dsn: str
) -> None:
    async with sweeping(service_settings, replicas=2) as api:
        three_pl = await api.three_pl()
        added = await three_pl.post("/v1/brands", brand_form())
        database = await asyncpg.connect(postgres_dsn)
        await database.execute(_OLD.replace("$1", f"'{added['connection']['id']}'"))
        await database.execute(_OTHERS)

        async def left() -> list[str]:
            return sorted(row["digest"] for row in await database.fetch(_LEFT))

        await eventually(left, lambda found: found == ["good", "young", "young", "young"])
        await database.close()
        # Its own link is young: the claim can be accepted.
        assert (await api.accept(await api.mailed_token(added))).status_code == 201
