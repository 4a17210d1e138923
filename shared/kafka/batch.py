"""One batch: read record by record, handled together, halved until what cannot work is alone.

A handler gets the records of one batch that could be read. It raises `Transient` (or anything
`shared.failures.is_transient` knows) to be asked again with the same records, and `Permanent` when
a record can never work; the batch is then halved until the guilty record stands alone and goes to
`<topic>.dlq` (or is parked, where the handler knows how), so that the others go on; unless too many
do (`shared.kafka.brake`). Nothing in here knows FastStream.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import structlog
from aiokafka import ConsumerRecord
from pydantic import BaseModel, ValidationError

from shared.failures import Permanent, is_transient
from shared.kafka.brake import Brake
from shared.kafka.dead_letters import DeadLetters
from shared.kafka.positions import Cursor, OutOfStep, Step
from shared.kafka.topics import Topic
from shared.telemetry import BATCH_SECONDS, MESSAGES, TRANSIENT_FAILURES

logger = structlog.get_logger(__name__)

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 5.0

Body = TypeVar("Body")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it came, headers decoded.

    `generation` counts the logs that its partition has had, as far as the consumer keeps count.
    """

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    value: bytes
    raw: ConsumerRecord | None = field(repr=False, compare=False)
    generation: int = 0


Parse = Callable[[Record], Body]
Handle = Callable[[Sequence[Body]], Awaitable[None]]
# Moves the rows of the consumer's positions with what it does.
HandleAt = Callable[[Sequence[Body], Sequence[Step]], Awaitable[None]]
# Keeps a record that failed, and why, where its successors find it; moves the rows with it.
Park = Callable[["Record", str, Sequence[Step]], Awaitable[None]]


def read(model: type[Model]) -> Parse[Model]:
    """How to read a record whose value is a wire contract.

    The reader raises ValueError for anything else.
    """
    return lambda record: model.model_validate_json(record.value)


@dataclass(frozen=True, slots=True)
class _Received(Generic[Body]):
    record: Record
    body: Body


class BatchHandler(Generic[Body]):
    """What is done with the batches of one topic.

    Args:
        topic: which log.
        parse: reads one record; ValueError (pydantic's too), KeyError or Permanent send it to
            the dead letters, alone.
        handle: gets the bodies in the order of the log, and the moves of the positions; has to be
            idempotent, records come at least once.
        dead_letters: where records go that can never work.
        wait_seconds: how long a batch is asked again in place while an engine is away.
        brake: judges what fails, before it is given up.
        park: where a record goes that was read and failed; None for the dead letters. The handler
            then judges by itself what it parks and what it handles.
        cursor: of a consumer whose positions stand beside its effects; None for Kafka's offsets.
    """

    def __init__(
        self,
        topic: Topic,
        parse: Parse[Body],
        handle: HandleAt[Body],
        dead_letters: DeadLetters,
        wait_seconds: float,
        brake: Brake,
        park: Park | None = None,
        cursor: Cursor | None = None,
    ) -> None:
        self._topic = topic
        self._parse = parse
        self._handle = handle
        self._dead_letters = dead_letters
        self._wait_seconds = wait_seconds
        self._brake = brake
        self._park = park
        self._cursor = cursor

    async def __call__(self, records: Sequence[ConsumerRecord]) -> None:
        """Handle one batch.

        Raises:
            Exception: transient, and the time to wait is over; nothing was acknowledged.
        """
        started = time.monotonic()
        try:
            admitted = await self._admit(records)
            received = await self._read(admitted)
            if received:
                await self._handle_or_halve(received)
            if (settling := self._cursor) is not None:
                await self._retry_transient(lambda: settling.settle(admitted))
        except OutOfStep as error:
            # Another process has a partition, or had it: what the rows say counts. Sought at once:
            # what is left of the batch must not wait for a record that may never come.
            logger.warning("batch is not ours", topic=self._topic.name, reason=str(error))
            if self._cursor is not None:
                cursor, partitions = self._cursor, {record.partition for record in records}
                cursor.forget()
                await self._retry_transient(lambda: cursor.align(partitions))
        BATCH_SECONDS.labels(self._topic.name).observe(time.monotonic() - started)

    async def _admit(self, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        cursor = self._cursor
        if cursor is None:
            return records
        admitted: list[ConsumerRecord] = []

        async def admit() -> None:
            admitted[:] = await cursor.admit(records)

        await self._retry_transient(admit)
        return admitted

    async def _read(self, records: Sequence[ConsumerRecord]) -> list[_Received[Body]]:
        received: list[_Received[Body]] = []
        unreadable: list[tuple[ConsumerRecord, str]] = []
        for raw in records:
            try:
                record = Record(
                    topic=self._topic.name,
                    partition=raw.partition,
                    offset=raw.offset,
                    key=(raw.key or b"").decode(),
                    headers={name: (value or b"").decode() for name, value in raw.headers},
                    value=raw.value or b"",
                    raw=raw,
                    generation=self._cursor.generation(raw.partition) if self._cursor else 0,
                )
                received.append(_Received(record, self._parse(record)))
            except Exception as error:  # noqa: BLE001  whatever it is: it is in the record
                unreadable.append((raw, describe(error)))
        if unreadable:
            await self._give_up_unreadable(unreadable)
        return received

    async def _give_up_unreadable(self, unreadable: Sequence[tuple[ConsumerRecord, str]]) -> None:
        keys = [(raw.key or b"").decode(errors="replace") for raw, _ in unreadable]
        await self._retry_transient(lambda: self._judge((key, True) for key in keys))
        for raw, reason in unreadable:
            await self._send_to_dead_letters(raw, reason)

    async def _handle_or_halve(self, received: Sequence[_Received[Body]]) -> None:
        bodies = [one.body for one in received]
        steps = self._steps(received)
        try:
            await self._retry_transient(lambda: self._handle(bodies, steps))
            self._done(steps)
        except Exception as error:
            if is_transient(error) or isinstance(error, OutOfStep):
                raise
            if len(received) == 1:
                await self._give_up(received[0].record, error)
                return
            middle = len(received) // 2
            await self._handle_or_halve(received[:middle])
            await self._handle_or_halve(received[middle:])
        else:
            MESSAGES.labels(self._topic.name, "handled").inc(len(received))
            if self._park is None:
                await self._judge((one.record.key, False) for one in received)

    def _steps(self, received: Iterable[_Received[Body]]) -> list[Step]:
        if self._cursor is None:
            return []
        return self._cursor.steps(one.record.raw for one in received)

    def _done(self, steps: Sequence[Step]) -> None:
        if self._cursor is not None:
            self._cursor.done(steps)

    async def _give_up(self, record: Record, error: Exception) -> None:
        if not isinstance(error, Permanent):
            logger.error("record failed", topic=record.topic, offset=record.offset, exc_info=error)
        await self._retry_transient(lambda: self._judge([(record.key, True)]))
        if self._park is None:
            await self._send_to_dead_letters(record.raw, f"{type(error).__name__}: {error}")
            return
        park = self._park
        steps = [] if self._cursor is None else self._cursor.steps([record.raw])
        await self._retry_transient(lambda: park(record, describe(error), steps))
        self._done(steps)
        MESSAGES.labels(self._topic.name, "parked").inc()

    async def _judge(self, outcomes: Iterable[tuple[str, bool]]) -> None:
        self._brake.judge(outcomes)

    async def _send_to_dead_letters(self, raw: ConsumerRecord, reason: str) -> None:
        await self._retry_transient(lambda: self._dead_letters.send(raw, self._topic, reason))
        MESSAGES.labels(self._topic.name, "dead_letter").inc()

    async def _retry_transient(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work; wait and ask again while an engine is away, for as long as we may.

        Raises:
            Exception: of the work; a transient one only when the time is over.
        """
        until = time.monotonic() + self._wait_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await work()
            except Exception as error:
                if not is_transient(error) or time.monotonic() > until:
                    raise
                TRANSIENT_FAILURES.labels(self._topic.name).inc()
                logger.warning("batch waits", topic=self._topic.name, reason=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            else:
                return


def describe(error: Exception) -> str:
    """What is wrong with a record, for whoever finds it among the dead letters or parked."""
    match error:
        case Permanent():
            return error.reason
        case KeyError():
            return f"missing {error}"
        case ValidationError():
            # Which fields are wrong, without their values: those may be a buyer's address.
            return "; ".join(
                f"/{'/'.join(map(str, flaw['loc']))}: {flaw['msg']}" for flaw in error.errors()
            )
        case _:
            return f"{type(error).__name__}: {error}"


class Versioned(Protocol):
    """A message that carries the full state of something, with its version."""

    @property
    def version(self) -> int:
        """Grows with every change."""


Change = TypeVar("Change", bound=Versioned)
Key = TypeVar("Key")


def newest_versions(changes: Iterable[Change], key: Callable[[Change], Key]) -> dict[Key, Change]:
    """The newest state of each thing in a batch, by its id; of equal versions the first."""
    newest: dict[Key, Change] = {}
    for change in changes:
        seen = newest.get(key(change))
        if seen is None or seen.version < change.version:
            newest[key(change)] = change
    return newest
