"""Kafka: one broker factory, batches validated record by record, dead letters, keyed sends.

FastStream reads, with its defaults turned to at-least-once; aiokafka's producer writes, because
keyed sends with a future each are what per-key order and throughput need, and because dead letters
must keep header bytes that are not text (`docs/decisions/0003-bus.md`).

A handler gets the records of one batch that could be read. It raises `Transient` (or anything
`shared.failures.is_transient` knows) to be asked again with the same records, and `Permanent` when
a record can never work; the batch is then halved until the guilty record stands alone and goes to
`<topic>.dlq`, so that the others go on.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Generic, TypeVar

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    TopicPartition,
)
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage, KafkaMessage
from pydantic import ValidationError
from uuid_utils import uuid7

from shared.contracts import TOPICS, Topic
from shared.failures import Permanent, Transient, is_transient
from shared.outbox import Message, MessageRefused
from shared.settings import Settings
from shared.telemetry import BATCH_SECONDS, MESSAGES, TRANSIENT_FAILURES

logger = structlog.get_logger(__name__)

MAX_MESSAGE_BYTES = 8 * 1024 * 1024
BATCH_RECORDS = 500
# What a dead letter has more than its record: the headers that say why and where from.
_DEAD_LETTER_BYTES = 64 * 1024
# A batch is asked again in place this long (well under max.poll.interval.ms, 300 s), then handed
# back to Kafka, which gives it to whoever owns the partition then.
_WAIT_IN_PLACE_SECONDS = 60.0
_LONGEST_PAUSE_SECONDS = 5.0
# How long one poll waits for records; only an idle consumer waits that long.
_POLL_MS = 1_000
# A fetch that gathers is answered at once when there is this much.
_GATHER_BYTES = 64 * 1024
# How long handled offsets gather. A commit for each batch writes every assigned partition's offset
# anew, and was a fifth of Kafka's work at a few hundred orders a second.
_COMMIT_SECONDS = 0.1
_STOP_SECONDS = 2.0
# How long the partitions of a process that died wait for it; the least that brokers take by default
# (group.min.session.timeout.ms).
_SESSION_MS = 6_000
_RECONNECT_SECONDS = 1.0
_STALE_POLL_MS = 15_000
DELETE_RETENTION_MS = 7 * 24 * 3_600_000

Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it came, headers decoded."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: bytes
    raw: ConsumerRecord = field(repr=False)


@dataclass(frozen=True, slots=True)
class Received(Generic[Body]):
    """A record and what `parse` made of it."""

    record: Record
    body: Body


Parse = Callable[[Record], Body]
Handle = Callable[[Sequence[Received[Body]]], Awaitable[None]]


def cloud_event_headers(
    event_type: str, source: str, subject: str, traceparent: str | None = None
) -> dict[str, str]:
    """CloudEvents 1.0 context attributes in Kafka binary mode, with a new `ce_id`."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid7()),
        "ce_type": event_type,
        "ce_source": source,
        "ce_subject": subject,
        "ce_time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "content-type": "application/json",
    }
    if traceparent:
        headers["traceparent"] = traceparent
    return headers


class Progress(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
    """Commits the offsets of handled batches of one consumer, soon and together.

    What a crash leaves uncommitted is read again, which handlers have to bear anyway.
    """

    def __init__(self) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self._handled: dict[TopicPartition, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    def handled(self, consumer: AIOKafkaConsumer, records: Sequence[ConsumerRecord]) -> None:
        """These were handled, and everything before them in their partitions."""
        self.consumer = consumer
        for record in records:
            self._handled[TopicPartition(record.topic, record.partition)] = record.offset + 1
        if not self._stopped and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._commit_soon())

    async def _commit_soon(self) -> None:
        pause = _COMMIT_SECONDS
        while self._handled:
            await asyncio.sleep(pause)
            pause = _COMMIT_SECONDS if await self.commit() else _RECONNECT_SECONDS

    async def commit(self) -> bool:
        """Commit now; False when Kafka did not take it, and what is ours is kept for later."""
        if self.consumer is None:
            return True
        assigned = self.consumer.assignment()
        offsets = {each: at for each, at in self._handled.items() if each in assigned}
        self._handled = dict(offsets)
        if not offsets:
            return True
        try:
            await self.consumer.commit(offsets)
        except (KafkaError, OSError) as error:
            logger.warning("offsets were not committed", reason=repr(error))
            return False
        self._handled = {each: at for each, at in self._handled.items() if at != offsets.get(each)}
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


class _Batch(KafkaAckableMessage):
    """A batch whose acknowledgement is the consumer's progress."""

    progress: Progress

    async def ack(self) -> None:
        if not self.committed:
            self.progress.handled(self.consumer, self.raw_message)
        await KafkaMessage.ack(self)


class Bus:
    """The connection of one process to Kafka.

    Starts and stays up without Kafka: `run` connects when it can, and again after a loss.

    Args:
        settings: `kafka`, `topic_prefix`.
        client_id: names this process in Kafka's own metrics.
    """

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._servers = settings.kafka
        self._prefix = settings.topic_prefix
        self._client_id = client_id
        # Time is to be left to commit and to leave the group.
        self._stop_seconds = settings.shutdown_seconds / 2
        self._producer: AIOKafkaProducer | None = None
        self._broker_running = False
        self._broken = asyncio.Event()
        self._progress: list[Progress] = []
        # Nothing of FastStream's own logger: structlog tells what matters.
        self.broker = KafkaBroker(
            settings.kafka,
            client_id=client_id,
            consumer_only=True,
            allow_auto_create_topics=False,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            apply_types=False,
            graceful_timeout=0,
            logger=None,
        )

    # --- reading ----------------------------------------------------------------------------

    def consume(
        self,
        topic: Topic,
        parse: Parse[Body],
        handle: Handle[Body],
        *,
        group: str | None,
        max_records: int = BATCH_RECORDS,
        gather_ms: int = 0,
    ) -> None:
        """Call `handle` with batches of `topic`.

        Args:
            topic: which log.
            parse: reads one record; ValueError (pydantic's too), KeyError or Permanent send it
                to the dead letters, alone.
            handle: see the module's docstring; must be idempotent, records come at least once.
            group: the consumer group; None reads everything from the start in every process
                (projections held in memory) and commits nothing.
            max_records: most records in a batch.
            gather_ms: how long the broker may hold an answer back for more records to come; 0 for
                not at all. Fewer, larger batches for that much latency, and as many fetches when
                nothing comes.
        """
        name = self._prefix + topic.name

        async def parser(records: tuple[ConsumerRecord, ...]) -> KafkaMessage:
            # FastStream's own parser decodes headers first, and one that is not UTF-8 would
            # block its partition for ever; we look at records one by one further down.
            message = (_Batch if group else KafkaMessage)(
                body=b"",
                headers={},
                message_id="",
                correlation_id="",
                raw_message=records,
                consumer=subscriber.consumer or FAKE_CONSUMER,
            )
            if isinstance(message, _Batch):
                message.progress = progress
            return message

        async def decoder(message: KafkaMessage) -> Any:
            return message.raw_message

        async def next_batch(consumer: AIOKafkaConsumer) -> tuple[ConsumerRecord, ...]:
            found = await consumer.getmany(timeout_ms=_POLL_MS, max_records=max_records)
            return tuple(chain.from_iterable(found.values()))

        progress = Progress()
        self._progress.append(progress)
        subscriber = self.broker.subscriber(
            name,
            batch=True,
            listener=progress if group else None,
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_SESSION_MS // 3,
            fetch_min_bytes=_GATHER_BYTES if gather_ms else 1,
            fetch_max_wait_ms=gather_ms or _POLL_MS,
            group_id=f"{self._prefix}{group}" if group else None,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR if group else AckPolicy.ACK_FIRST,
            parser=parser,
            decoder=decoder,
            no_reply=True,
        )
        # FastStream's own sleeps after every poll that found nothing, and orders wait meanwhile.
        subscriber.get_msg = next_batch  # type: ignore[method-assign]

        @subscriber
        async def on_batch(records: tuple[ConsumerRecord, ...]) -> None:
            started = time.monotonic()
            # Without a group there is nobody to hand a batch back to.
            wait = _WAIT_IN_PLACE_SECONDS if group else math.inf
            received = await self._read(records, topic, parse, wait)
            if received:
                await self._handle(received, topic, handle, wait)
            BATCH_SECONDS.labels(topic.name).observe(time.monotonic() - started)

    async def _read(
        self,
        records: Sequence[ConsumerRecord],
        topic: Topic,
        parse: Parse[Body],
        wait_seconds: float,
    ) -> list[Received[Body]]:
        received: list[Received[Body]] = []
        for raw in records:
            try:
                record = Record(
                    topic=topic.name,
                    partition=raw.partition,
                    offset=raw.offset,
                    key=(raw.key or b"").decode(),
                    headers={name: (value or b"").decode() for name, value in raw.headers},
                    value=raw.value or b"",
                    raw=raw,
                )
                received.append(Received(record, parse(record)))
            except KeyError as error:
                await self._bury(raw, topic, f"missing {error}", wait_seconds)
            except Permanent as error:
                await self._bury(raw, topic, error.reason, wait_seconds)
            except ValidationError as error:
                await self._bury(raw, topic, _fields(error), wait_seconds)
            except Exception as error:  # noqa: BLE001  whatever it is: it is in the record
                await self._bury(raw, topic, f"{type(error).__name__}: {error}", wait_seconds)
        return received

    async def _handle(
        self,
        received: Sequence[Received[Body]],
        topic: Topic,
        handle: Handle[Body],
        wait_seconds: float,
    ) -> None:
        """Handle; a batch with something in it that can never work is halved until that is alone.

        Raises:
            Exception: transient, and the time to wait is over.
        """
        try:
            await _patiently(lambda: handle(received), topic, wait_seconds)
        except Exception as error:
            if is_transient(error):
                raise
            if len(received) == 1:
                await self._give_up(received[0].record, topic, error, wait_seconds)
                return
            middle = len(received) // 2
            await self._handle(received[:middle], topic, handle, wait_seconds)
            await self._handle(received[middle:], topic, handle, wait_seconds)
        else:
            MESSAGES.labels(topic.name, "handled").inc(len(received))

    async def _give_up(
        self, record: Record, topic: Topic, error: Exception, wait_seconds: float
    ) -> None:
        if not isinstance(error, Permanent):
            logger.error("record failed", topic=topic.name, offset=record.offset, exc_info=error)
        await self._bury(record.raw, topic, f"{type(error).__name__}: {error}", wait_seconds)

    async def _bury(
        self, raw: ConsumerRecord, topic: Topic, reason: str, wait_seconds: float
    ) -> None:
        """To the dead letters: original headers, key and value, plus why and where from.

        Raises:
            Exception: Kafka did not take it; the batch is then not acknowledged either.
        """
        origin = [
            ("dead_letter_reason", reason[:1_000].encode()),
            ("dead_letter_topic", topic.name.encode()),
            ("dead_letter_partition", str(raw.partition).encode()),
            ("dead_letter_offset", str(raw.offset).encode()),
            ("dead_letter_time", datetime.now(UTC).isoformat().encode()),
        ]
        logger.error(
            "dead letter",
            topic=topic.name,
            partition=raw.partition,
            offset=raw.offset,
            reason=reason,
        )

        async def send() -> None:
            future = await self._send(
                topic.dead_letters, raw.key or b"", [*raw.headers, *origin], raw.value or b""
            )
            await future

        await _patiently(send, topic, wait_seconds)
        MESSAGES.labels(topic.name, "dead_letter").inc()

    # --- writing ----------------------------------------------------------------------------

    async def send(self, message: Message) -> Awaitable[object]:
        """Produce one message; the awaitable is done when the brokers have it (`acks=all`).

        Raises:
            MessageRefused: Kafka can never take it (size).
            Transient: not connected, or not acknowledged; it may or may not be on the log.
        """
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        key = message.key.encode()
        # A refusal by the broker would leave a gap in the numbers of an idempotent producer.
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, message.value, headers)
        if size > MAX_MESSAGE_BYTES:
            raise MessageRefused(f"{size} bytes are more than Kafka takes ({MAX_MESSAGE_BYTES})")
        return await self._send(message.topic, key, headers, message.value)

    async def _send(
        self, topic: str, key: bytes, headers: Sequence[tuple[str, bytes]], value: bytes
    ) -> Awaitable[object]:
        if self._producer is None:
            raise Transient("Kafka is not connected")
        try:
            future = await self._producer.send(
                self._prefix + topic, value=value, key=key, headers=headers
            )
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise MessageRefused(str(error)) from error
        except KafkaError as error:
            self._note(error)
            raise Transient(f"Kafka did not take a message: {error!r}") from error
        return self._acknowledged(future)

    async def _acknowledged(self, future: Awaitable[object]) -> object:
        try:
            return await future
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise MessageRefused(str(error)) from error
        except KafkaError as error:
            self._note(error)
            raise Transient(f"Kafka did not acknowledge a message: {error!r}") from error

    def _note(self, error: KafkaError) -> None:
        """An idempotent producer that lost its sequence stays broken: make a new one."""
        if isinstance(error, ProducerClosed) or not getattr(error, "retriable", False):
            self._broken.set()

    # --- life -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and again whenever the producer breaks, until cancelled."""
        while True:
            try:
                await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                logger.warning("Kafka is away", servers=self._servers, reason=repr(error))
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            await self._broken.wait()
            self._broken.clear()
            logger.warning("Kafka producer is replaced")
            await self._stop_producer()

    async def _connect(self) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._servers,
                client_id=self._client_id,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                max_batch_size=256 * 1024,
                max_request_size=MAX_MESSAGE_BYTES + _DEAD_LETTER_BYTES,
                request_timeout_ms=30_000,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        if not self._broker_running:
            try:
                await self.broker.start()
            except BaseException:
                await self.broker.stop()
                raise
            self._broker_running = True
            logger.info("Kafka connected", servers=self._servers)

    async def _stop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                await producer.stop()

    async def stop(self) -> None:
        """Finish and commit the batches under way, stop reading, then flush and stop writing."""
        # FastStream would stop its consumers with the last batches handled but not committed.
        subscribers = self.broker.subscribers if self._broker_running else []
        for subscriber in subscribers:
            subscriber.running = False
        await asyncio.gather(
            *(each.lock.wait_release(self._stop_seconds) for each in subscribers)  # type: ignore[attr-defined]
        )
        for progress in self._progress:
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await progress.stop()
        with suppress(Exception):
            await self.broker.stop()
        await self._stop_producer()

    async def check_producer(self) -> str | None:
        """Readiness: do the brokers answer?"""
        if self._producer is None:
            return "not connected"
        answered = await self._producer.client.force_metadata_update()
        return None if answered else "the brokers do not answer"

    async def check_consumers(self) -> str | None:
        """Readiness: does every consumer have its partitions, and did Kafka answer it lately?"""
        for subscriber in self.broker.subscribers:
            consumer: AIOKafkaConsumer | None = getattr(subscriber, "consumer", None)
            names = ",".join(getattr(subscriber, "topic_names", ()))
            if consumer is None or not consumer.assignment():
                return f"{names}: no partitions assigned"
            polled = [consumer.last_poll_timestamp(each) or 0 for each in consumer.assignment()]
            age = time.time() * 1000 - max(polled)
            if age > _STALE_POLL_MS:
                return f"{names}: no answer from Kafka for {age / 1000:.0f} s"
        return None


async def _patiently(
    work: Callable[[], Awaitable[None]], topic: Topic, wait_seconds: float
) -> None:
    """Do the work; wait and ask again while an engine is away, for as long as that.

    Raises:
        Exception: of the work; a transient one only when the time is over.
    """
    until = time.monotonic() + wait_seconds
    pause = 0.05
    while True:
        try:
            await work()
        except Exception as error:
            if not is_transient(error) or time.monotonic() > until:
                raise
            TRANSIENT_FAILURES.labels(topic.name).inc()
            logger.warning("batch waits", topic=topic.name, reason=str(error), pause=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            return


def _fields(error: ValidationError) -> str:
    """Which fields are wrong, without their values: those may be a buyer's address."""
    return "; ".join(
        f"/{'/'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
    )


# --- topics ---------------------------------------------------------------------------------


async def create_topics(
    kafka: str, prefix: str = "", partitions: int = 12, replication: int = 1
) -> list[str]:
    """Create what is missing, with explicit settings; the names created.

    Raises:
        KafkaConnectionError: no broker answers.
        KafkaError: a broker refused a topic.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        wanted = [
            NewTopic(prefix + name, partitions, replication, topic_configs=configs)
            for name, configs in _topic_configs(replication).items()
        ]
        answer = await admin.create_topics(wanted)
    finally:
        await admin.close()
    created = []
    for name, code, message in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(f"{name}: {message}")
    return created


def _topic_configs(replication: int) -> dict[str, dict[str, str]]:
    common = {
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "min.insync.replicas": str(2 if replication > 2 else 1),  # noqa: PLR2004  of 3
    }
    deleting = {
        **common,
        "cleanup.policy": "delete",
        "retention.ms": str(DELETE_RETENTION_MS),
    }
    configs: dict[str, dict[str, str]] = {}
    for topic in TOPICS:
        configs[topic.name] = (
            {**common, "cleanup.policy": "compact"} if topic.compacted else deleting
        )
        configs[topic.dead_letters] = {
            **deleting, "max.message.bytes": str(MAX_MESSAGE_BYTES + _DEAD_LETTER_BYTES),
        }  # fmt: skip
    return configs
