"""What stands before a store's order: how many requests are inside, how fast one store may send.

Knows no HTTP.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from services.ingest.settings import Settings
from shared.failures import Refused


@dataclass(slots=True)
class Bucket:
    """A token bucket: holds at most `burst` tokens and gains `rate` a second."""

    rate: float
    burst: int
    tokens: float
    at: float

    def take(self, now: float) -> float:
        """Take a token: 0.0 when there was one, else the seconds until there is."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


class Admission:
    """The limits of one process.

    Args:
        settings: what they are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._buckets: dict[UUID, Bucket] = {}
        self._inside = 0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """A place for one request.

        Raises:
            Refused: `overloaded`, over the process's capacity.
        """
        if self._inside >= self._settings.ingest_max_requests:
            raise Refused("overloaded", retry_after=1)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def enforce_rate_limit(self, store_id: UUID) -> None:
        """Count a request that is surely the store's: others are not to use its rate up.

        Raises:
            Refused: `rate_limited`, over the store's rate.
        """
        now = time.monotonic()
        rate, burst = self._settings.ingest_store_rate, self._settings.ingest_store_burst
        bucket = self._buckets.get(store_id)
        if bucket is None:
            bucket = self._buckets[store_id] = Bucket(rate, burst, float(burst), now)
        wait = bucket.take(now)
        if wait > 0:
            raise Refused(
                "rate_limited",
                rate=f"{rate:g}",
                burst=burst,
                window=max(1, int(burst / rate)),
                retry_after=int(wait) + 1,
            )
