"""A connections service that runs beside a test which waits for one step after the other."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from threading import Thread
from typing import Any, TypeVar

import asyncpg
from fastapi import FastAPI

from tests.kit.client import Api
from tests.kit.publishers import Topics
from tests.kit.serving import ready, running
from tests.kit.waiting import eventually

T = TypeVar("T")


class World:
    """A running service, asked from outside its event loop."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.app = app
        self.api: Api
        self.topics: Topics
        self.database: asyncpg.Connection
        self._open = AsyncExitStack()

    def ask(self, asked: Coroutine[Any, Any, T]) -> T:
        """The result of something that runs beside the service."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(asked, self._loop)
        return future.result(timeout=60)

    async def open(self, found: Mapping[str, str]) -> None:
        """Start the service; `found` is the environment that it has its settings from."""
        client = await self._open.enter_async_context(running(self.app))
        await ready(client)
        self.api = Api.of(client, found)
        topics = Topics(found["RELEVO_KAFKA"], found["RELEVO_TOPIC_PREFIX"])
        self.topics = await self._open.enter_async_context(topics)
        self.database = await asyncpg.connect(found["RELEVO_POSTGRES_DSN"])
        self._open.push_async_callback(self.database.close)

    async def close(self) -> None:
        """Stop it."""
        await self._open.aclose()

    async def mailed(self, address: str, page: str, send: Coroutine[Any, Any, Any]) -> str:
        """The token of the mail with a link to a page that this sends."""

        async def look() -> list[str]:
            mails = self.api.mailbox.to(address)
            return [mail.token for mail in mails if f"/{page}#" in mail.link]

        before = len(await look())
        await send
        return (await eventually(look, lambda found: len(found) > before))[-1]


@contextmanager
def a_world(app: FastAPI, found: Mapping[str, str]) -> Iterator[World]:
    """The service, started, in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    world = World(app, loop)
    try:
        world.ask(world.open(found))
        yield world
    finally:
        world.ask(world.close())
        world.ask(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
