"""Where a consumer stands, kept beside the effects of what it read.

The row is the truth, and Kafka's own offsets are for lag monitors. Each batch moves the row from
where this process believes it to be, in the transaction of its effects: whoever lost the partition
meanwhile fails there, and writes nothing (`OutOfStep`). Seeking only saves work.

A row also names the last record that was handled. Reading goes on from that one, which is looked
at once more: another record at its offset, or an offset that is gone, is another log. That one is
read from its start.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.failures import Transient
from shared.kafka.ends import Ends
from shared.telemetry import OTHER_LOGS

logger = structlog.get_logger(__name__)


class OutOfStep(Exception):  # noqa: N818  says where we are
    """The row is not where this process believed it to be; nothing may be written."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where the reading of a partition goes on, and the id of the record before that.

    `generation` counts the logs that the partition has had. `record_id` is None at a start.
    """

    next_offset: int
    record_id: str | None = None
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """The move of one row: from `before` to `after`."""

    partition: int
    before: Position
    after: Position


class Positions(Protocol):
    """The rows of one topic in one schema."""

    async def load(self, partitions: Iterable[int]) -> Mapping[int, Position]:
        """Those that there are.

        Raises:
            Exception: Postgres is away.
        """

    async def adopts_offsets(self) -> bool:
        """Whether partitions without a row go on where Kafka's own offsets are: a schema of before.

        Raises:
            Exception: Postgres is away.
        """

    async def move(self, steps: Sequence[Step]) -> None:
        """Move rows that no effect moves; another one's move wins.

        Raises:
            Exception: Postgres is away.
        """

    async def put(self, partition: int, before: Position | None, after: Position) -> None:
        """Set a row that is not moved by a batch; another one's move wins.

        Raises:
            Exception: Postgres is away.
        """


def identity(record: ConsumerRecord) -> str:
    """What tells a record from every other: its `ce_id`, or its contents if it has none."""
    for name, value in record.headers:
        if name == "ce_id" and value:
            return bytes(value).decode(errors="replace")
    content = hashlib.blake2b(digest_size=16)
    for part in (record.key, record.value):
        content.update(part or b"")
    return content.hexdigest()


@dataclass(frozen=True, slots=True)
class _Sought:
    """A partition that was sought to `offset`; `again` because other records came first."""

    offset: int
    row: Position
    again: bool = False


class Cursor:
    """What one consumer knows of its positions.

    Args:
        topic: its name, with its prefix.
        rows: the truth.
        consumer: as it is now; None while there is none.
        ends: asked where logs begin and end; None for the consumer itself.
    """

    def __init__(
        self,
        topic: str,
        rows: Positions,
        consumer: Callable[[], AIOKafkaConsumer | None],
        ends: Ends | None = None,
    ) -> None:
        self._ends = ends
        self._topic = topic
        self._rows = rows
        self._consumer = consumer
        # Where the rows are, of the partitions whose records may be handled.
        self._at: dict[int, Position] = {}
        # Those that were sought and whose first record is still to be looked at.
        self._expected: dict[int, _Sought] = {}
        self._lock = asyncio.Lock()

    def forget(self, partitions: Iterable[int] | None = None) -> None:
        """Know nothing of these, or of all: what comes of them is looked at anew."""
        for partition in list(self._at.keys() | self._expected.keys()):
            if partitions is None or partition in partitions:
                self._at.pop(partition, None)
                self._expected.pop(partition, None)

    async def admit(self, records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
        """The records that are to be handled, in their order: none twice, none too early.

        Raises:
            Exception: Postgres or Kafka is away; transient, and nothing was lost.
        """
        async with self._lock:
            first = {record.partition: record for record in reversed(records)}
            for partition, record in first.items():
                # Read again after a refusal, or the log is another one and begins anew.
                if partition in self._at and record.offset < self._at[partition].next_offset:
                    self._at.pop(partition)
            sought = [one for one in first if one in self._expected]
            unknown = [one for one in first if one not in self._at and one not in sought]
            if unknown:
                await self._seek(unknown)
            for partition in sought:
                await self._look_at(partition, first[partition])
            return [
                record
                for record in records
                if (at := self._at.get(record.partition)) and record.offset >= at.next_offset
            ]

    def generation(self, partition: int) -> int:
        """Which of its logs an admitted partition is."""
        return self._at[partition].generation

    def steps(self, records: Iterable[ConsumerRecord]) -> list[Step]:
        """The moves that handling these makes."""
        last = {record.partition: record for record in records}
        return [
            Step(
                partition,
                before := self._at[partition],
                Position(record.offset + 1, identity(record), before.generation),
            )
            for partition, record in last.items()
        ]

    def done(self, steps: Iterable[Step]) -> None:
        """These moves are committed."""
        for step in steps:
            if self._at.get(step.partition) == step.before:
                self._at[step.partition] = step.after

    async def settle(self, records: Iterable[ConsumerRecord]) -> None:
        """All of these are done with, those too that no handler got: dead letters at the end.

        Raises:
            Exception: Postgres is away.
        """
        left = [
            step for step in self.steps(records) if step.before.next_offset < step.after.next_offset
        ]
        if left:
            await self._rows.move(left)
            self.done(left)

    async def align(self, partitions: Iterable[int]) -> None:
        """Read on where the rows say; what was assigned is known before its records come.

        Raises:
            Exception: Postgres or Kafka is away.
        """
        async with self._lock:
            known = self._at.keys() | self._expected.keys()
            await self._seek([one for one in partitions if one not in known])

    async def _seek(self, partitions: Iterable[int], *, again: bool = False) -> None:
        consumer = self._reading()
        names = {TopicPartition(self._topic, at) for at in partitions} & consumer.assignment()
        rows = await self._rows.load(name.partition for name in names)
        begins = await (self._ends or consumer).beginning_offsets(list(names))
        ends = await (self._ends or consumer).end_offsets(list(names))
        for name in names:
            row = rows.get(name.partition)
            if row is None:
                row = await self._first(consumer, name, begins[name])
            elif row.record_id is not None and begins[name] == row.next_offset <= ends[name]:
                # All that was handled has been removed by now, and nothing else.
                row = replace(row, record_id=None)
            elif row.record_id is not None and not (
                begins[name] <= row.next_offset - 1 < ends[name]
            ):
                row = await self._other_log(name.partition, row, begins[name])
            self._go(name.partition, row, begins[name], again=again)

    def _go(self, partition: int, row: Position, begin: int, *, again: bool = False) -> None:
        last = row.next_offset if row.record_id is None else row.next_offset - 1
        # What was removed from the start of the log meanwhile cannot be read.
        offset = max(last, begin)
        name = TopicPartition(self._topic, partition)
        # It may have gone to another process meanwhile.
        if name in self._reading().assignment():
            self._reading().seek(name, offset)
            self._expected[partition] = _Sought(offset, row, again)

    def _reading(self) -> AIOKafkaConsumer:
        consumer = self._consumer()
        if consumer is None:
            raise Transient("the consumer is not there")
        return consumer

    async def _first(
        self, consumer: AIOKafkaConsumer, name: TopicPartition, begin: int
    ) -> Position:
        start = begin
        if await self._rows.adopts_offsets():
            start = max(begin, await consumer.committed(name) or begin)
        position = Position(start)
        await self._rows.put(name.partition, None, position)
        return position

    async def _look_at(self, partition: int, record: ConsumerRecord) -> None:
        """Take a partition up, if this is the record that it was sought to."""
        sought = self._expected.pop(partition)
        row = sought.row
        if record.offset != sought.offset and not (sought.again and record.offset > sought.offset):
            # It was polled before the seek.
            await self._seek([partition], again=True)
        elif row.record_id is None or (
            record.offset == sought.offset and identity(record) == row.record_id
        ):
            self._at[partition] = row
        else:
            # Another record than the last that was handled, or a hole where it was.
            name = TopicPartition(self._topic, partition)
            begins = await (self._ends or self._reading()).beginning_offsets([name])
            self._go(partition, await self._other_log(partition, row, begins[name]), begins[name])

    async def _other_log(self, partition: int, row: Position, begin: int) -> Position:
        other = Position(begin, None, row.generation + 1)
        logger.error(
            "another log than before: it is read from its start",
            topic=self._topic,
            partition=partition,
            offset=row.next_offset - 1,
            start=begin,
        )
        OTHER_LOGS.labels(self._topic).inc()
        await self._rows.put(partition, row, other)
        return other
