"""The writing half: keyed sends on one idempotent producer, replaced when it breaks."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NoBrokersAvailable,
    NodeNotReadyError,
    ProducerClosed,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.failures import Transient
from shared.kafka.message import Message, MessageRefused
from shared.kafka.topics import DEAD_LETTER_BYTES, MAX_MESSAGE_BYTES

logger = structlog.get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]

# How long the brokers may take; an idempotent producer by itself would try for ever.
_ACKNOWLEDGE_SECONDS = 5.0
_ANSWER_SECONDS = 2.0
# Seconds after each look for a topic that is not known.
_LOOKS = (0.0, 0.1, 0.2, 0.4, 0.0)
_FLUSH_SECONDS = 5.0
_TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)
_AWAY = (KafkaConnectionError, NoBrokersAvailable, NodeNotReadyError, ProducerClosed)
# Fatal to one topic or one partition, which a new producer would not change.
_OF_ONE_TOPIC = (InvalidTopicError, KafkaTimeoutError, TopicAuthorizationFailedError)


class KafkaAway(Transient):
    """No message can be produced now, whatever its topic and key."""


class Producer:
    """Produces with `acks=all`, in order per key.

    Args:
        servers: bootstrap servers.
        prefix: put before every topic.
        client_id: names this process in Kafka's own metrics.
    """

    def __init__(self, servers: str, prefix: str, client_id: str) -> None:
        self._servers = servers
        self._prefix = prefix
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()

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
        return await self.send_raw(message.topic, key, headers, message.value)

    async def send_raw(
        self, topic: str, key: bytes, headers: Headers, value: bytes
    ) -> Awaitable[object]:
        """As `send`, with key and headers as bytes that need not be text.

        Raises:
            MessageRefused, Transient: as `send`.
        """
        producer, name = self._producer, self._prefix + topic
        if producer is None:
            raise KafkaAway("Kafka is not connected")
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                if producer.client.cluster.partitions_for_topic(name) is None:
                    await _look_for(producer, name)
                future = await producer.send(name, value=value, key=key, headers=headers)
        except (KafkaError, TimeoutError) as error:
            raise await self._failure(producer, error) from error
        return self._acknowledged(producer, future)

    async def _acknowledged(self, producer: AIOKafkaProducer, future: Awaitable[object]) -> object:
        try:
            async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                return await future
        except (KafkaError, TimeoutError) as error:
            raise await self._failure(producer, error) from error

    async def _failure(
        self, producer: AIOKafkaProducer, error: KafkaError | TimeoutError
    ) -> Transient | MessageRefused:
        """What an error means: to this message, to the others, to the producer."""
        if isinstance(error, TimeoutError):
            if not await _answers(producer):
                return KafkaAway("the brokers do not answer")
            return Transient(f"not acknowledged within {_ACKNOWLEDGE_SECONDS:.0f} s")
        # An idempotent producer whose numbers have a gap stays broken: make a new one. A refused
        # batch leaves a gap too.
        closed = isinstance(error, ProducerClosed)
        if closed or not (error.retriable or isinstance(error, _OF_ONE_TOPIC)):
            self._broken.set()
        if isinstance(error, _TOO_LARGE):
            return MessageRefused(str(error))
        kind = KafkaAway if isinstance(error, _AWAY) else Transient
        return kind(f"Kafka did not take a message: {error!r}")

    async def start(self) -> None:
        """Connect, unless connected.

        Raises:
            KafkaError, OSError: no broker answers.
        """
        if self._producer is not None:
            return
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
            max_request_size=MAX_MESSAGE_BYTES + DEAD_LETTER_BYTES,
            request_timeout_ms=30_000,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def wait_broken(self) -> None:
        """Return when the producer has to be replaced."""
        await self._broken.wait()
        self._broken.clear()

    async def stop(self) -> None:
        """Flush what can be flushed, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                await _stop(producer)

    async def check(self) -> str | None:
        """Readiness: do the brokers answer?"""
        if self._producer is None:
            return "not connected"
        return None if await _answers(self._producer) else "the brokers do not answer"


async def _answers(producer: AIOKafkaProducer) -> bool:
    """Does any broker answer? Callers at the same moment share one request."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return bool(await producer.client.force_metadata_update())
    except TimeoutError:
        return False


async def _look_for(producer: AIOKafkaProducer, topic: str) -> None:
    """Ask for a topic that is not known; aiokafka would ask for half a minute.

    More than once: the first answer may be to a request of before, which did not ask for it, and
    a broker may not know yet of a topic that was just made.

    Raises:
        Transient: there is no such topic, or no broker answers.
    """
    producer.client.add_topic(topic)
    for pause in _LOOKS:
        if not await _answers(producer):
            raise KafkaAway("the brokers do not answer")
        if producer.client.cluster.partitions_for_topic(topic) is not None:
            return
        await asyncio.sleep(pause)
    raise Transient(f"Kafka has no topic {topic}")


async def _stop(producer: AIOKafkaProducer) -> None:
    """Flush, unless a partition without a leader keeps it from ending."""
    stopping = asyncio.ensure_future(producer.stop())
    done, _ = await asyncio.wait([stopping], timeout=_FLUSH_SECONDS)
    if not done:
        # What ends the flush, and nothing else does: its messages are with their senders still.
        producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001  no public way
    await stopping
