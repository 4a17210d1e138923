"""How long a fetch waits for more records: not at all while there are few. Pure.

A batch costs a transaction, a fetch and a request to produce, however little is in it. Where few
records come that is no matter, and a wait is time lost to each; in a crowd it is most of what an
order costs (`docs/performance.md`).
"""

from collections import deque
from dataclasses import dataclass

# It is a crowd when a wait would find that many records, by the rate of this time. Two numbers, so
# that one in between does not change the fetches with every batch.
_WINDOW_SECONDS = 0.25
_ENTER, _LEAVE = 0.6, 0.4


@dataclass(frozen=True, slots=True)
class Fetch:
    """What a fetch asks of the broker: to answer with this many bytes, or after this long."""

    min_bytes: int
    max_wait_ms: int


class Gathering:
    """Decides on the next fetch of one consumer.

    Args:
        alone: while there are few records.
        crowd: while there are many.
    """

    def __init__(self, alone: Fetch, crowd: Fetch) -> None:
        self._alone = alone
        self._crowd = crowd
        self._came: deque[tuple[float, int]] = deque()
        self._count = 0
        self.is_crowd = False

    def found(self, records: int, now: float) -> Fetch:
        """What to ask for after a poll that found so many, at `now` (monotonic seconds)."""
        if records:
            self._came.append((now, records))
            self._count += records
        while self._came and self._came[0][0] <= now - _WINDOW_SECONDS:
            self._count -= self._came.popleft()[1]
        in_a_wait = self._count / _WINDOW_SECONDS * self._crowd.max_wait_ms / 1_000
        self.is_crowd = in_a_wait >= (_LEAVE if self.is_crowd else _ENTER)
        return self._crowd if self.is_crowd else self._alone
