"""The offsets of one consumer: committed soon and together, instead of batch by batch."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

logger = structlog.get_logger(__name__)

# How long handled offsets gather. A commit for each batch writes every assigned partition's offset
# again, and was a fifth of Kafka's work at a few hundred orders a second.
_COMMIT_SECONDS = 0.1
_RETRY_SECONDS = 1.0


class Offsets(Protocol):
    """The port by which a batch says that it was handled."""

    def handled(self, records: Sequence[ConsumerRecord]) -> None:
        """These were handled, and everything before them in their partitions."""


class KafkaOffsets(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
    """Commits the offsets of handled batches of one consumer.

    What a crash leaves uncommitted is read again, which handlers have to bear anyway.

    Args:
        consumer: the consumer as it is now; None while there is none.
    """

    def __init__(self, consumer: Callable[[], AIOKafkaConsumer | None]) -> None:
        self._consumer = consumer
        self._handled: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def handled(self, records: Sequence[ConsumerRecord]) -> None:
        """See `Offsets`."""
        for record in records:
            self._handled[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if not self._stopped and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        pause = _COMMIT_SECONDS
        while self._handled:
            await asyncio.sleep(pause)
            pause = _COMMIT_SECONDS if await self.commit() else _RETRY_SECONDS

    async def commit(self) -> bool:
        """Commit now; False when Kafka did not take it, and what is ours is kept for later."""
        consumer = self._consumer()
        if consumer is None:
            # Whoever reads these partitions next starts at what was committed.
            self._handled.clear()
            return True
        assigned = consumer.assignment()
        offsets = {at: offset for at, offset in self._handled.items() if at in assigned}
        self._handled = dict(offsets)
        if not offsets:
            return True
        try:
            await consumer.commit(offsets)
        except (KafkaError, OSError) as error:
            logger.warning("offsets were not committed", reason=repr(error))
            return False
        self._handled = {
            at: offset for at, offset in self._handled.items() if offset != offsets.get(at)
        }
        return True

    async def stop(self) -> None:
        """Commit once more, while the consumer still runs; nothing after that."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
        await self.commit()

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002  aiokafka's
        """They go to another process: it is to start where we stopped."""
        await self.commit()
        self._handled.clear()

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing to do."""
