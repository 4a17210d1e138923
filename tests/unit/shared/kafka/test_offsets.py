"""When handled offsets are committed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError

from shared.kafka.offsets import KafkaOffsets
from tests.kit.waiting import wait_until

P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)


@dataclass
class Consumer:
    """Kafka's stand-in: what is assigned, and what was committed."""

    assigned: set[TopicPartition] = field(default_factory=lambda: {P0, P1})
    failures: list[Exception] = field(default_factory=list)
    commits: list[dict[TopicPartition, int]] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    def __post_init__(self) -> None:
        self.answers.set()

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.commits.append(dict(offsets))


@dataclass
class Raw:
    """As much of a record as matters here."""

    offset: int
    partition: int = 0
    topic: str = "t"


def offsets_of(consumer: Any) -> KafkaOffsets:
    return KafkaOffsets(lambda: consumer)


def handled(offsets: KafkaOffsets, *records: Any) -> None:
    offsets.handled(records)


async def test_batches_are_committed_soon_and_together_as_the_next_offset() -> None:
    consumer = Consumer()
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4), Raw(5), Raw(9, partition=1))
    handled(offsets, Raw(6))
    assert consumer.asked == 0
    await wait_until(lambda: bool(consumer.commits))
    assert consumer.commits == [{P0: 7, P1: 10}]


@pytest.mark.parametrize("error", [CommitFailedError(), KafkaConnectionError(), OSError()])
async def test_a_commit_that_failed_is_made_later_with_what_came_since(error: Exception) -> None:
    consumer = Consumer(failures=[error])
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4), Raw(9, partition=1))
    assert await offsets.commit() is False
    handled(offsets, Raw(5))
    assert await offsets.commit() is True
    assert consumer.commits == [{P0: 6, P1: 10}]
    await offsets.stop()


async def test_what_is_handled_while_a_commit_fails_is_not_forgotten() -> None:
    consumer = Consumer(failures=[KafkaConnectionError()])
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4))
    consumer.answers.clear()
    committing = asyncio.create_task(offsets.commit())
    await wait_until(lambda: consumer.asked == 1)
    handled(offsets, Raw(5))
    consumer.answers.set()
    assert await committing is False
    await offsets.stop()
    assert consumer.commits == [{P0: 6}]


async def test_what_went_to_another_process_is_not_committed() -> None:
    consumer = Consumer()
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4), Raw(9, partition=1))
    consumer.assigned = {P1}
    await offsets.stop()
    assert consumer.commits == [{P1: 10}]


async def test_before_partitions_go_their_offsets_are_committed_and_then_forgotten() -> None:
    consumer = Consumer()
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4))
    await offsets.on_partitions_revoked({P0, P1})
    await offsets.on_partitions_assigned({P0})
    await offsets.stop()
    assert consumer.commits == [{P0: 5}]


async def test_a_stop_in_the_middle_of_a_commit_commits_all_the_same() -> None:
    consumer = Consumer()
    offsets = offsets_of(consumer)
    handled(offsets, Raw(4))
    consumer.answers.clear()
    await wait_until(lambda: consumer.asked == 1)
    stopping = asyncio.create_task(offsets.stop())
    await asyncio.sleep(0)
    consumer.answers.set()
    await stopping
    assert consumer.commits[-1:] == [{P0: 5}]


async def test_a_process_that_handled_nothing_commits_nothing() -> None:
    consumer = Consumer()
    offsets = offsets_of(consumer)
    assert await offsets.commit() is True
    await offsets.stop()
    assert consumer.asked == 0


async def test_without_a_consumer_there_is_nothing_to_commit_and_nothing_waits() -> None:
    offsets = offsets_of(None)
    handled(offsets, Raw(4))
    assert await offsets.commit() is True
    assert await offsets.commit() is True
    await offsets.stop()
