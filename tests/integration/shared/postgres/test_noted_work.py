"""Noted work: by one process, at once when woken, and again after it failed."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.postgres import noted_work
from shared.postgres.database import Database
from shared.postgres.noted_work import NotedWork
from shared.settings import Settings
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.engines


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = Database(settings, "routing")
    await opened.open()
    yield opened
    await opened.close()


class Chores:
    """What two processes are to do, in memory."""

    def __init__(self, noted: int) -> None:
        self.noted, self.done = noted, 0
        self.at_it, self.most = 0, 0
        self.fails = 1
        self.go_on = asyncio.Event()
        self.looked = 0

    async def is_due(self) -> bool:
        self.looked += 1
        return self.noted > 0

    async def work(self) -> None:
        self.at_it += 1
        self.most = max(self.most, self.at_it)
        try:
            await self.go_on.wait()
            if self.fails:
                self.fails -= 1
                raise ConnectionError("away")
            self.done += self.noted
            self.noted = 0
        finally:
            self.at_it -= 1


async def test_one_process_works_others_stand_by_and_what_failed_is_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noted_work, "_STAND_BY_SECONDS", 0.02)
    chores = Chores(noted=2)
    works = [NotedWork(database, "chores", chores.is_due, chores.work) for _ in range(2)]
    running = [asyncio.create_task(work.run()) for work in works]
    try:
        await wait_until(lambda: chores.at_it == 1 and chores.looked > 4, what="one at it")
        chores.go_on.set()
        await wait_until(lambda: chores.done == 2, what="done after a failure")
        assert chores.most == 1
        # Nothing is due: only who is woken looks before its time.
        before = chores.looked
        chores.noted = 1
        works[0].wake()
        await wait_until(lambda: chores.done == 3, what="woken")
        assert chores.looked > before
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
