"""What queues and sends mails, and what support sees of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import asyncpg
import httpx

from services.connections.mail.kinds import ConfirmAddress, Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.main import create_app
from services.connections.settings import Settings
from shared.postgres.database import Database
from tests.kit.serving import running
from tests.kit.waiting import eventually

LINK = "https://relevo.test/confirm#token=s3cret"


class Post:
    """What a slice of the service does: it queues; and what support sees."""

    def __init__(self, database: Database, outgoing: Outgoing) -> None:
        self.database = database
        self.outgoing = outgoing

    async def queue(self, *mails: Mail) -> int:
        async with self.database.transaction() as session:
            return await self.outgoing.queue(session, *mails)

    async def rows(self) -> list[asyncpg.Record]:
        async with self.database.session() as session:
            found: list[asyncpg.Record] = await session.fetch("SELECT * FROM mails ORDER BY id")
            return found

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows()]

    async def all_ended(self) -> list[asyncpg.Record]:
        return await eventually(
            self.rows, lambda rows: all(row["state"] != "pending" for row in rows)
        )


def a_mail(to: str = "", once: str | None = None) -> Mail:
    """A mail to somebody."""
    return Mail(to or f"{uuid4().hex}@shop.test", ConfirmAddress(link=LINK), once=once)


@asynccontextmanager
async def sending(settings: Settings, replicas: int = 1) -> AsyncIterator[httpx.AsyncClient]:
    """The service, once or several times; a client of the first."""
    async with AsyncExitStack() as stack:
        apps = [create_app(settings) for _ in range(replicas)]
        clients = [await stack.enter_async_context(running(app)) for app in apps]
        yield clients[0]
