"""Places for requests that are read before it is known whose they are.

Whoever sends slowly keeps a place, and nobody is to keep all of them. Knows no HTTP.
"""

from collections.abc import Hashable

from shared.failures import Refused
from shared.telemetry import REQUESTS_REFUSED


class Places:
    """Places for requests, `most` for one key; keys without a request take no memory.

    Args:
        limit: its name, for the metric.
        most: places for one key.
    """

    def __init__(self, limit: str, most: int) -> None:
        self._refused = REQUESTS_REFUSED.labels(limit)
        self._most = most
        self._taken: dict[Hashable, int] = {}

    def take(self, key: Hashable) -> None:
        """Take one.

        Raises:
            Refused: `overloaded`, there is none.
        """
        taken = self._taken.get(key, 0)
        if taken >= self._most:
            self._refused.inc()
            raise Refused("overloaded", retry_after=1)
        self._taken[key] = taken + 1

    def free(self, key: Hashable) -> None:
        """Give one back."""
        left = self._taken[key] - 1
        if left:
            self._taken[key] = left
        else:
            del self._taken[key]


class Held:
    """All of some places while it is entered, or none; a class, for it costs every order.

    Args:
        wanted: whose place for which key.
    """

    __slots__ = ("_wanted",)

    def __init__(self, *wanted: tuple[Places, Hashable]) -> None:
        self._wanted = wanted

    def __enter__(self) -> None:
        """Take them.

        Raises:
            Refused: `overloaded`.
        """
        for number, (places, key) in enumerate(self._wanted):
            try:
                places.take(key)
            except Refused:
                self._free(number)
                raise

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        self._free(len(self._wanted))

    def _free(self, count: int) -> None:
        for places, key in self._wanted[:count]:
            places.free(key)
