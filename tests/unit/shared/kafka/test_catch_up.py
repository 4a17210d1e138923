"""When a consumer has come to the ends that its topics had at its start."""

from collections.abc import Collection

import pytest
from aiokafka import TopicPartition

from shared.kafka.catch_up import CatchUp

STORES, MORE = TopicPartition("stores.changed", 0), TopicPartition("stores.changed", 1)
ACCOUNTS = TopicPartition("accounts.changed", 0)


class FakeLog:
    """Partitions with their ends, and how far a consumer is."""

    def __init__(self, **ends: int) -> None:
        self.ends = {STORES: ends.get("stores", 0), ACCOUNTS: ends.get("accounts", 0)}
        self.positions = dict.fromkeys(self.ends, 0)
        self.asked = 0

    def assignment(self) -> Collection[TopicPartition]:
        return set(self.ends)

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        self.asked += 1
        return {at: self.ends[at] for at in partitions}

    async def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]


@pytest.fixture
def catch_up() -> CatchUp:
    return CatchUp()


async def test_empty_topics_are_read_at_once(catch_up: CatchUp) -> None:
    assert catch_up.missing() == "not read yet"
    await catch_up.note(FakeLog(), is_idle=False)
    assert (catch_up.is_complete, catch_up.missing()) == (True, None)
    await catch_up.wait()


async def test_it_is_complete_at_the_ends_of_the_start_whatever_comes_meanwhile(
    catch_up: CatchUp,
) -> None:
    log = FakeLog(stores=30_000, accounts=2)
    await catch_up.note(log, is_idle=False)
    log.positions[STORES] = 1_200
    log.positions[ACCOUNTS] = 2
    log.ends[STORES] = 40_000
    await catch_up.note(log, is_idle=False)
    assert catch_up.missing() == "stores.changed: 1,200 of 30,000 records read"
    log.positions[STORES] = 30_000
    await catch_up.note(log, is_idle=False)
    assert catch_up.is_complete
    assert log.asked == 1


async def test_a_partition_that_comes_meanwhile_is_read_to_the_end_it_had_then(
    catch_up: CatchUp,
) -> None:
    log = FakeLog(stores=10)
    await catch_up.note(log, is_idle=False)
    log.ends[MORE], log.positions[MORE] = 5, 0
    log.positions[STORES] = 10
    await catch_up.note(log, is_idle=False)
    assert catch_up.missing() == "stores.changed: 10 of 15 records read"
    # The assignment is another one: all is read once more.
    log.positions.update({STORES: 0, MORE: 5})
    await catch_up.note(log, is_idle=False)
    assert not catch_up.is_complete
    log.positions[STORES] = 10
    await catch_up.note(log, is_idle=False)
    assert catch_up.is_complete


async def test_a_log_that_was_made_anew_and_is_shorter_is_read_to_its_new_end(
    catch_up: CatchUp,
) -> None:
    log = FakeLog(stores=10)
    await catch_up.note(log, is_idle=False)
    log.ends[STORES] = 3
    log.positions[STORES] = 3
    await catch_up.note(log, is_idle=True)
    assert catch_up.is_complete


async def test_nothing_is_complete_without_partitions(catch_up: CatchUp) -> None:
    log = FakeLog()
    log.ends.clear()
    await catch_up.note(log, is_idle=False)
    assert not catch_up.is_complete
