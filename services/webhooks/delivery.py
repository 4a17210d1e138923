"""One event for one endpoint: its states, and what an attempt makes of it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from services.webhooks.backoff import LONGEST_RETRY_AFTER, next_attempt

_SUCCESS = range(200, 300)
_GONE = 410
_ASKS_TO_WAIT = frozenset({429, 503})
_HEAD_CHARACTERS = 1_024
_LONGEST_CHARACTER_BYTES = 4
_LEASE_MARGIN = 0.1


class DeliveryState(StrEnum):
    """How far a delivery is; the value is what Postgres and the API show."""

    # Not attempted yet → delivered, retrying, exhausted (a schedule of one step), parked.
    PENDING = "pending"
    # Answered 2xx; stays so. Any unfinished state leads here: a success counts, whoever had it.
    DELIVERED = "delivered"
    # The last attempt failed and the next is due later → delivered, retrying, exhausted, parked.
    RETRYING = "retrying"
    # The last step of the schedule failed; stays so, and its lane goes on.
    EXHAUSTED = "exhausted"
    # Its endpoint is disabled; kept in its lane → what it was, when the endpoint is enabled;
    # delivered, by an attempt that was under way.
    PARKED = "parked"
    # The order went back, or its brand's data or the 3PL's was erased; any unfinished state leads
    # here → delivered, by an attempt that was under way. Nothing else leads out.
    SUPERSEDED = "superseded"
    # Somebody called it off; stays so. Nothing leads here yet.
    CANCELLED = "cancelled"


# What a lane has to wait for. SQL has the same list as a literal: its partial indexes need one.
UNFINISHED = frozenset({DeliveryState.PENDING, DeliveryState.RETRYING, DeliveryState.PARKED})
# What will be attempted without anybody's doing.
SCHEDULED = frozenset({DeliveryState.PENDING, DeliveryState.RETRYING})


@dataclass(slots=True, eq=False)
class Delivery:
    """One event for one endpoint, in memory under this process's lease.

    `attempts` counts those made before. `start_before` is the last moment (monotonic seconds) at
    which an attempt may start and surely end within the lease. `is_superseded` is set while it is
    under way: the order went back, so this attempt is the last.
    """

    id: UUID
    event_id: UUID
    endpoint_id: UUID
    order_id: UUID
    sequence: int
    attempts: int
    body: bytes = field(repr=False)
    traceparent: str | None
    start_before: float
    is_superseded: bool = False

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands among all deliveries, lane by lane."""
        return self.order_id.int, self.endpoint_id.int, self.sequence


@dataclass(frozen=True, slots=True)
class Lease:
    """How this process holds deliveries: in whose name, and for how many seconds.

    `attempt_seconds` is the deadline of one attempt, shorter than the lease.
    """

    owner: UUID
    seconds: float
    attempt_seconds: float

    def start_before(self, now: float) -> float:
        """The last moment to start an attempt under a lease that is taken at `now`."""
        spare = self.seconds - self.attempt_seconds
        return now + spare - min(_LEASE_MARGIN * self.seconds, spare / 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """How an attempt ended.

    `status` is None when no answer came in time; then `error` is its class: `timeout`,
    `address_refused`, `dns`, `tls`, `connection`, `protocol`, `internal`. `retry_after` is in
    seconds. `signed_at` is the `webhook-timestamp` that was sent.
    """

    status: int | None
    error: str | None = None
    retry_after: float | None = None
    body: bytes = b""
    signed_at: int | None = None

    @property
    def is_gone(self) -> bool:
        """The receiver wants nothing more, ever (RFC 9110, 15.5.11)."""
        return self.status == _GONE

    @property
    def pause(self) -> float:
        """Seconds for which the receiver wants nothing at all; 0 when it did not say."""
        # Only these two statuses mean by it when to come back; a redirect has it for its target.
        asked = self.retry_after if self.status in _ASKS_TO_WAIT else None
        return min(asked or 0.0, LONGEST_RETRY_AFTER)


def verdict(
    delivery: Delivery,
    answer: Answer,
    draw: Callable[[float, float], float],
    schedule: Sequence[float],
) -> tuple[DeliveryState, float]:
    """The delivery's next state, and the seconds until its next attempt (0 when there is none).

    Args:
        delivery: as it was before the attempt.
        answer: how the attempt ended.
        draw: an even draw between two numbers, `random.uniform`.
        schedule: the longest wait before each attempt, in seconds.
    """
    if answer.status in _SUCCESS:
        return DeliveryState.DELIVERED, 0.0
    if delivery.is_superseded:
        return DeliveryState.SUPERSEDED, 0.0
    if answer.is_gone:
        return DeliveryState.PARKED, 0.0
    wait = next_attempt(delivery.attempts + 1, answer.pause, draw, schedule)
    return (DeliveryState.EXHAUSTED, 0.0) if wait is None else (DeliveryState.RETRYING, wait)


def outcome_class(answer: Answer) -> str:
    """The class of an outcome, as `relevo_delivery_attempts_total` counts it."""
    status = answer.status
    if status is None:
        return answer.error or "protocol"
    if status in _SUCCESS:
        return "delivered"
    if status in _ASKS_TO_WAIT:
        return "throttled"
    if answer.is_gone:
        return "gone"
    classes = {3: "redirect", 4: "rejected", 5: "server_error"}
    return classes.get(status // 100, "protocol")


def head_of(body: bytes) -> str | None:
    """The first 1,024 characters of an answer as text that Postgres takes, None when it is empty.

    It is the receiver's: data, never to be rendered.
    """
    if not body:
        return None
    head = body[: _LONGEST_CHARACTER_BYTES * _HEAD_CHARACTERS].decode(errors="replace")
    return head.replace("\0", "\N{REPLACEMENT CHARACTER}")[:_HEAD_CHARACTERS]


# Made for every attempt, and nobody changes it: a frozen one takes three times as long to make.
@dataclass(slots=True, eq=False)
class Attempt:
    """One HTTP try and what it makes of its delivery.

    `wait` is the time to the next attempt in seconds; `error` a class as in `Answer`;
    `response_head` the start of the answer's body; `successors` the deliveries behind a failed one
    that memory gave up; `is_gone` says that its endpoint is to be disabled, `pause` for how many
    seconds it wants nothing. `url` is what may be shown of where it went, `signed_at` as in
    `Answer`.
    """

    delivery: Delivery
    state: DeliveryState
    wait: float
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response_head: str | None
    successors: Sequence[UUID]
    is_gone: bool
    pause: float
    url: str | None = None
    signed_at: int | None = None

    @classmethod
    def of(
        cls,
        delivery: Delivery,
        answer: Answer,
        decided: tuple[DeliveryState, float],
        timing: tuple[datetime, float],
        successors: Sequence[Delivery],
        url: str | None = None,
    ) -> Self:
        """What to write of an attempt.

        Args:
            delivery: as it was before.
            answer: how it ended.
            decided: its `verdict`.
            timing: when it started, and the seconds it took.
            successors: what memory gave up for it.
            url: where it went, masked.
        """
        (state, wait), (at, seconds) = decided, timing
        return cls(
            delivery=delivery,
            state=state,
            wait=wait,
            at=at,
            duration_ms=round(seconds * 1000),
            status=answer.status,
            error=answer.error,
            response_head=head_of(answer.body),
            successors=[successor.id for successor in successors],
            is_gone=answer.is_gone,
            pause=answer.pause,
            url=url,
            signed_at=answer.signed_at,
        )
