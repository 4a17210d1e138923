"""Every name of FastStream's that `shared/kafka/overrides.py` relies on: an upgrade fails here."""

import inspect
import time
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from faststream._internal.broker.broker import BrokerUsecase
from faststream._internal.endpoint.subscriber.usecase import SubscriberUsecase
from faststream._internal.endpoint.subscriber.utils import MultiLock
from faststream.kafka import KafkaBroker, KafkaRouter
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber, LogicSubscriber

from shared.kafka import overrides
from shared.kafka.gathering import Fetch, Gathering


def test_it_is_the_version_that_was_read() -> None:
    assert version("faststream").startswith("0.7."), "read overrides.py against the new version"


def test_a_subscriber_polls_by_get_msg_which_can_be_replaced() -> None:
    loop = inspect.getsource(LogicSubscriber._run_consume_loop)
    assert "await self.get_msg(consumer)" in loop
    assert "while self.running" in loop
    assert list(inspect.signature(BatchSubscriber.get_msg).parameters) == ["self", "consumer"]
    assert isinstance(a_subscriber(), BatchSubscriber)


def test_a_poll_that_found_nothing_is_followed_by_a_sleep_of_faststreams_own() -> None:
    assert "anyio.sleep" in inspect.getsource(BatchSubscriber.get_msg), (
        "no override needed any more"
    )


def test_a_subscriber_starts_with_its_broker_by_start_which_can_be_replaced() -> None:
    assert "await sub.start()" in inspect.getsource(BrokerUsecase.start)
    subscriber = a_subscriber()
    begin = subscriber.start
    assert overrides.start_by_hand(subscriber) == begin
    assert subscriber.start != begin
    assert "self.running = True" in inspect.getsource(SubscriberUsecase._post_start)


def test_a_batch_under_way_is_known_by_the_lock_of_its_subscriber() -> None:
    subscriber = a_subscriber()
    assert subscriber.running is False
    # Made when it starts.
    assert "self.lock = MultiLock()" in inspect.getsource(SubscriberUsecase.start)
    assert list(inspect.signature(MultiLock.wait_release).parameters) == ["self", "timeout"]
    assert "stack.enter_context(self.lock)" in inspect.getsource(SubscriberUsecase.process_message)


def test_what_a_fetch_asks_for_is_read_with_each_request() -> None:
    asked = inspect.getsource(Fetcher._get_actions_per_node)
    for name in ("self._fetch_max_wait_ms", "self._fetch_min_bytes"):
        assert name in asked
    assert "self._fetcher = Fetcher(" in inspect.getsource(AIOKafkaConsumer)


async def test_a_poll_changes_what_the_next_fetch_asks_for() -> None:
    alone, crowd = Fetch(1, 1_000), Fetch(65_536, 15)
    fetcher = SimpleNamespace(_fetch_min_bytes=1, _fetch_max_wait_ms=1_000)
    found = [["record"] * 100, []]

    async def getmany(**_: int) -> dict[str, list[str]]:
        return {"partition": found.pop(0)}

    subscriber = a_subscriber()
    gathering = Gathering(alone, crowd)
    overrides.poll_without_sleeping(subscriber, 500, gathering=gathering)
    consumer: Any = SimpleNamespace(_fetcher=fetcher, getmany=getmany)
    assert len(await subscriber.get_msg(consumer)) == 100
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == (65_536, 15)
    # As if a quarter of a second had passed.
    gathering.found(0, time.monotonic() + 1)
    assert await subscriber.get_msg(consumer) == ()
    assert (fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms) == (1, 1_000)


def test_a_message_is_acknowledged_by_ack_and_handed_back_by_a_seek() -> None:
    assert "await self.consumer.commit()" in inspect.getsource(KafkaAckableMessage.ack)
    assert "self.consumer.seek" in inspect.getsource(KafkaAckableMessage.nack)
    assert "committed" in inspect.getsource(KafkaMessage.__init__)
    assert hasattr(FAKE_CONSUMER, "seek")


async def test_the_message_made_by_our_parser_has_all_that_faststream_asks_of_one() -> None:
    parse = overrides.parse_without_decoding(lambda: None, None)
    message = await parse(())
    assert type(message) is KafkaMessage
    assert message.consumer is FAKE_CONSUMER
    assert await overrides.decode_nothing(message) == ()


def a_subscriber() -> BatchSubscriber:
    broker, router = KafkaBroker("nowhere:1", logger=None), KafkaRouter(prefix="p.")
    subscriber = router.subscriber("topic", batch=True)
    broker.include_router(router)
    assert broker.subscribers == [subscriber]
    assert subscriber.topic_names == ["p.topic"]
    assert subscriber.consumer is None
    assert isinstance(subscriber, BatchSubscriber)
    return subscriber
