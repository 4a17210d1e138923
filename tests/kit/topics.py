"""Writes to and reads from the topics of one test, as other services would."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from pydantic import BaseModel

from shared.kafka.cloudevents import cloud_event_headers


class Topics:
    """The topics behind one prefix."""

    def __init__(self, kafka: str, prefix: str) -> None:
        self._kafka = kafka
        self._prefix = prefix
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=1)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._producer.stop()

    async def say(
        self,
        topic: str,
        key: str,
        body: BaseModel | bytes,
        headers: Mapping[str, str] | list[tuple[str, bytes]] | None = None,
    ) -> None:
        """Publish one message and wait for the broker."""
        await (await self.start_saying(topic, key, body, headers))

    async def start_saying(
        self,
        topic: str,
        key: str,
        body: BaseModel | bytes,
        headers: Mapping[str, str] | list[tuple[str, bytes]] | None = None,
    ) -> asyncio.Future[Any]:
        """Publish one message; the future is done when the broker has it."""
        if headers is None:
            headers = cloud_event_headers("test", "/test", key)
        if isinstance(headers, Mapping):
            headers = [(name, value.encode()) for name, value in headers.items()]
        value = body if isinstance(body, bytes) else body.model_dump_json().encode()
        future: asyncio.Future[Any] = await self._producer.send(
            self._prefix + topic, value=value, key=key.encode(), headers=headers
        )
        return future

    async def all(
        self, topic: str, at_least: int = 0, seconds: float = 20.0
    ) -> list[ConsumerRecord]:
        """Every record of `topic`, in partition order; waits until there are `at_least`.

        Raises:
            AssertionError: fewer in time.
        """
        name = self._prefix + topic
        consumer = AIOKafkaConsumer(
            name, bootstrap_servers=self._kafka, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            found: list[ConsumerRecord] = []
            deadline = time.monotonic() + seconds
            while not (partitions := list(consumer.assignment())):
                if time.monotonic() > deadline:
                    raise AssertionError(f"{topic}: no partitions in time")
                await asyncio.sleep(0.02)
            while True:
                ends = await consumer.end_offsets(partitions)
                while any([await consumer.position(each) < ends[each] for each in partitions]):
                    batch = await consumer.getmany(timeout_ms=100)
                    found += [record for records in batch.values() for record in records]
                if len(found) >= at_least:
                    return found
                if time.monotonic() > deadline:
                    raise AssertionError(f"{topic}: {len(found)} of {at_least} records in time")
                await asyncio.sleep(0.02)
        finally:
            await consumer.stop()
