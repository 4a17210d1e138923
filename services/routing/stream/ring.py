"""The newest events, so that who was cut off goes on where they were. Pure."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from services.routing.stream.told import Told

# By partition: the offset of the next record.
Place = Mapping[int, int]


@dataclass(slots=True)
class Entry:
    """An event, and where the log stood behind it: who has it goes on there.

    `wire` is what is sent of it, made for the first who hears it: the same for all.
    """

    told: Told
    behind: Place
    wire: bytes = b""


@dataclass(slots=True)
class Ring:
    """The newest events of this reading of the log, at most so many.

    A place of another process may be ahead of this one: an event may be told twice then, and none
    is left out.
    """

    most: int
    _entries: deque[Entry] = field(default_factory=deque)
    _from: dict[int, int] = field(default_factory=dict)
    _next: dict[int, int] = field(default_factory=dict)

    def begin(self, place: Place) -> None:
        """Forget everything; the reading begins here."""
        self._entries.clear()
        self._from, self._next = dict(place), dict(place)

    def add(self, told: Told) -> Entry:
        """One more; the oldest goes when there are too many."""
        if len(self._entries) >= self.most:
            oldest = self._entries.popleft().told
            self._from[oldest.partition] = oldest.offset + 1
        self._next[told.partition] = told.offset + 1
        self._from.setdefault(told.partition, told.offset)
        entry = Entry(told, dict(self._next))
        self._entries.append(entry)
        return entry

    @property
    def here(self) -> Place:
        """Behind the newest event."""
        return dict(self._next)

    def since(self, place: Place) -> list[Entry] | None:
        """What came after a place; None when some of it is not here any more, or nobody knows."""
        if not place or any(
            place.get(partition, 0) < first for partition, first in self._from.items()
        ):
            return None
        return [
            entry
            for entry in self._entries
            if entry.told.offset >= place.get(entry.told.partition, 0)
        ]
