"""A little service on Kafka: it takes notes, and fails as a test tells it to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated

from aiokafka import AIOKafkaConsumer
from pydantic import StringConstraints

from shared.contracts.fields import Timestamp, WireContract
from shared.failures import Permanent
from shared.kafka.batch import Record
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.connection import KafkaConnection
from shared.kafka.producer import Producer
from shared.kafka.subscriber import BATCH_RECORDS
from shared.kafka.topics import Topic
from shared.settings import Settings
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually

Texts = list[str]


class Note(WireContract):
    text: Annotated[str, StringConstraints(max_length=100)]
    filling: str = ""
    at: Timestamp | None = None


def read_note(record: Record) -> Note:
    if record.headers["ce_type"] != "note":
        raise Permanent(f"unknown type {record.headers['ce_type']}")
    return Note.model_validate_json(record.value)


async def publish_notes(topics: Topics, topic: Topic, key: str, *texts: str) -> None:
    """Publish notes of one key, so in one partition, in this order."""
    sent = [
        await topics.start_publishing(
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
        self.kafka = KafkaConnection(settings, "test-notes")
        self.kafka.router.batch_subscriber(
            topic, group=group, parse=self._read, max_records=max_records
        )(self._on_notes)
        self.meets = meets
        self.read: list[float] = []
        self.asked: list[Texts] = []
        self.handled: Texts = []
        self._stopped = False

    def _read(self, record: Record) -> Note:
        self.read.append(time.monotonic())
        return read_note(record)

    async def _on_notes(self, notes: Sequence[Note]) -> None:
        texts = [note.text for note in notes]
        self.asked.append(texts)
        await self.meets(texts)
        self.handled += texts

    def partitions(self) -> int:
        """How many are this process's now."""
        (subscriber,) = self.kafka.broker.subscribers
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
        async with _connecting(self.kafka):
            try:
                await eventually(self.kafka.check_consumers, lambda missing: missing is None)
                yield self
            finally:
                await self.stop()

    async def stop(self) -> None:
        """Stop in order; what is not done by then is not done."""
        if not self._stopped:
            self._stopped = True
            await self.kafka.stop()
            for offsets in self.kafka.router.commits:
                if offsets._task is not None:
                    offsets._task.cancel()


@asynccontextmanager
async def connected(kafka: KafkaConnection) -> AsyncIterator[Producer]:
    """A producer that can write."""
    async with _connecting(kafka):
        try:
            await eventually(kafka.producer.check, lambda missing: missing is None)
            yield kafka.producer
        finally:
            await kafka.stop()


@asynccontextmanager
async def _connecting(kafka: KafkaConnection) -> AsyncIterator[None]:
    task = asyncio.create_task(kafka.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
