"""`kill -9` of connections between a commit and what it says on the topics: nothing is lost."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import BaseModel

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import ACCOUNTS_CHANGED, CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.client import Api, Party
from tests.kit.publishers import Topics
from tests.kit.serving import ready
from tests.kit.waiting import eventually

pytestmark = pytest.mark.engines
# What leads the relay of the outbox: as long as the test holds it, what is committed stays there.
_HOLD = "SELECT pg_advisory_lock(hashtextextended('connections.outbox', 0))"
_LET_GO = "SELECT pg_advisory_unlock(hashtextextended('connections.outbox', 0))"


@pytest.fixture
def processes(service_environment: dict[str, str]) -> Iterator[Any]:
    """Starts connections as a process of its own, to be killed; with the URL it has then."""
    with ExitStack() as stack:

        def begin() -> tuple[subprocess.Popen[bytes], str]:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = str(free.getsockname()[1])
            process = subprocess.Popen(
                [sys.executable, "-m", "services.connections"],
                env={**os.environ, **service_environment, "RELEVO_PORT": port},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process, f"http://127.0.0.1:{port}"

        yield begin


async def is_up(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/live")).status_code == 200
    except httpx.TransportError:
        return False


async def change_everything(api: Api, three_pl: Party, brand: Party, added: Any) -> None:
    """Several versions of an account, a store and a connection."""
    connection = f"/v1/connections/{added['connection']['id']}"
    for _ in range(3):
        await brand.post(f"{connection}/activate")
        await three_pl.post(f"{connection}/deactivate")
        await brand.post(f"/v1/stores/{added['store']['id']}/credentials", {"kind": "api_key"})
        (held,) = (await brand.get(f"/v1/stores/{added['store']['id']}"))["credentials"]
        path = f"/v1/stores/{added['store']['id']}/credentials/{held['id']}"
        assert (await brand.call("DELETE", path)).status_code == 204
        for plan in ("free", "conquer"):
            assert (await api.set_plan(three_pl.id, plan)).status_code == 200


async def said(
    topics: Topics, topic: str, contract: type[BaseModel], key: str, last: int
) -> list[int]:
    """The versions of one key, in the order of its partition."""

    async def read() -> list[int]:
        records = [one for one in await topics.all(topic) if one.key == key.encode()]
        found = [contract.model_validate_json(record.value) for record in records]
        return [one.version for one in found]  # type: ignore[attr-defined]  # all of them have one

    return await eventually(read, lambda versions: last in versions)


async def test_what_was_committed_and_not_said_is_said_after_a_kill_once_and_in_order(
    processes: Any, service_environment: dict[str, str], postgres_dsn: str, topics: Topics
) -> None:
    process, url = processes()
    database = await asyncpg.connect(postgres_dsn)
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        await eventually(lambda: is_up(client))
        await ready(client)
        api = Api.of(client, service_environment)
        three_pl, brand, added = await api.connected()
        # The process leads its relay: another one is to stand by until the test lets go.
        process.terminate()
        process.wait()
    await database.execute(_HOLD)
    process, url = processes()
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        await eventually(lambda: is_up(client))
        await ready(client)
        api = Api.of(client, service_environment)
        three_pl, brand = (Party(client, one.id, one.email, one.token) for one in (three_pl, brand))
        await change_everything(api, three_pl, brand, added)
        waiting = await database.fetchval("SELECT count(*) FROM connections.outbox")
        assert waiting >= 18
        process.kill()
        process.wait()
    await database.execute(_LET_GO)
    processes()
    for topic, contract, key in (
        (CONNECTIONS_CHANGED.name, ConnectionChanged, added["connection"]["id"]),
        (STORES_CHANGED.name, StoreChanged, added["store"]["id"]),
        (ACCOUNTS_CHANGED.name, AccountChanged, three_pl.id),
    ):
        table = topic.split(".", maxsplit=1)[0]
        now = await database.fetchval(
            f"SELECT version FROM connections.{table} WHERE id::text = $1",  # noqa: S608  a topic
            key,
        )
        versions = await said(topics, topic, contract, key, last=now)
        first = versions[0]
        assert versions == list(range(first, now + 1)), topic
        assert now - first >= 5
    # Said is not yet deleted.
    await eventually(
        lambda: database.fetchval("SELECT count(*) = 0 FROM connections.outbox"),
    )
    await database.close()
