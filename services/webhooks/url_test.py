"""A `ping`: to an endpoint, or to a URL before anybody saves it."""

import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.webhooks.delivery import Answer, Delivery
from services.webhooks.endpoints import Endpoint
from services.webhooks.sender import HttpSender
from shared.failures import Refused
from shared.signing import key_of
from shared.signing_secrets import new_secret

_MOST, _PERIOD_SECONDS = 10, 60.0
_MOST_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of it."""

    answer: Answer
    webhook_id: UUID
    seconds: float


class UrlTest:
    """Sends pings; few at once, and few of one account.

    Args:
        sender: with the guard of every delivery.
    """

    def __init__(self, sender: HttpSender) -> None:
        self._sender = sender
        self._under_way = 0
        self._lately: dict[UUID, deque[float]] = {}

    async def ping_url(self, account_id: UUID, url: str) -> tuple[Tested, str]:
        """One attempt, and the secret that signed it, which nobody will need again.

        Raises:
            Refused: `too_many_attempts`.
        """
        secret = new_secret()
        endpoint = Endpoint(uuid7(), url, (key_of(secret),), is_enabled=True)
        return await self.ping(account_id, endpoint), secret

    async def ping(self, account_id: UUID, endpoint: Endpoint) -> Tested:
        """One attempt; what the receiver says is the answer.

        Raises:
            Refused: `too_many_attempts`.
        """
        self._count(account_id)
        self._under_way += 1
        try:
            return await self._ping(endpoint)
        finally:
            self._under_way -= 1

    async def _ping(self, endpoint: Endpoint) -> Tested:
        body = orjson.dumps(
            {"type": "ping", "timestamp": datetime.now(UTC).isoformat(), "data": {}}
        )
        delivery = Delivery(
            id=uuid7(),
            event_id=uuid7(),
            endpoint_id=endpoint.id,
            order_id=endpoint.id,
            sequence=1,
            attempts=0,
            body=body,
            traceparent=None,
            start_before=time.monotonic(),
        )
        started = time.perf_counter()
        answer = await self._sender.send_once(endpoint, delivery)
        return Tested(answer, delivery.event_id, time.perf_counter() - started)

    def _count(self, account_id: UUID) -> None:
        now = time.monotonic()
        for known, times in list(self._lately.items()):
            while times and times[0] <= now - _PERIOD_SECONDS:
                times.popleft()
            if not times:
                del self._lately[known]
        of_account = self._lately.setdefault(account_id, deque())
        if len(of_account) >= _MOST:
            wait = of_account[0] + _PERIOD_SECONDS - now
            raise Refused("too_many_attempts", retry_after=max(1, round(wait)))
        if self._under_way >= _MOST_AT_ONCE:
            raise Refused("too_many_attempts", retry_after=10)
        of_account.append(now)
