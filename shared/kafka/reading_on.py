"""Reads a log on, once, from where its rows stand to the end that it has now.

What a service wrote itself and may have lost is read so, before the service does anything else.
"""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.failures import Transient
from shared.kafka.positions import Cursor, OutOfStep, Positions, Step

logger = structlog.get_logger(__name__)
_POLL_MS = 200
_FETCH_WAIT_MS = 20
# Writes the effects of records and moves the rows, in one transaction; raises OutOfStep.
HandleRecords = Callable[[Sequence[ConsumerRecord], Sequence[Step]], Awaitable[None]]


class ReadingOn:
    """One reading of a topic, without a group.

    Args:
        servers: bootstrap servers.
        topic: its name, with its prefix.
        rows: where the reading goes on.
        handle: what is done with a batch.
        max_records: most records in a batch.
    """

    def __init__(
        self,
        servers: str,
        topic: str,
        rows: Positions,
        handle: HandleRecords,
        max_records: int = 500,
    ) -> None:
        self._servers = servers
        self._topic = topic
        self._rows = rows
        self._handle = handle
        self._max_records = max_records
        self.read = 0
        self.left = 0

    async def run(self) -> None:
        """Return when everything was handled that was on the log at the start.

        Raises:
            Exception: Kafka or Postgres is away; another call goes on where this one was.
        """
        consumer = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=self._servers,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Questions about the log wait behind a fetch that waits.
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        try:
            await consumer.start()
            await self._read(consumer)
        finally:
            await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        names = consumer.assignment()
        if not names:
            raise Transient(f"{self._topic}: there is no such topic yet")
        ends = await consumer.end_offsets(list(names))
        cursor = Cursor(self._topic, self._rows, lambda: consumer)
        await cursor.align([name.partition for name in names])
        while left := await self._left(consumer, ends):
            self.left = left
            found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=self._max_records)
            if found:
                await self._batch(cursor, tuple(chain.from_iterable(found.values())))
            else:
                # A log that was made anew meanwhile may end before the end that was noted.
                now = await consumer.end_offsets(list(names))
                ends = {name: min(end, now[name]) for name, end in ends.items()}
        self.left = 0

    async def _left(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> int:
        """How many records are to come; the last may be holes, which positions pass over."""
        return sum([max(0, end - await consumer.position(name)) for name, end in ends.items()])

    async def _batch(self, cursor: Cursor, records: Sequence[ConsumerRecord]) -> None:
        admitted = await cursor.admit(records)
        if not admitted:
            return
        steps = cursor.steps(admitted)
        try:
            await self._handle(admitted, steps)
        except OutOfStep:
            # Another process reads on too, or its relay was further: where the rows are now.
            cursor.forget()
            await cursor.align({record.partition for record in records})
        else:
            cursor.done(steps)
            self.read += len(admitted)
