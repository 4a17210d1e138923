"""What the rows of an outbox have to do: one suite for Postgres and for the fake."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from shared.kafka.message import Message
from shared.postgres.outbox import Row, Rows


def a_message(number: int, key: str = "k") -> Message:
    """A message that differs by its number."""
    return Message("orders.events", key, {"ce_id": str(number)}, str(number).encode())


@dataclass
class FakeRows:
    """An outbox in memory."""

    rows: list[Row] = field(default_factory=list)
    parked: dict[int, str] = field(default_factory=dict)
    _last_id: int = 0

    async def write(self, messages: Sequence[Message]) -> None:
        """As a transaction that commits."""
        for message in messages:
            self._last_id += 1
            self.rows.append(Row(self._last_id, message, 0.0))

    async def next(self, acknowledged: Sequence[int], limit: int) -> list[Row]:
        """See `Rows`."""
        await self.delete(acknowledged)
        return [row for row in self.rows if row.id not in self.parked][:limit]

    async def delete(self, ids: Sequence[int]) -> None:
        """See `Rows`."""
        self.rows = [row for row in self.rows if row.id not in ids]

    async def park(self, row: Row, reason: str) -> None:
        """See `Rows`."""
        self.parked[row.id] = reason


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
        found = await rows.next([], 10)
        assert [row.message for row in found] == [
            a_message(1),
            a_message(2, "other"),
            a_message(3),
        ]
        assert all(row.age >= 0 for row in found)

    async def test_no_more_come_than_asked_for(self, rows: Rows) -> None:
        await self.write(rows, *(a_message(number) for number in range(5)))
        assert len(await rows.next([], 2)) == 2

    async def test_what_is_acknowledged_is_gone_with_the_next_read(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2))
        first, second = await rows.next([], 10)
        assert [row.id for row in await rows.next([first.id], 10)] == [second.id]
        await rows.delete([second.id])
        assert await rows.next([], 10) == []

    async def test_what_is_read_and_not_acknowledged_comes_again(self, rows: Rows) -> None:
        await self.write(rows, a_message(1))
        assert [row.message for row in await rows.next([], 10)] == [a_message(1)]
        assert [row.message for row in await rows.next([], 10)] == [a_message(1)]

    async def test_a_parked_row_is_kept_out_of_the_way(self, rows: Rows) -> None:
        await self.write(rows, a_message(1), a_message(2))
        first, _ = await rows.next([], 10)
        await rows.park(first, "too large")
        assert [row.message for row in await rows.next([], 10)] == [a_message(2)]
