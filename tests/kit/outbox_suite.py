"""What the rows of an outbox have to do: one suite for Postgres and for the fake."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from unittest.mock import ANY

import pytest

from shared.kafka.message import Message
from shared.postgres.outbox_table import Failure, Measure, Row, Rows

MANY = 1_000_000
NEVER = 3_600.0


def a_message(number: int, key: str = "k") -> Message:
    """A message that differs by its number."""
    return Message("orders.events", key, {"ce_id": str(number)}, str(number).encode())


@dataclass
class Aside:
    """A row that is out of the way of others; no `retry_at`: parked, or behind another."""

    row: Row
    retry_at: float | None
    parked_for: str = ""
    failures: int = 1


@dataclass
class FakeRows:
    """An outbox in memory."""

    rows: list[Row] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    _last_id: int = 0

    async def write(self, messages: Sequence[Message]) -> None:
        """As a transaction that commits."""
        for message in messages:
            self._last_id += 1
            self.rows.append(Row(self._last_id, message))

    async def next(self, acknowledged: Sequence[int], limit: int, most_bytes: int) -> list[Row]:
        """See `Rows`."""
        await self.delete(acknowledged)
        keys = {kept.row.key for kept in self.aside}
        found = [Row(row.id, row.message, row.key in keys) for row in self.rows[:limit]]
        return _within(found, most_bytes)

    async def delete(self, ids: Sequence[int]) -> None:
        """See `Rows`."""
        self.rows = [row for row in self.rows if row.id not in ids]

    async def set_aside(self, failures: Sequence[Failure], seconds: float) -> None:
        """See `Rows`."""
        for failure in sorted(failures, key=lambda failure: failure.row.id):
            first = failure.row.key not in {kept.row.key for kept in self.aside}
            wait = seconds if failure.reason else 0
            retry_at = time.monotonic() + wait if first and not failure.parked else None
            parked_for = failure.reason if failure.parked else ""
            self.aside.append(Aside(failure.row, retry_at, parked_for))
        await self.delete([failure.row.id for failure in failures])

    async def due(self, limit: int, most_bytes: int) -> list[Row]:
        """See `Rows`."""
        now = time.monotonic()
        due = {kept.row.key for kept in self.aside if kept.retry_at and kept.retry_at <= now}
        found = [kept.row for kept in self.aside if kept.row.key in due]
        return _within(sorted(found, key=lambda row: row.id)[:limit], most_bytes)

    async def sent(self, ids: Sequence[int]) -> None:
        """See `Rows`."""
        keys = {kept.row.key for kept in self.aside if kept.row.id in ids}
        self.aside = [kept for kept in self.aside if kept.row.id not in ids]
        for key in keys:
            of_key = [kept for kept in self.aside if kept.row.key == key]
            if of_key:
                of_key[0].retry_at = time.monotonic()

    async def failed_again(
        self, failures: Sequence[Failure], seconds: float, most_seconds: float
    ) -> None:
        """See `Rows`."""
        for failure in failures:
            (kept,) = (kept for kept in self.aside if kept.row.id == failure.row.id)
            wait = min(most_seconds, seconds * 2**kept.failures)
            kept.failures += 1
            kept.retry_at = None if failure.parked else time.monotonic() + wait
            kept.parked_for = failure.reason if failure.parked else ""

    async def measure(self) -> Measure:
        """See `Rows`; nothing ages here."""
        parked = sum(bool(kept.parked_for) for kept in self.aside)
        waiting = sum(kept.retry_at is not None for kept in self.aside)
        return Measure(len(self.rows) + len(self.aside), parked, waiting, 0.0)


def _within(rows: Sequence[Row], most_bytes: int) -> list[Row]:
    sizes = accumulate((len(row.message.value) for row in rows), initial=0)
    return [row for row, before in zip(rows, sizes, strict=False) if before < most_bytes]


async def texts(rows: Rows, limit: int = 10, most_bytes: int = MANY) -> list[str]:
    """What a read finds new, as text."""
    found = await rows.next([], limit, most_bytes)
    return [row.message.value.decode() for row in found if not row.behind]


async def due(rows: Rows, limit: int = 10, most_bytes: int = MANY) -> list[str]:
    """What is to be tried again, as text."""
    return [row.message.value.decode() for row in await rows.due(limit, most_bytes)]


class OutboxSuite:
    """Inherited by a class with the fixtures `rows` and `write`."""

    @pytest.fixture
    def rows(self) -> Rows:
        """The outbox."""
        raise NotImplementedError

    async def write(self, rows: Rows, *messages: Message) -> None:
        """Put messages into it, in one transaction."""
        raise NotImplementedError

    async def test_rows_come_oldest_first_as_they_were_written(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2, "other"))
        await self.write(rows, a_message(3))
        found = await rows.next([], 10, MANY)
        assert [row.message for row in found] == [
            a_message(1),
            a_message(2, "other"),
            a_message(3),
        ]
        assert not any(row.behind for row in found)

    async def test_no_more_come_than_asked_for(self, rows: Rows) -> None:
        await self.write(rows, *(a_message(number) for number in range(5)))
        assert await texts(rows, limit=2) == ["0", "1"]

    async def test_values_are_read_up_to_a_bound_and_one_always(self, rows: Rows) -> None:
        await self.write(rows, *(a_message(number) for number in range(100, 105)))
        assert await texts(rows, most_bytes=7) == ["100", "101", "102"]
        assert await texts(rows, most_bytes=1) == ["100"]

    async def test_what_is_acknowledged_is_gone_with_the_next_read(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2))
        first, second = await rows.next([], 10, MANY)
        assert [row.id for row in await rows.next([first.id], 10, MANY)] == [second.id]
        await rows.delete([second.id])
        assert await texts(rows) == []

    async def test_what_is_read_and_not_acknowledged_comes_again(self, rows: Rows) -> None:
        await self.write(rows, a_message(1))
        assert await texts(rows) == ["1"]
        assert await texts(rows) == ["1"]

    async def test_a_key_set_aside_is_out_of_the_way_and_its_later_rows_are_behind(
        self, rows: Rows
    ) -> None:
        await self.write(rows, a_message(1), a_message(2), a_message(3, "other"))
        first, *_ = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "no leader")], seconds=NEVER)
        found = await rows.next([], 10, MANY)
        assert [(row.message.value, row.behind) for row in found] == [(b"2", True), (b"3", False)]
        await rows.set_aside([Failure(row) for row in found if row.behind], seconds=0)
        assert await texts(rows) == ["3"]
        assert await due(rows) == [], "what is behind is not due before what it is behind"
        assert await rows.measure() == Measure(3, 0, 1, ANY)

    async def test_a_key_that_is_due_comes_whole_and_in_order(self, rows: Rows) -> None:
        await self.write(rows, *(a_message(number) for number in range(1, 5)))
        first, *later = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "no leader")], seconds=0)
        await rows.set_aside([Failure(row) for row in later], seconds=0)
        assert await due(rows) == ["1", "2", "3", "4"]
        assert await due(rows, limit=2) == ["1", "2"]
        assert await due(rows, most_bytes=1) == ["1"]

    async def test_what_is_sent_makes_the_next_of_its_key_due(self, rows: Rows) -> None:
        await self.write(rows, *(a_message(number) for number in range(1, 4)))
        first, *later = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "no leader"), *map(Failure, later)], seconds=0)
        await rows.sent([first.id])
        assert await due(rows) == ["2", "3"]
        await rows.sent([row.id for row in later])
        assert await rows.measure() == Measure(0, 0, 0, 0.0)

    async def test_each_failure_doubles_the_wait_up_to_a_bound(self, rows: Rows) -> None:
        await self.write(rows, a_message(1))
        (first,) = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "no leader")], seconds=0)
        await rows.failed_again([Failure(first, "again")], seconds=NEVER, most_seconds=0)
        assert await due(rows) == ["1"], "no longer than the bound"
        await rows.failed_again([Failure(first, "again")], seconds=NEVER, most_seconds=NEVER)
        assert await due(rows) == []

    async def test_a_parked_row_keeps_its_key_behind_it(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2), a_message(3, "other"))
        first, second, _ = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "too large", parked=True)], seconds=0)
        assert await texts(rows) == ["3"]
        await rows.set_aside([Failure(second)], seconds=0)
        assert await due(rows) == []
        assert await rows.measure() == Measure(3, 1, 0, ANY)

    async def test_a_row_is_parked_when_it_is_refused_later(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2))
        first, second = await rows.next([], 10, MANY)
        await rows.set_aside([Failure(first, "no leader"), Failure(second)], seconds=0)
        refused = Failure(first, "too large", parked=True)
        await rows.failed_again([refused], seconds=0, most_seconds=0)
        assert await due(rows) == []
        assert await rows.measure() == Measure(2, 1, 0, ANY)
