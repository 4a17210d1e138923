"""A little service on the bus: it takes notes, and fails as a test tells it to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from aiokafka import AIOKafkaConsumer
from pydantic import StringConstraints

from shared.bus import BATCH_RECORDS, Bus, Received, Record, cloud_event_headers
from shared.contracts import Timestamp, Topic, WireContract
from shared.failures import Permanent
from shared.settings import Settings
from tests.integration.topics import Topics
from tests.waiting import eventually

Texts = list[str]


class Note(WireContract):
    text: Annotated[str, StringConstraints(max_length=100)]
    filling: str = ""
    at: Timestamp | None = None


def read_note(record: Record) -> Note:
    if record.headers["ce_type"] != "note":
        raise Permanent(f"unknown type {record.headers['ce_type']}")
    return Note.model_validate_json(record.value)


async def tell(topics: Topics, topic: Topic, key: str, *texts: str) -> None:
    """Publish notes of one key, so in one partition, in this order."""
    sent = [
        await topics.start_saying(
            topic.name, key, Note(text=text), cloud_event_headers("note", "/test", key)
        )
        for text in texts
    ]
    await asyncio.gather(*sent)


async def _nothing_happens(_: Texts) -> None:
    """The handler works."""


class Listener:
    """One process of the service.

    Args:
        settings: where Kafka is.
        topic: what it listens to.
        group: the consumer group, None to read everything.
        meets: what happens to a batch before it is handled; it may raise.
        max_records: most records in a batch.
    """

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        group: str | None = "notes",
        meets: Callable[[Texts], Awaitable[None]] = _nothing_happens,
        max_records: int = BATCH_RECORDS,
    ) -> None:
        self.bus = Bus(settings, "test-notes")
        self.bus.consume(topic, self._read, self._on_notes, group=group, max_records=max_records)
        self.meets = meets
        self.read: list[float] = []
        self.asked: list[Texts] = []
        self.handled: Texts = []
        self._stopped = False

    def _read(self, record: Record) -> Note:
        self.read.append(time.monotonic())
        return read_note(record)

    async def _on_notes(self, received: Sequence[Received[Note]]) -> None:
        texts = [each.body.text for each in received]
        self.asked.append(texts)
        await self.meets(texts)
        self.handled += texts

    def partitions(self) -> int:
        """How many are this process's now."""
        (subscriber,) = self.bus.broker.subscribers
        consumer: AIOKafkaConsumer | None = getattr(subscriber, "consumer", None)
        return len(consumer.assignment()) if consumer else 0

    async def has(self, *texts: str, seconds: float = 20.0) -> None:
        """Return once exactly these were handled, in this order."""

        async def look() -> Texts:
            return self.handled

        await eventually(look, lambda seen: seen == list(texts), seconds)

    async def has_all(self, texts: Sequence[str], seconds: float = 20.0) -> None:
        """Return once each of these was handled at least once."""

        async def look() -> Texts:
            return sorted(set(texts) - set(self.handled))

        await eventually(look, lambda missing: not missing, seconds)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Listener"]:
        """Connected, and stopped in order at the end."""
        async with _connecting(self.bus):
            try:
                await eventually(self.bus.check_consumers, lambda missing: missing is None)
                yield self
            finally:
                await self.stop()

    async def stop(self) -> None:
        """Stop in order; what is not done by then is not done."""
        if not self._stopped:
            self._stopped = True
            await self.bus.stop()
            for progress in self.bus._progress:
                if progress._task is not None:
                    progress._task.cancel()


@asynccontextmanager
async def connected(bus: Bus) -> AsyncIterator[Bus]:
    """A bus that can write."""
    async with _connecting(bus):
        try:
            await eventually(bus.check_producer, lambda missing: missing is None)
            yield bus
        finally:
            await bus.stop()


@asynccontextmanager
async def _connecting(bus: Bus) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
