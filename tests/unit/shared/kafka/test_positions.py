"""A cursor against logs that moved, shrank or were made anew."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.kafka.batch import BatchHandler
from shared.kafka.brake import Brake, BrakeLimits
from shared.kafka.dead_letters import LoggedOnly
from shared.kafka.positions import Cursor, OutOfStep, Position, Step
from shared.kafka.topics import ORDERS_RECEIVED

TOPIC = TopicPartition("orders", 0)


@dataclass(frozen=True)
class Raw:
    """A record of a log that is called `log`."""

    offset: int
    log: str = "first"
    partition: int = 0
    topic: str = "orders"
    key: bytes = b"k"
    value: bytes = b"v"

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        return (("ce_id", f"{self.log}-{self.offset}".encode()),)


@dataclass
class Log:
    """A consumer of one partition, whose log goes from `begin` to before `end`."""

    begin: int = 0
    end: int = 10
    name: str = "first"
    committed_offset: int | None = None
    position: int = 0
    assigned: set[TopicPartition] = field(default_factory=lambda: {TOPIC})

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    async def beginning_offsets(self, names: Iterable[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(names, self.begin)

    async def end_offsets(self, names: Iterable[TopicPartition]) -> dict[Any, int]:
        return dict.fromkeys(names, self.end)

    async def committed(self, _: TopicPartition) -> int | None:
        return self.committed_offset

    def seek(self, _: TopicPartition, offset: int) -> None:
        self.position = offset

    def poll(self, most: int = 100) -> list[Any]:
        """What comes next, as aiokafka gives it."""
        # A position out of range is reset to the earliest.
        start = self.position if self.begin <= self.position <= self.end else self.begin
        offsets = range(max(start, self.begin), min(start + most, self.end))
        self.position = offsets.stop
        return [Raw(offset, self.name) for offset in offsets]


@dataclass
class Rows:
    """The row of the partition."""

    row: Position | None = None
    adopts: bool = False

    async def load(self, _: Iterable[int]) -> Mapping[int, Position]:
        return {0: self.row} if self.row else {}

    async def adopts_offsets(self) -> bool:
        return self.adopts

    async def move(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.row = step.after

    async def put(self, _: int, before: Position | None, after: Position) -> None:
        assert before == self.row
        self.row = after


async def handled(cursor: Cursor, log: Log, rows: Rows, batches: int = 4) -> list[int]:
    """The offsets that are handled in so many polls, each moving the row."""
    done: list[int] = []
    for _ in range(batches):
        records = await cursor.admit(log.poll())
        steps = cursor.steps(records)
        await rows.move(steps)
        cursor.done(steps)
        done += [record.offset for record in records]
    return done


def reading(log: Log, row: Position | None = None, **more: Any) -> tuple[Cursor, Rows]:
    rows = Rows(row, **more)
    return Cursor("orders", rows, lambda: log), rows


async def test_without_a_row_the_log_is_read_from_its_start() -> None:
    log = Log(begin=3, end=6, committed_offset=5, position=5)
    cursor, rows = reading(log)
    assert await handled(cursor, log, rows) == [3, 4, 5]
    assert rows.row == Position(6, "first-5")


async def test_a_schema_of_before_takes_kafkas_offsets_once() -> None:
    log = Log(end=6, committed_offset=4, position=4)
    cursor, rows = reading(log, adopts=True)
    assert await handled(cursor, log, rows) == [4, 5]


@pytest.mark.parametrize("position", [0, 5, 7])
async def test_reading_goes_on_at_the_row_whatever_was_polled_before(position: int) -> None:
    log = Log(position=position)
    cursor, rows = reading(log, Position(5, "first-4"))
    assert await handled(cursor, log, rows) == [5, 6, 7, 8, 9]


async def test_what_was_polled_before_the_seek_is_not_taken_for_what_is_due() -> None:
    log = Log(position=8)
    cursor, rows = reading(log, Position(5, "first-4"))
    polled = log.poll()
    await cursor.align([0])
    assert await cursor.admit(polled) == []
    assert await handled(cursor, log, rows) == [5, 6, 7, 8, 9]
    # The same where nothing had been handled yet.
    log = Log(position=8)
    cursor, rows = reading(log)
    polled = log.poll()
    await cursor.align([0])
    assert await cursor.admit(polled) == []
    assert await handled(cursor, log, rows) == list(range(10))


@pytest.mark.parametrize("end", [3, 5, 6, 40])
async def test_another_log_is_read_from_its_start_shorter_or_longer(end: int) -> None:
    log = Log(end=end, name="second", position=min(5, end))
    cursor, rows = reading(log, Position(5, "first-4", 2))
    await cursor.align([0])
    assert await handled(cursor, log, rows) == list(range(end))
    assert rows.row == Position(end, f"second-{end - 1}", 3)


async def test_another_log_under_a_running_reader_is_noticed() -> None:
    log = Log(end=5)
    cursor, rows = reading(log)
    assert await handled(cursor, log, rows) == [0, 1, 2, 3, 4]
    log.name, log.end = "second", 3
    assert await handled(cursor, log, rows) == [0, 1, 2]
    assert rows.row == Position(3, "second-2", 1)


async def test_a_log_whose_handled_records_were_all_removed_is_the_same() -> None:
    log = Log(begin=5, end=7, position=7)
    cursor, rows = reading(log, Position(5, "first-4"))
    await cursor.align([0])
    assert await handled(cursor, log, rows) == [5, 6]
    assert rows.row == Position(7, "first-6", 0)


async def test_records_that_were_removed_unread_are_said_to_be_gone() -> None:
    log = Log(begin=8, end=10, position=0)
    cursor, rows = reading(log, Position(5, "first-4"))
    assert await handled(cursor, log, rows) == [8, 9]
    assert rows.row == Position(10, "first-9", 1)


async def test_a_hole_in_the_log_is_passed() -> None:
    log = Log(end=5)
    cursor, rows = reading(log)
    await cursor.align([0])
    for _ in range(2):
        records = await cursor.admit([Raw(2), Raw(3)])
        steps = cursor.steps(records)
        await rows.move(steps)
        cursor.done(steps)
    assert [record.offset for record in records] == [2, 3]


async def test_a_refused_batch_is_handled_once_when_it_comes_again() -> None:
    log = Log(end=6)
    cursor, rows = reading(log)
    await cursor.admit(log.poll())
    records = await cursor.admit(log.poll())
    # Half of it is committed, then the rest is refused: the consumer is at the batch's start again.
    steps = cursor.steps(records[:3])
    await rows.move(steps)
    cursor.done(steps)
    log.position = 0
    assert await handled(cursor, log, rows) == [3, 4, 5]


async def test_dead_letters_at_the_end_are_passed_by_a_move_of_their_own() -> None:
    log = Log(end=4)
    cursor, rows = reading(log)
    await cursor.admit(log.poll())
    records = await cursor.admit(log.poll())
    steps = cursor.steps(records[:2])
    await rows.move(steps)
    cursor.done(steps)
    await cursor.settle(records)
    assert rows.row == Position(4, "first-3")


async def test_a_partition_that_went_away_meanwhile_is_left_alone() -> None:
    log = Log(assigned=set(), position=8)
    cursor, rows = reading(log, Position(5, "first-4"))
    assert await cursor.admit(log.poll()) == []
    assert (log.position, rows.row) == (10, Position(5, "first-4"))


async def test_what_is_left_of_a_batch_that_was_not_ours_is_sought_at_once() -> None:
    log = Log(end=6)
    cursor, rows = reading(log)
    handled_here: list[str] = []

    async def handle(keys: Sequence[str], steps: Sequence[Step]) -> None:
        if steps[0].before != rows.row:
            raise OutOfStep("the row is somewhere else")
        handled_here.extend(keys)

    handler = BatchHandler(
        ORDERS_RECEIVED,
        lambda record: str(record.offset),
        handle,
        LoggedOnly(),
        1.0,
        Brake("orders", BrakeLimits()),
        None,
        cursor,
    )
    await handler(log.poll())
    # Whoever had the partition before commits its last batch after we looked.
    rows.row = Position(4, "first-3")
    await handler(log.poll())
    assert (handled_here, log.position) == ([], 3)
    await handler(log.poll())
    assert handled_here == ["4", "5"]
