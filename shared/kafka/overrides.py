"""Everything of FastStream and aiokafka that is replaced, and why (`docs/decisions/0003-kafka.md`).

One function for each behaviour. They reach into what FastStream calls private or does not promise;
`tests/unit/shared/kafka/test_overrides.py` pins every such name, so that an upgrade fails there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from faststream.kafka.message import FAKE_CONSUMER, KafkaAckableMessage, KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.kafka.catch_up import CatchUp
from shared.kafka.gathering import Fetch, Gathering
from shared.kafka.offsets import Offsets

Records = tuple[ConsumerRecord, ...]
Parser = Callable[[Records], Awaitable[KafkaMessage]]

# How long one poll waits for records; only an idle consumer waits that long.
POLL_MS = 1_000
# The same until it has caught up: that is noticed between polls.
_CATCHING_UP_MS = 100


class _Batch(KafkaAckableMessage):
    """A batch that is acknowledged through `Offsets`."""

    offsets: Offsets

    async def ack(self) -> None:
        if not self.committed:
            self.offsets.handled(self.raw_message)
        await KafkaMessage.ack(self)


def parse_without_decoding(
    consumer: Callable[[], AIOKafkaConsumer | None], offsets: Offsets | None
) -> Parser:
    """Replaces FastStream's parser, which decodes every header first.

    One header that is not UTF-8 would raise before any handler and block its partition for good;
    we look at records one by one (`shared.kafka.batch`). The message it makes also replaces the
    acknowledgement: FastStream commits every batch by itself and swallows what goes wrong.

    Args:
        consumer: of the subscriber, as it is now; a refused batch seeks back on it.
        offsets: hears of handled batches; None for readers without a group.
    """

    async def parse(records: Records) -> KafkaMessage:
        kind = KafkaMessage if offsets is None else _Batch
        message = kind(
            body=b"",
            headers={},
            message_id="",
            correlation_id="",
            raw_message=records,
            consumer=consumer() or FAKE_CONSUMER,
        )
        if isinstance(message, _Batch) and offsets is not None:
            message.offsets = offsets
        return message

    return parse


async def decode_nothing(message: KafkaMessage) -> Any:
    """Replaces FastStream's decoder: the handler gets the records as Kafka gave them."""
    return message.raw_message


def poll_without_sleeping(
    subscriber: BatchSubscriber,
    max_records: int,
    catch_up: CatchUp | None = None,
    gathering: Gathering | None = None,
) -> None:
    """Replaces FastStream's poll, which sleeps after every one that found nothing.

    Orders would wait meanwhile; `getmany` waits by itself, and wakes for the first record. Whoever
    asks for the next batch has handled the last one: `catch_up` is told where that is. What the
    fetches after it ask of the broker is `gathering`'s.
    """
    is_idle = False

    async def get_msg(consumer: AIOKafkaConsumer) -> Records:
        nonlocal is_idle
        wait_ms = POLL_MS
        if catch_up is not None and not catch_up.is_complete:
            await catch_up.note(consumer, is_idle=is_idle)
            wait_ms = POLL_MS if catch_up.is_complete else _CATCHING_UP_MS
        found = await consumer.getmany(timeout_ms=wait_ms, max_records=max_records)
        is_idle = not found
        records = tuple(chain.from_iterable(found.values()))
        if gathering is not None:
            _ask_for(consumer, gathering.found(len(records), time.monotonic()))
        return records

    subscriber.get_msg = get_msg  # type: ignore[method-assign]


def _ask_for(consumer: AIOKafkaConsumer, fetch: Fetch) -> None:
    """Change what a consumer's next fetches ask for; aiokafka takes it at the start alone."""
    fetcher = consumer._fetcher  # noqa: SLF001  no public way
    fetcher._fetch_min_bytes = fetch.min_bytes  # noqa: SLF001
    fetcher._fetch_max_wait_ms = fetch.max_wait_ms  # noqa: SLF001


def start_by_hand(subscriber: BatchSubscriber) -> Callable[[], Awaitable[None]]:
    """Replaces FastStream's start of a subscriber with its broker; what starts it instead.

    A consumer that is to wait for something joins its group only then: partitions stay with
    processes that are further, and nothing is held longer than Kafka lets a batch be held.
    """
    start = subscriber.start

    async def not_yet() -> None:
        """The broker starts; this one has to wait."""

    subscriber.start = not_yet  # type: ignore[method-assign]
    return start


async def finish_batches(subscribers: Iterable[Any], seconds: float) -> None:
    """Replaces the start of FastStream's stop, which ends consumers in the middle of a batch.

    Its last batch would be handled and never committed. Here polling stops, and the batch under
    way is waited for; the consumer still runs, so that its offsets can be committed.
    """
    running = [subscriber for subscriber in subscribers if subscriber.running]
    for subscriber in running:
        subscriber.running = False
    await asyncio.gather(*(subscriber.lock.wait_release(seconds) for subscriber in running))
