"""The offsets of one consumer: committed soon and together, instead of batch by batch."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.failures import is_transient
from shared.kafka.ends import Ends
from shared.kafka.positions import Cursor

logger = structlog.get_logger(__name__)

# How long handled offsets gather. A commit for each batch writes every assigned partition's offset
# again, and was a fifth of Kafka's work at a few hundred orders a second.
_COMMIT_SECONDS = 0.1
_MONITOR_SECONDS = 5.0
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
        cursor: of a consumer that keeps its positions itself: these offsets are then for lag
            monitors alone, and it is told of partitions that come and go.
    """

    def __init__(
        self, consumer: Callable[[], AIOKafkaConsumer | None], cursor: Cursor | None = None
    ) -> None:
        self._consumer = consumer
        self._cursor = cursor
        self._commit_seconds = _COMMIT_SECONDS if cursor is None else _MONITOR_SECONDS
        self._aligning: asyncio.Task[None] | None = None
        self._handled: dict[TopicPartition, int] = {}
        # Where the partitions of this process are, committed or not.
        self._at: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def handled(self, records: Sequence[ConsumerRecord]) -> None:
        """See `Offsets`."""
        for record in records:
            at = TopicPartition(record.topic, record.partition)
            self._handled[at] = self._at[at] = record.offset + 1
        if not self._stopped and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        pause = self._commit_seconds
        while self._handled:
            await asyncio.sleep(pause)
            pause = self._commit_seconds if await self.commit() else _RETRY_SECONDS

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

    async def behind(self, ends: Ends) -> dict[str, int]:
        """Records of each topic that are not handled yet, of the partitions of this process.

        Raises:
            KafkaError: Kafka is away.
        """
        consumer = self._consumer()
        if consumer is None or not (mine := consumer.assignment()):
            return {}
        last, first = await ends.end_offsets(mine), await ends.beginning_offsets(mine)
        behind: dict[str, int] = {}
        for at in mine:
            if at not in self._at:
                self._at[at] = await consumer.committed(at) or 0
            left = last[at] - max(self._at[at], first[at])
            behind[at.topic] = behind.get(at.topic, 0) + max(0, left)
        return behind

    async def stop(self) -> None:
        """Commit once more, while the consumer still runs; nothing after that."""
        self._stopped = True
        for task in (self._task, self._aligning):
            if task is not None:
                task.cancel()
        await self.commit()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """They go to another process: it is to start where we stopped."""
        await self.commit()
        self._handled.clear()
        for at in revoked:
            self._at.pop(at, None)
        if self._cursor is not None:
            self._cursor.forget({one.partition for one in revoked})

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """A cursor seeks its positions; aiokafka goes on meanwhile and swallows what fails."""
        if self._cursor is not None:
            partitions = {one.partition for one in assigned}
            self._cursor.forget(partitions)
            self._aligning = asyncio.create_task(self._align(self._cursor, partitions))

    async def _align(self, cursor: Cursor, partitions: Iterable[int]) -> None:
        while True:
            try:
                await cursor.align(partitions)
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("positions are not known yet", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return
