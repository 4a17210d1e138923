"""A router's handlers on FastStream's test broker: what reaches them, what is acknowledged."""

from collections.abc import Sequence

import pytest
from faststream.kafka import TestKafkaBroker
from pydantic import BaseModel

from shared.failures import Permanent, Transient
from shared.kafka import subscriber as module
from shared.kafka.batch import Record, newest_versions, read
from shared.kafka.subscriber import Reader
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED
from tests.kit.kafka import FakeKafka


class Note(BaseModel):
    text: str


async def test_a_handler_gets_the_bodies_of_a_batch_in_order_and_the_batch_is_acknowledged() -> (
    None
):
    kafka = FakeKafka(prefix="p.")
    batches: list[Sequence[Note]] = []

    @kafka.router.batch_subscriber(CONNECTIONS_CHANGED, group="notes", parse=read(Note))
    async def on_notes(notes: Sequence[Note]) -> None:
        batches.append(notes)

    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(
            b'{"text": "1"}', b'{"text": "2"}', topic="p.connections.changed"
        )
    assert batches == [[Note(text="1"), Note(text="2")]]
    assert kafka.handled == 2
    assert kafka.dead_letters == []


async def test_one_consumer_reads_several_topics_and_each_has_its_handler() -> None:
    kafka = FakeKafka(prefix="p.")
    stores: list[Note] = []
    connections: list[Note] = []

    async def on_stores(notes: Sequence[Note]) -> None:
        stores.extend(notes)

    async def on_connections(notes: Sequence[Note]) -> None:
        connections.extend(notes)

    kafka.router.read_by_all(
        Reader(STORES_CHANGED, read(Note), on_stores),
        Reader(CONNECTIONS_CHANGED, read(Note), on_connections),
    )
    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(b'{"text": "1"}', b"{", topic="p.stores.changed")
        await broker.publish_batch(b'{"text": "2"}', topic="p.connections.changed")
    assert len(kafka.broker.subscribers) == 1
    assert (stores, connections) == ([Note(text="1")], [Note(text="2")])
    # What cannot be read is somebody else's to keep, and nothing is committed.
    assert (kafka.dead_letters, kafka.handled) == ([], 0)


async def test_a_compacted_topic_may_have_several_handlers_and_each_gets_every_record() -> None:
    kafka = FakeKafka()
    first: list[Note] = []
    second: list[Note] = []

    @kafka.router.whole_subscriber(STORES_CHANGED, parse=read(Note))
    async def on_stores(notes: Sequence[Note]) -> None:
        first.extend(notes)

    @kafka.router.whole_subscriber(STORES_CHANGED, parse=read(Note))
    async def on_stores_too(notes: Sequence[Note]) -> None:
        second.extend(notes)

    kafka.router.subscribe_whole()
    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(b"{", b'{"text": "1"}', topic="stores.changed")
    assert first == second == [Note(text="1")]
    assert (len(kafka.broker.subscribers), kafka.dead_letters, kafka.handled) == (1, [], 0)


async def test_key_headers_and_place_of_a_record_can_be_read() -> None:
    kafka = FakeKafka()
    seen: list[Record] = []

    def keep(record: Record) -> str:
        seen.append(record)
        return record.key

    @kafka.router.batch_subscriber(STORES_CHANGED, group="notes", parse=keep)
    async def on_notes(keys: Sequence[str]) -> None:
        assert keys == ["k"]

    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish(b"x", topic="stores.changed", key=b"k", headers={"ce_type": "ü"})
    (record,) = seen
    assert (record.topic, record.value, record.headers["ce_type"]) == ("stores.changed", b"x", "ü")


async def test_what_cannot_be_read_goes_to_the_dead_letters_alone() -> None:
    kafka = FakeKafka()
    handled: list[str] = []

    @kafka.router.batch_subscriber(STORES_CHANGED, group="notes", parse=read(Note))
    async def on_notes(notes: Sequence[Note]) -> None:
        handled.extend(note.text for note in notes)

    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(b'{"text": "1"}', b"{}", topic="stores.changed")
    assert handled == ["1"]
    assert kafka.dead_letters == [("stores.changed", "/text: Field required")]
    assert kafka.handled == 2


async def test_a_record_that_never_works_is_found_by_halving() -> None:
    kafka = FakeKafka()
    handled: list[str] = []

    @kafka.router.batch_subscriber(STORES_CHANGED, group="notes", parse=read(Note))
    async def on_notes(notes: Sequence[Note]) -> None:
        if any(note.text == "3" for note in notes):
            raise Permanent("the third")
        handled.extend(note.text for note in notes)

    async with TestKafkaBroker(kafka.broker) as broker:
        bodies = [b'{"text": "%d"}' % number for number in range(8)]
        await broker.publish_batch(*bodies, topic="stores.changed")
    assert handled == ["0", "1", "2", "4", "5", "6", "7"]
    assert kafka.dead_letters == [("stores.changed", "Permanent: the third")]


async def test_a_batch_that_has_to_wait_too_long_is_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WAIT_IN_PLACE_SECONDS", 0.0)
    kafka = FakeKafka()

    @kafka.router.batch_subscriber(STORES_CHANGED, group="notes", parse=read(Note))
    async def on_notes(notes: Sequence[Note]) -> None:
        raise Transient("the database is away")

    async with TestKafkaBroker(kafka.broker) as broker:
        with pytest.raises(Transient):
            await broker.publish_batch(b'{"text": "1"}', topic="stores.changed")
    assert kafka.handled == 0
    assert kafka.dead_letters == []


async def test_a_reader_without_a_group_acknowledges_nothing() -> None:
    kafka = FakeKafka()

    @kafka.router.batch_subscriber(STORES_CHANGED, group=None, parse=read(Note))
    async def on_notes(notes: Sequence[Note]) -> None:
        assert len(notes) == 1

    async with TestKafkaBroker(kafka.broker) as broker:
        await broker.publish_batch(b'{"text": "1"}', topic="stores.changed")
    assert kafka.handled == 0
    (subscriber,) = kafka.broker.subscribers
    assert subscriber.group_id is None  # type: ignore[attr-defined]  # of a Kafka subscriber


class State(BaseModel):
    id: str
    version: int


def test_of_a_batch_only_the_newest_state_of_each_thing_counts() -> None:
    one, two, other = State(id="a", version=1), State(id="a", version=2), State(id="b", version=1)
    newest = newest_versions([two, one, other, State(id="b", version=1)], key=lambda s: s.id)
    assert newest == {"a": two, "b": other}
    assert newest["b"] is other, "of equal versions the first"
