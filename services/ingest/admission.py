"""What stands before a store's order: how many requests are inside, how fast one store may send.

Whoever sends slowly keeps a place. Nobody is to keep all of them: no address (a body that comes
slowly), no store, and not those together whose signature is only known once their body is there.

Knows no HTTP.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from services.ingest.settings import Settings
from shared.failures import Refused
from shared.web.networks import network_of
from shared.web.places import Held, Places


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
        most = settings.ingest_max_requests
        of_store = _part(most, settings.ingest_store_share)
        self._all = Places("process", most)
        self._unproven = Places("unproven", _part(most, settings.ingest_unproven_share))
        # Two counts: what others send in a store's name takes no place of what it proved.
        self._unproven_of_store = Places("unproven_store", of_store)
        self._of_store = Places("store", of_store)
        self._of_address = Places("address", _part(most, settings.ingest_address_share))

    def unproven(self, address: str, store_id: UUID) -> Held:
        """A place to read the body whose signature will prove its sender; refused on entering."""
        return Held(
            (self._of_address, network_of(address)),
            (self._unproven_of_store, store_id.int),
            (self._unproven, None),
            (self._all, None),
        )

    def reading(self, address: str) -> Held:
        """A place to read the body of a sender that is proven; refused on entering.

        Anyone may have a store with a key, and an address any number of them.
        """
        return Held((self._of_address, network_of(address)))

    def proven(self, store_id: UUID) -> Held:
        """A place for a request that is surely the store's; refused on entering."""
        return Held((self._of_store, store_id.int), (self._all, None))

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


def _part(whole: int, share: float) -> int:
    return max(1, int(whole * share))
