"""Whether a consumer that reads compacted topics whole has come to the ends they had at its start.

Positions count, not the records' own offsets: a compacted log has holes, also at its end.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Protocol

from aiokafka import TopicPartition

from shared.kafka.ends import Ends


class Log(Protocol):
    """What is asked of a consumer (`AIOKafkaConsumer`)."""

    def assignment(self) -> Collection[TopicPartition]:
        """The partitions it reads."""

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """The offset behind the newest record of each."""

    async def position(self, partition: TopicPartition) -> int:
        """The offset of the next record that it will be given."""


class CatchUp:
    """One consumer's way to the ends; once there it stays there, whatever comes later.

    Partitions that come before that are read to the end that they had when they were first seen.

    Args:
        ends: asked where they end; None for the consumer itself.
    """

    def __init__(self, ends: Ends | None = None) -> None:
        self._asked = ends
        self._ends: dict[TopicPartition, int] = {}
        self._read: dict[TopicPartition, int] = {}
        self._complete = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether all of it was handled."""
        return self._complete.is_set()

    async def wait(self) -> None:
        """Return once it is complete."""
        await self._complete.wait()

    async def note(self, consumer: Log, *, is_idle: bool) -> None:
        """Look where the consumer is.

        Args:
            consumer: about to be asked for its next batch: all before was handled.
            is_idle: it was given nothing the last time. A log that was made anew may end before
                the end that was noted.

        Raises:
            KafkaError: Kafka is away, or the partitions have just changed; ask again.
        """
        assigned = consumer.assignment()
        unseen = [at for at in assigned if at not in self._ends]
        if unseen or is_idle:
            ends = await (self._asked or consumer).end_offsets(
                list(assigned) if is_idle else unseen
            )
            for at, end in ends.items():
                self._ends[at] = min(end, self._ends.get(at, end))
        for at in assigned:
            self._read[at] = await consumer.position(at)
        if assigned and all(self._read[at] >= self._ends[at] for at in assigned):
            self._complete.set()

    def missing(self) -> str | None:
        """How much of which topic was read; None once it is complete."""
        if self.is_complete:
            return None
        said = []
        for topic in sorted({at.topic for at in self._ends}):
            ends = {at: end for at, end in self._ends.items() if at.topic == topic}
            read = sum(min(self._read.get(at, 0), end) for at, end in ends.items())
            if read < (total := sum(ends.values())):
                said.append(f"{topic}: {read:,} of {total:,} records read")
        return "; ".join(said) or "not read yet"
