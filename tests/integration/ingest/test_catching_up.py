"""A store that was made while ingest was down is never told that there is no such store."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from uuid_utils.compat import uuid7

from services.ingest.credentials import Stores
from services.ingest.main import create_app
from services.ingest.settings import Settings
from shared.kafka.topics import ACCOUNTS_CHANGED
from tests.integration.ingest.conftest import BEARER, StoreOwner, an_order
from tests.kit.publishers import erased
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines


async def test_what_it_does_not_know_is_503_until_it_has_read_all_and_404_only_then(
    service_settings: dict[str, str],
    shop: StoreOwner,
    make_token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await shop.publish()
    go_on, apply = asyncio.Event(), Stores.apply

    async def slow(*arguments: Any) -> None:
        await go_on.wait()
        await apply(*arguments)

    monkeypatch.setattr(Stores, "apply", slow)
    mine = {"authorization": f"Bearer {make_token(shop.brand_id, 'brand')}"}
    url = f"/v1/stores/{shop.id}/orders"
    seen: list[int] = []
    async with running(create_app(Settings())) as client:

        async def send() -> int:
            answer = await client.post(url, json=an_order(), headers=BEARER)
            seen.append(answer.status_code)
            return answer.status_code

        async def missing() -> str:
            said: str = (await client.get("/health/ready")).json()["checks"]["topics"]
            return said

        await eventually(missing, lambda said: "stores.changed: 0 of 1" in said)
        refused = await client.post(url, json=an_order(), headers=BEARER)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        assert (await client.get("/v1/quarantine", headers=mine)).status_code == 503
        go_on.set()
        await eventually(send, lambda status: status == 202)
        assert set(seen) <= {202, 503}
        await ready(client)
        nobody = await client.post(f"/v1/stores/{uuid4()}/orders", json=an_order(), headers=BEARER)
        assert nobody.status_code == 404
        assert (await client.get("/v1/quarantine", headers=mine)).status_code == 200


async def test_an_emptied_schema_is_filled_by_a_start_and_the_next_changes_nothing(
    service_settings: dict[str, str], shop: StoreOwner, postgres_dsn: str
) -> None:
    """With an erasure that was read, and not done, before the process was killed."""
    database = await asyncpg.connect(postgres_dsn, server_settings={"search_path": "ingest"})
    gone = uuid7()
    await shop.publish()
    await shop._topics.publish(ACCOUNTS_CHANGED.name, str(gone), erased(gone))
    noted = "INSERT INTO erased_accounts (account_id, kind) VALUES ($1, 'brand')"
    await database.execute(noted, gone)
    await database.execute(
        "INSERT INTO quarantine (id, store_id, brand_id, route, reason, headers, body) "
        "VALUES ($1, $1, $2, 'generic', 'odd', '{}', '')",
        *(uuid7(), gone),
    )
    kept = "SELECT id, ctid::text, xmin::text, xmax::text FROM stores"
    found = []
    for _ in range(2):
        async with running(create_app(Settings())) as client:
            await ready(client)
            await eventually(
                lambda: database.fetch("SELECT FROM erased_accounts WHERE emptied_at IS NOT NULL")
            )
            found.append(await database.fetch(kept))
    assert not await database.fetch("SELECT FROM quarantine")
    await database.close()
    assert [row["id"] for row in found[0]] == [shop.id]
    assert found[0] == found[1]
