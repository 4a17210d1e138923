"""Handlers on a real Kafka: what is poison, what is tried again, what a crash leaves.

One long file: all of it is about the one listener of `tests/kit/listener.py`.
"""

import asyncio
import socket
from typing import Any

import asyncpg
import pytest
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import REGISTRY

from shared.failures import Permanent, Transient
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.connection import KafkaConnection
from shared.kafka.message import Message, MessageRefused
from shared.kafka.producer import Producer
from shared.kafka.topics import MAX_MESSAGE_BYTES
from shared.kafka.topics import ORDERS_RECEIVED as TOPIC
from shared.settings import Settings
from tests.kit.listener import Listener, Note, Texts, connected, publish_notes
from tests.kit.publishers import Topics
from tests.kit.waiting import eventually, wait_until

pytestmark = pytest.mark.engines
NOTE = [(k, v.encode()) for k, v in cloud_event_headers("note", "/test", "k", "00-a-b-01").items()]
# For what fails today: how long until it is said to fail.
_SOON = 4.0
DEAD = (
    "dead_letter_reason", "dead_letter_topic", "dead_letter_partition", "dead_letter_offset",
    "dead_letter_time",
)  # fmt: skip

# What no handler could read, and how the dead letter says so.
POISON: dict[str, tuple[list[tuple[str, bytes]], bytes, str]] = {
    "not JSON": (NOTE, b"not json", "/: Invalid JSON"),
    "not text": (NOTE, b'{"text": "\xff"}', "/: Invalid JSON"),
    "nested beyond reason": (NOTE, b'{"text":' + b"[" * 100_000, "/: Invalid JSON"),
    "an unknown type": ([("ce_type", b"novel")], b'{"text": "x"}', "unknown type novel"),
    "no type": ([("other", b"header")], b'{"text": "x"}', "missing 'ce_type'"),
    "a header that is not text": ([*NOTE, ("odd", b"\xff\xfe")], b'{"text": "x"}', "UnicodeDecode"),
    "a missing field": (NOTE, b'{"words": "x"}', "/text: Field required"),
    "an oversized field": (NOTE, b'{"text": "%s"}' % (b"secret" * 17), "/text: String should have"),
    "an empty value": (NOTE, b"", "/: Invalid JSON"),
}


async def test_poison_goes_to_the_dead_letters_alone_with_where_it_came_from(
    kafka_settings: Settings, topics: Topics
) -> None:
    for n, (headers, value, _) in enumerate(POISON.values()):
        await publish_notes(topics, TOPIC, "k", str(n))
        await topics.publish(TOPIC.name, "k", value, headers)
    await publish_notes(topics, TOPIC, "k", "last")
    sound = [*map(str, range(len(POISON))), "last"]

    async with Listener(kafka_settings, TOPIC).running() as listener:
        await listener.has(*sound)
        dead = await topics.all(TOPIC.dead_letters, at_least=len(POISON))

    assert listener.asked[0] == sound, "one batch, without the poison"
    origins = [record for record in await topics.all(TOPIC.name) if b"note" not in record.value]
    by_offset = {int(dict(record.headers)["dead_letter_offset"]): record for record in dead}
    assert len(dead) == len(by_offset) == len(POISON)
    for n, (headers, value, reason) in enumerate(POISON.values()):
        record = by_offset[2 * n + 1]
        kept = dict(record.headers)
        assert (record.key, record.value) == (b"k", value)
        assert list(record.headers[: len(headers)]) == headers
        assert tuple(name for name, _ in record.headers[len(headers) :]) == DEAD
        assert kept["dead_letter_reason"].decode().startswith(reason)
        assert b"secret" not in kept["dead_letter_reason"]
        assert kept["dead_letter_topic"] == TOPIC.name.encode()
        assert kept["dead_letter_partition"] == str(origins[0].partition).encode()


async def test_a_batch_waits_for_an_engine_and_loses_nothing(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2", "3")

    async def away_twice(_: Texts) -> None:
        if len(listener.asked) <= 2:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed")

    listener = Listener(kafka_settings, TOPIC, meets=away_twice)
    async with listener.running():
        await listener.has("1", "2", "3")
        await publish_notes(topics, TOPIC, "k", "4")
        await listener.has("1", "2", "3", "4")

    assert listener.asked == [["1", "2", "3"]] * 3 + [["4"]]
    assert await topics.all(TOPIC.dead_letters) == []


@pytest.mark.parametrize(
    "error",
    [
        Permanent("the note is rude"),
        KeyError("rude"),
        asyncpg.UniqueViolationError("rude"),
        asyncpg.DataError("rude"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_record_that_never_works_is_found_and_the_rest_of_its_batch_goes_on(
    kafka_settings: Settings, topics: Topics, error: Exception
) -> None:
    texts = [str(n) for n in range(21)]
    await publish_notes(topics, TOPIC, "k", *texts)

    async def rude(batch: Texts) -> None:
        if {"7", "20"} & set(batch):
            raise error

    async with Listener(kafka_settings, TOPIC, meets=rude).running() as listener:
        await listener.has(*(text for text in texts if text not in {"7", "20"}))
        dead = await topics.all(TOPIC.dead_letters, at_least=2)

    assert [Note.model_validate_json(record.value).text for record in dead] == ["7", "20"]
    for record in dead:
        kept = dict(record.headers)
        assert kept["ce_type"] == b"note"
        assert kept["dead_letter_offset"] == Note.model_validate_json(record.value).text.encode()
        assert kept["dead_letter_reason"].decode() == f"{type(error).__name__}: {error}"


async def test_an_engine_that_leaves_while_a_batch_is_searched_makes_no_dead_letters(
    kafka_settings: Settings, topics: Topics
) -> None:
    texts = [str(n) for n in range(8)]
    await publish_notes(topics, TOPIC, "k", *texts)

    async def rude_and_away(batch: Texts) -> None:
        if len(listener.asked) % 2 == 0:
            raise ConnectionRefusedError
        if "5" in batch:
            raise Permanent("the note is rude")

    listener = Listener(kafka_settings, TOPIC, meets=rude_and_away)
    async with listener.running():
        await listener.has(*(text for text in texts if text != "5"))
        (dead,) = await topics.all(TOPIC.dead_letters, at_least=1)
    assert Note.model_validate_json(dead.value).text == "5"


async def test_a_batch_that_waited_too_long_goes_back_to_kafka_and_comes_again(
    kafka_settings: Settings, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.subscriber._WAIT_IN_PLACE_SECONDS", 0.0)
    # Three keys: a batch of several partitions goes back whole.
    for key in "abc":
        await publish_notes(topics, TOPIC, key, *(f"{key}{n}" for n in range(10)))

    async def away(_: Texts) -> None:
        if len(listener.asked) <= 5:
            raise asyncpg.CannotConnectNowError("the database system is starting up")

    listener = Listener(kafka_settings, TOPIC, meets=away)
    async with listener.running():
        await listener.has_all([f"{key}{n}" for key in "abc" for n in range(10)])
    for key in "abc":
        assert [text for text in listener.handled if text[0] == key] == [
            f"{key}{n}" for n in range(10)
        ]
    assert await topics.all(TOPIC.dead_letters) == []


async def test_after_a_stop_the_next_process_of_the_group_starts_where_it_ended(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")
    async with Listener(kafka_settings, TOPIC).running() as first:
        await first.has("1", "2")
    await publish_notes(topics, TOPIC, "k", "3")
    async with Listener(kafka_settings, TOPIC).running() as second:
        await second.has("3")
    assert second.asked == [["3"]]


async def test_offsets_are_committed_while_the_process_runs(
    kafka_settings: Settings, topics: Topics, kafka: str
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()

    async def committed() -> int:
        group = f"{kafka_settings.topic_prefix}notes"
        offsets = await admin.list_consumer_group_offsets(group)
        return sum(max(record.offset, 0) for record in offsets.values())

    try:
        async with Listener(kafka_settings, TOPIC).running() as listener:
            await listener.has("1", "2")
            await eventually(committed, lambda count: count == 2)
    finally:
        await admin.close()


async def test_what_a_process_did_not_finish_is_read_again(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")

    async def hang(_: Texts) -> None:
        await asyncio.Event().wait()

    impatient = kafka_settings.model_copy(update={"shutdown_seconds": 0.1})
    async with Listener(impatient, TOPIC, meets=hang).running() as first:
        await wait_until(lambda: first.asked == [["1", "2"]])
    async with Listener(kafka_settings, TOPIC).running() as second:
        await second.has("1", "2")
    assert first.handled == []


async def test_how_far_a_process_is_behind_is_known_while_its_handler_hangs(
    kafka_settings: Settings, topics: Topics
) -> None:
    def lag() -> float | None:
        return REGISTRY.get_sample_value("relevo_consumer_lag_records", {"topic": TOPIC.name})

    go_on = asyncio.Event()

    async def hang(texts: Texts) -> None:
        if "2" in texts:
            await go_on.wait()

    async with Listener(kafka_settings, TOPIC, meets=hang).running() as listener:
        await publish_notes(topics, TOPIC, "k", "1")
        await listener.has("1")
        await publish_notes(topics, TOPIC, "k", "2")
        await wait_until(lambda: ["2"] in listener.asked)
        await publish_notes(topics, TOPIC, "k", "3", "4")
        await listener.kafka.measure_lag()
        assert lag() == 3
        go_on.set()
        await listener.has("1", "2", "3", "4")
        await listener.kafka.measure_lag()
        assert lag() == 0


async def test_a_batch_that_was_under_way_at_the_stop_is_finished_and_committed(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Texts) -> None:
        began.set()
        await go_on.wait()

    async with Listener(kafka_settings, TOPIC, meets=slow).running() as first:
        await began.wait()
        stopping = asyncio.create_task(first.stop())
        await asyncio.sleep(0)
        go_on.set()
        await stopping
    assert first.handled == ["1", "2"]
    await publish_notes(topics, TOPIC, "k", "3")
    async with Listener(kafka_settings, TOPIC).running() as second:
        await second.has_all(["3"])
    assert second.handled == ["3"]


async def test_a_new_group_starts_at_the_first_record(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")
    async with Listener(kafka_settings, TOPIC, "one").running() as one:
        await one.has("1", "2")
        async with Listener(kafka_settings, TOPIC, "other").running() as other:
            await other.has("1", "2")


async def test_without_a_group_every_process_reads_everything_each_time(
    kafka_settings: Settings, topics: Topics
) -> None:
    await publish_notes(topics, TOPIC, "k", "1", "2")
    async with Listener(kafka_settings, TOPIC, group=None).running() as first:
        await first.has("1", "2")
        async with Listener(kafka_settings, TOPIC, group=None).running() as second:
            await second.has("1", "2")
            await publish_notes(topics, TOPIC, "k", "3")
            await first.has("1", "2", "3")
            await second.has("1", "2", "3")
    async with Listener(kafka_settings, TOPIC, group=None).running() as third:
        await third.has("1", "2", "3")


async def test_processes_of_a_group_come_and_go_and_nothing_is_lost(
    kafka_settings: Settings, topics: Topics
) -> None:
    published = {f"k{k}": [f"k{k}-{n}" for n in range(60)] for k in range(12)}

    async def tell_a_third(of: int) -> Texts:
        for key, texts in published.items():
            await publish_notes(topics, TOPIC, key, *texts[20 * of : 20 * of + 20])
        return [text for texts in published.values() for text in texts[: 20 * of + 20]]

    first = Listener(kafka_settings, TOPIC, max_records=10)
    second = Listener(kafka_settings, TOPIC, max_records=10)
    second.handled = handled = first.handled
    async with second.running():
        async with first.running():
            await first.has_all(await tell_a_third(0))
            await first.has_all(await tell_a_third(1))
        await first.has_all(await tell_a_third(2))

    assert first.asked
    assert second.asked
    for texts in published.values():
        assert [text for text in handled if text in texts] == texts
    assert await topics.all(TOPIC.dead_letters) == []


async def test_a_batch_handed_back_after_its_partitions_moved_loses_nothing(
    kafka_settings: Settings, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.subscriber._WAIT_IN_PLACE_SECONDS", 0.0)
    texts = [f"k{n}" for n in range(12)]
    for text in texts:
        await publish_notes(topics, TOPIC, text, text)
    moved = asyncio.Event()

    async def away(_: Texts) -> None:
        if not moved.is_set():
            await moved.wait()
            raise Transient("the database is restarting")

    first, second = Listener(kafka_settings, TOPIC, meets=away), Listener(kafka_settings, TOPIC)
    second.handled = first.handled
    async with first.running():
        await wait_until(lambda: bool(first.asked))
        async with second.running():
            await wait_until(lambda: first.partitions() < 3)
            moved.set()
            await first.has_all(texts)
    assert await topics.all(TOPIC.dead_letters) == []


async def test_messages_of_a_key_share_a_partition_in_order_and_keys_spread(
    kafka_settings: Settings, topics: Topics
) -> None:
    messages = [
        Message(TOPIC.name, f"k{n % 10}", {"ce_type": "note", "é": "ü"}, str(n).encode())
        for n in range(300)
    ]
    async with connected(KafkaConnection(kafka_settings, "test-writer")) as producer:
        await asyncio.gather(*[await producer.send(message) for message in messages])
    records = await topics.all(TOPIC.name, at_least=300)

    assert len(records) == 300
    assert {record.partition for record in records} == {0, 1, 2}
    assert {record.headers for record in records} == {(("ce_type", b"note"), ("é", "ü".encode()))}
    for key in {record.key for record in records}:
        of_key = [record for record in records if record.key == key]
        assert len({record.partition for record in of_key}) == 1
        assert [record.value for record in of_key] == [
            message.value for message in messages if message.key.encode() == key
        ]


async def test_sends_are_acknowledged_by_all_replicas_and_repeated_without_doubles(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    def noted(**options: Any) -> AIOKafkaProducer:
        made.append(options)
        return AIOKafkaProducer(**options)

    monkeypatch.setattr("shared.kafka.producer.AIOKafkaProducer", noted)
    async with connected(KafkaConnection(kafka_settings, "test-writer")) as producer:
        await (await producer.send(Message(TOPIC.name, "k", {}, b"x")))
    (options,) = made
    assert (options["acks"], options["enable_idempotence"]) == ("all", True)


async def test_a_record_near_the_size_limit_passes_and_one_over_it_is_refused(
    kafka_settings: Settings,
) -> None:
    def note(size: int) -> Message:
        value = Note(text="big", filling="x" * size).model_dump_json().encode()
        return Message(TOPIC.name, "k", {"ce_type": "note"}, value)

    async with (
        Listener(kafka_settings, TOPIC).running() as listener,
        connected(KafkaConnection(kafka_settings, "test-writer")) as writer,
    ):
        await (await writer.send(note(MAX_MESSAGE_BYTES - 1_024)))
        await listener.has("big")
        for too_much in (MAX_MESSAGE_BYTES - 40, MAX_MESSAGE_BYTES + 1):
            with pytest.raises(MessageRefused):
                await (await writer.send(note(too_much)))
        await (await writer.send(note(10)))
        await listener.has("big", "big")


async def test_poison_near_the_size_limit_does_not_hold_up_its_partition(
    kafka_settings: Settings, topics: Topics
) -> None:
    huge = b"x" * (MAX_MESSAGE_BYTES - 100)
    async with (
        Listener(kafka_settings, TOPIC).running() as listener,
        connected(KafkaConnection(kafka_settings, "test-writer")) as writer,
    ):
        await (await writer.send(Message(TOPIC.name, "k", {}, huge)))
        await publish_notes(topics, TOPIC, "k", "1")
        await listener.has("1", seconds=_SOON)
        (dead,) = await topics.all(TOPIC.dead_letters, at_least=1)
    assert dict(dead.headers)["dead_letter_offset"] == b"0"


async def test_a_header_without_a_value_is_no_obstacle(
    kafka_settings: Settings, topics: Topics
) -> None:
    headless: list[tuple[str, Any]] = [*NOTE, ("empty", None)]
    await topics.publish(TOPIC.name, "k", Note(text="1"), headless)
    await publish_notes(topics, TOPIC, "k", "2")
    async with Listener(kafka_settings, TOPIC).running() as listener:
        await listener.has_all(["2"], _SOON)


async def test_a_reader_that_breaks_on_a_record_sends_it_to_the_dead_letters(
    kafka_settings: Settings, topics: Topics
) -> None:
    await topics.publish(TOPIC.name, "k", b'{"text": "1", "at": "0001-01-01T00:00:00+10:00"}', NOTE)
    await publish_notes(topics, TOPIC, "k", "2")
    async with Listener(kafka_settings, TOPIC).running() as listener:
        await listener.has("2", seconds=_SOON)
        await topics.all(TOPIC.dead_letters, at_least=1)


async def test_while_dead_letters_are_not_taken_the_batch_waits_and_nothing_is_lost(
    kafka_settings: Settings, topics: Topics, kafka: str
) -> None:
    dead_letters = kafka_settings.topic_prefix + TOPIC.dead_letters
    await configure(kafka, dead_letters, {"max.message.bytes": "50"})
    async with connected(KafkaConnection(kafka_settings, "test-writer")) as writer:
        await wait_until(lambda: refuses(writer, Message(TOPIC.dead_letters, "k", {}, b"probe")))
    await publish_notes(topics, TOPIC, "k", "1")
    await topics.publish(TOPIC.name, "k", b"poison", NOTE)
    await publish_notes(topics, TOPIC, "k", "2")
    async with Listener(kafka_settings, TOPIC).running() as listener:
        await wait_until(lambda: len(listener.read) >= 6)
        assert listener.handled == []
        await configure(kafka, dead_letters, {})
        await listener.has("1", "2")

        async def buried() -> list[bytes]:
            return [record.value for record in await topics.all(TOPIC.dead_letters)]

        await eventually(buried, lambda values: b"poison" in values)
    assert listener.read[3] - listener.read[0] > 0.5, "not as fast as it can"


async def test_a_reader_without_a_group_loses_nothing_to_an_engine_that_was_away_long(
    kafka_settings: Settings, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.kafka.subscriber._WAIT_IN_PLACE_SECONDS", 0.0)
    await publish_notes(topics, TOPIC, "k", "1", "2")

    async def away_at_first(_: Texts) -> None:
        if len(listener.asked) == 1:
            raise asyncpg.CannotConnectNowError("the database system is starting up")

    listener = Listener(kafka_settings, TOPIC, group=None, meets=away_at_first)
    async with listener.running():
        await wait_until(lambda: bool(listener.asked))
        await publish_notes(topics, TOPIC, "k", "3")
        await listener.has_all(["1", "2", "3"], _SOON)
    assert listener.handled == ["1", "2", "3"]


async def test_without_kafka_a_process_stays_up_and_says_what_is_missing(
    kafka_settings: Settings,
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        alone = kafka_settings.model_copy(update={"kafka": f"127.0.0.1:{nobody.getsockname()[1]}"})
        listener = Listener(alone, TOPIC)
        running = asyncio.create_task(listener.kafka.run())
        with structlog.testing.capture_logs() as logs:
            await wait_until(lambda: any(record["event"] == "Kafka is away" for record in logs))
        assert await listener.kafka.producer.check() == "not connected"
        missing = f"{kafka_settings.topic_prefix}{TOPIC.name}: no partitions assigned"
        assert await listener.kafka.check_consumers() == missing
        with pytest.raises(Transient, match="not connected"):
            await listener.kafka.producer.send(Message(TOPIC.name, "k", {}, b"x"))
        assert not running.done()
        await listener.stop()
        running.cancel()


async def test_a_consumer_that_kafka_does_not_answer_is_not_ready(
    kafka_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Listener(kafka_settings, TOPIC).running() as listener:
        monkeypatch.setattr("shared.kafka.connection._STALE_POLL_MS", -1)
        said = await listener.kafka.check_consumers()
    assert said is not None
    assert "no answer from Kafka" in said


async def configure(kafka: str, topic: str, settings: dict[str, str]) -> None:
    """Replace the settings of a topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, settings)])
    finally:
        await admin.close()


async def refuses(producer: Producer, message: Message) -> bool:
    """Whether Kafka takes no such message."""
    try:
        await (await producer.send(message))
    except MessageRefused:
        return True
    return False
