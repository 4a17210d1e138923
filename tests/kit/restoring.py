"""A connections whose database can be swapped for an older one, as after a restore."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from relevo.operate.roles import dsn_of
from services.connections.main import create_app
from services.connections.settings import Settings
from tests.kit.client import Api, Json, Party
from tests.kit.engines import ROLE_PASSWORDS, Addresses, administer, copy_of
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually


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


def again(api: Api, party: Party) -> Party:
    """With the token of before, at another process."""
    return Party(api.client, party.id, party.email, party.token)


async def newest(topics: Topics, topic: str) -> dict[str, Json]:
    """What compaction leaves: the newest record of each key."""
    return {r.key.decode(): orjson.loads(r.value) for r in await topics.all(topic)}
