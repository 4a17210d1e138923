"""What a failure of Kafka means: to one message, to all of them, to the producer."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    TopicAuthorizationFailedError,
)

from shared.failures import Transient
from shared.kafka.message import Message, MessageRefused
from shared.kafka.producer import KafkaAway, Producer

MESSAGE = Message("orders.events", "k", {}, b"1")


@dataclass
class Driver:
    """aiokafka's part: `fails` with what it is told, or never acknowledges."""

    fails: Exception | None = None
    answers: bool = True
    topics: dict[str, set[int]] = field(default_factory=lambda: {"orders.events": {0}})
    # Answers about the brokers before one of them knows the topic.
    late: int = 0

    @property
    def client(self) -> Any:
        cluster = SimpleNamespace(partitions_for_topic=self.topics.get)
        return SimpleNamespace(
            cluster=cluster,
            add_topic=lambda _: None,
            force_metadata_update=self._metadata,
        )

    async def _metadata(self) -> bool:
        self.late -= 1
        if self.late == 0:
            self.topics["orders.events"] = {0}
        return self.answers

    async def send(self, *_: Any, **__: Any) -> "asyncio.Future[object]":
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.fails is not None:
            future.set_exception(self.fails)
        return future


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.producer._ACKNOWLEDGE_SECONDS", 0.02)
    monkeypatch.setattr("shared.kafka.producer._LOOKS", (0.0, 0.0, 0.0))


async def failure_of(driver: Driver) -> tuple[Exception, bool]:
    """What the sender is told, and whether the producer is to be replaced."""
    producer = Producer("nowhere:1", "", "test")
    producer._producer = driver
    with pytest.raises((Transient, MessageRefused)) as raised:
        await (await producer.send(MESSAGE))
    return raised.value, producer._broken.is_set()


async def test_a_partition_that_does_not_acknowledge_fails_its_message_alone() -> None:
    error, broken = await failure_of(Driver())
    assert type(error) is Transient
    assert not broken


async def test_brokers_that_do_not_answer_are_kafka_being_away() -> None:
    error, broken = await failure_of(Driver(answers=False))
    assert isinstance(error, KafkaAway)
    assert not broken


async def test_a_topic_that_does_not_exist_is_said_at_once() -> None:
    error, broken = await failure_of(Driver(topics={}))
    assert type(error) is Transient
    assert "no topic orders.events" in str(error)
    assert not broken


async def test_a_topic_that_was_just_made_is_looked_for_again() -> None:
    error, _ = await failure_of(Driver(topics={}, late=3))
    assert "not acknowledged" in str(error), "it was sent"


async def test_a_producer_that_is_not_connected_is_kafka_being_away() -> None:
    with pytest.raises(KafkaAway):
        await Producer("nowhere:1", "", "test").send(MESSAGE)


@pytest.mark.parametrize(
    ("error", "told", "broken"),
    [
        (NotEnoughReplicasError(), Transient, False),
        (TopicAuthorizationFailedError("orders.events"), Transient, False),
        (OutOfOrderSequenceNumber(), Transient, True),
        (MessageSizeTooLargeError(), MessageRefused, True),
        (KafkaConnectionError(), KafkaAway, False),
        (ProducerClosed(), KafkaAway, True),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
async def test_an_error_is_of_the_message_or_of_all_and_may_break_the_producer(
    error: Exception, told: type[Exception], *, broken: bool
) -> None:
    raised, is_broken = await failure_of(Driver(fails=error))
    assert (type(raised), is_broken) == (told, broken)
