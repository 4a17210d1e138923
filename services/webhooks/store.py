"""What webhooks keeps in Postgres: one function per named query, each given a session."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import orjson

from services.webhooks.delivery import UNFINISHED, Attempt, Delivery, DeliveryState, Lease
from services.webhooks.endpoint_queue import ClaimQuota
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.orders_events import OrderEventAttributes
from shared.egress.sealed_url import SealedUrl
from shared.kafka.positions import Step
from shared.kafka.topics import ORDERS_EVENTS
from shared.postgres.database import Session, load_queries, row_as
from shared.postgres.positions import parameters_of, require_all

_queries = load_queries(Path(__file__).parent / "sql" / "queries.sql")


# --- endpoints ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """An endpoint with the URL and the signing secrets of the one that it sends to, mostly itself.

    The secrets are sealed for `endpoint:<target_id>`, newest first. `url`: of before, not sealed
    yet. For `paused_seconds` nothing is sent there. One of a brand says which events it wants:
    `event_types` of `store_ids`, of all stores when that is None.
    """

    id: UUID
    target_id: UUID
    url: str | None = field(repr=False)
    sealed_url: str | None = field(repr=False)
    sealed_secrets: Sequence[str]
    is_enabled: bool
    paused_seconds: float
    brand_id: UUID | None
    event_types: Sequence[str] | None
    store_ids: Sequence[UUID] | None
    version: int

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted, or its account erased."""
        return not (self.url or self.sealed_url)


def _endpoint(row: asyncpg.Record) -> StoredEndpoint:
    paused_seconds = max(0.0, row["paused_seconds"] or 0.0)
    is_enabled = row["state"] == "enabled"
    return row_as(StoredEndpoint, row, is_enabled=is_enabled, paused_seconds=paused_seconds)


async def newer_endpoints(session: Session, changes: Sequence[ConnectionChanged]) -> set[UUID]:
    """The endpoints of which these tell something new, without a lock."""
    pairs = [(change, endpoint) for change in changes for endpoint in change.endpoints]
    rows = await _queries.newer_endpoints.all(
        session,
        ids=[endpoint.id for _, endpoint in pairs],
        versions=[change.version for change, _ in pairs],
    )
    return {row["id"] for row in rows}


async def upsert_endpoints(
    session: Session, changes: Sequence[ConnectionChanged]
) -> tuple[set[UUID], list[UUID]]:
    """Store every endpoint of the connections: which are new or newer, which send elsewhere now.

    Each connection stands in `changes` once, with sealed URLs alone.
    """
    pairs = [(change, endpoint) for change in changes for endpoint in change.endpoints]
    rows = await _queries.upsert_endpoints.all(
        session,
        ids=[endpoint.id for _, endpoint in pairs],
        connections=[change.connection_id for change, _ in pairs],
        three_pls=[change.three_pl_id for change, _ in pairs],
        stores=[change.store_id for change, _ in pairs],
        sealed_urls=[endpoint.sealed_url for _, endpoint in pairs],
        masked_urls=[endpoint.masked_url for _, endpoint in pairs],
        secrets=[orjson.dumps(endpoint.sealed_secrets).decode() for _, endpoint in pairs],
        sends_to=[endpoint.sends_to for _, endpoint in pairs],
        versions=[change.version for change, _ in pairs],
    )
    return {row["id"] for row in rows}, [row["id"] for row in rows if row["is_moved"]]


async def lock_plain_urls(session: Session, limit: int) -> dict[UUID, str]:
    """Some of the URLs that stand in plain, kept from others until the transaction ends."""
    rows = await _queries.lock_plain_urls.all(session, limit=limit)
    return {row["id"]: row["url"] for row in rows}


async def seal_urls(session: Session, urls: Mapping[UUID, SealedUrl]) -> None:
    """Keep them sealed instead of plain."""
    await _queries.seal_urls.run(
        session,
        ids=list(urls),
        sealed_urls=[url.sealed for url in urls.values()],
        masked_urls=[url.masked for url in urls.values()],
    )


async def endpoints_of_ids(session: Session, ids: Iterable[UUID]) -> list[StoredEndpoint]:
    """The endpoints that are known."""
    rows = await _queries.endpoints_of_ids.all(session, ids=list(ids))
    return [_endpoint(row) for row in rows]


async def endpoints_updated(session: Session, seconds: float) -> list[StoredEndpoint]:
    """The endpoints that changed within the last `seconds`."""
    rows = await _queries.endpoints_updated.all(session, seconds=seconds)
    return [_endpoint(row) for row in rows]


async def endpoints_of_brands(session: Session) -> list[StoredEndpoint]:
    """All that brands have made; few, beside those of connections."""
    return [_endpoint(row) for row in await _queries.endpoints_of_brands.all(session)]


async def cancel_deleted(session: Session, ids: Sequence[UUID]) -> None:
    """Cancel what is unfinished at those endpoints that were deleted."""
    await _queries.cancel_deleted.run(session, ids=ids)


async def endpoints_with_work(session: Session) -> list[UUID]:
    """The endpoints that have a delivery due."""
    return [row["endpoint_id"] for row in await _queries.endpoints_with_work.all(session)]


async def pause_endpoints(session: Session, until: Mapping[UUID, datetime]) -> None:
    """Send nothing there before then; what is unfinished waits."""
    if until:
        await _queries.pause_endpoints.run(session, ids=list(until), untils=list(until.values()))


async def lock_endpoints(session: Session, ids: Sequence[UUID]) -> None:
    """Hold endpoints that are about to change, for the rest of the transaction."""
    await _queries.lock_endpoints.all(session, ids=ids)


async def disable_endpoints(session: Session, ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Send nothing more there; what is unfinished is parked. Which were enabled before."""
    rows = await _queries.disable_endpoints.all(session, ids=ids, reason=reason)
    await park_deliveries(session, ids)
    return [row["id"] for row in rows]


async def park_deliveries(session: Session, ids: Sequence[UUID]) -> None:
    """Park what is unfinished at those endpoints that are disabled."""
    await _queries.park_deliveries.run(session, ids=ids)


async def enable_endpoints(session: Session, ids: Sequence[UUID]) -> None:
    """Send there again, what was parked first."""
    await _queries.enable_endpoints.run(session, ids=ids)
    await unpark_deliveries(session, ids)


async def redirect(session: Session, ids: Sequence[UUID]) -> None:
    """What waited for receivers that these endpoints no longer send to is due now."""
    await _queries.forget_pauses.run(session, ids=ids)
    await _queries.hurry_retries.run(session, ids=ids)


async def unpark_deliveries(session: Session, ids: Sequence[UUID]) -> None:
    """Let go on what is parked at those endpoints that are enabled."""
    await _queries.unpark_deliveries.run(session, ids=ids)


@dataclass(frozen=True, slots=True)
class EndpointState:
    """An endpoint as its owner sees it; `url` may be shown once it is masked.

    A connection's has a connection and its store; a brand's has `event_types`, and `store_ids`
    unless it is told of all stores. `version` is that of a brand's, for changes.
    """

    id: UUID
    connection_id: UUID | None
    store_id: UUID | None
    url: str = field(repr=False)
    sends_to: UUID | None
    state: str
    disabled_reason: str | None
    paused_until: datetime | None
    updated_at: datetime
    event_types: Sequence[str] | None
    store_ids: Sequence[UUID] | None
    description: str | None
    version: int


async def list_endpoints(
    session: Session, account: UUID, *, as_three_pl: bool, after: UUID | None, limit: int
) -> list[EndpointState]:
    """A page of the account's endpoints, newest first."""
    query = _queries.endpoints_of_three_pl if as_three_pl else _queries.endpoints_of_brand
    rows = await query.all(session, account=account, after=after, limit=limit)
    return [row_as(EndpointState, row) for row in rows]


async def get_endpoint(session: Session, endpoint_id: UUID, account: UUID) -> EndpointState | None:
    """One endpoint, if it is the account's."""
    row = await _queries.endpoint_of_owner.one(session, endpoint_id=endpoint_id, account=account)
    return row_as(EndpointState, row) if row else None


async def enable_endpoint(
    session: Session, endpoint_id: UUID, account: UUID
) -> EndpointState | None:
    """Enable one endpoint of the account, what was parked goes on; None when it is not its own."""
    row = await _queries.enable_endpoint_of_owner.one(
        session, endpoint_id=endpoint_id, account=account
    )
    if row is None:
        return None
    await unpark_deliveries(session, [endpoint_id])
    return row_as(EndpointState, row)


# --- deliveries -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """An event for an endpoint, as it came off the log.

    `at` is when it came about; `to_brand`: the endpoint is the brand's own.
    """

    attributes: OrderEventAttributes
    endpoint_id: UUID
    body: bytes
    traceparent: str | None
    at: datetime | None = None
    to_brand: bool = False

    @property
    def lane(self) -> tuple[UUID, UUID]:
        """Endpoint and order."""
        return self.endpoint_id, self.attributes.order_id

    @property
    def place(self) -> tuple[int, int, int]:
        """As `Delivery.place`."""
        return self.attributes.order_id.int, self.endpoint_id.int, self.attributes.sequence

    @property
    def is_return(self) -> bool:
        """Whether it takes the order back."""
        return self.attributes.type == "order.unassigned"

    def delivery(self, delivery_id: UUID, start_before: float) -> Delivery:
        """Its delivery, stored under that id and leased; see `Lease.start_before`."""
        return Delivery(
            id=delivery_id,
            event_id=self.attributes.id,
            endpoint_id=self.endpoint_id,
            order_id=self.attributes.order_id,
            sequence=self.attributes.sequence,
            attempts=0,
            body=self.body,
            traceparent=self.traceparent,
            start_before=start_before,
        )


class NewDelivery(NamedTuple):
    """A delivery to store, and whether to lease it to this process at once."""

    id: UUID
    event: Incoming
    wants_lease: bool


@dataclass(frozen=True, slots=True)
class Inserted:
    """A delivery that is new.

    `predecessor` is the sequence of the unfinished one before it in its lane, as it was before the
    statement; None when there was none. `is_held_elsewhere`: it is a return, and another process
    has something of its lane.
    """

    leased: bool
    predecessor: int | None
    state: DeliveryState
    is_held_elsewhere: bool = False


def inserted_of(row: asyncpg.Record, *, is_held_elsewhere: bool = False) -> Inserted:
    """What an inserting statement answers."""
    state = DeliveryState(row["state"])
    return Inserted(row["leased"], row["predecessor"], state, is_held_elsewhere)


def step_columns(steps: Sequence[Step]) -> dict[str, Any]:
    """The moves of positions as the parameters of an inserting statement."""
    return {"topic": ORDERS_EVENTS.name, **parameters_of(steps)}


def event_columns(new: Sequence[NewDelivery]) -> dict[str, list[object]]:
    """Events and their deliveries as the parameters of an inserting statement."""
    events = [delivery.event for delivery in new]
    attributes = [event.attributes for event in events]
    return {
        "deliveries": [delivery.id for delivery in new],
        "events": [attribute.id for attribute in attributes],
        "endpoints": [event.endpoint_id for event in events],
        "orders": [attribute.order_id for attribute in attributes],
        "sequences": [attribute.sequence for attribute in attributes],
        "stores": [attribute.store_id for attribute in attributes],
        "brands": [attribute.brand_id for attribute in attributes],
        "connections": [attribute.connection_id for attribute in attributes],
        "three_pls": [attribute.three_pl_id for attribute in attributes],
        "types": [attribute.type for attribute in attributes],
        "bodies": [event.body for event in events],
        "traceparents": [event.traceparent for event in events],
        "wants_lease": [delivery.wants_lease for delivery in new],
    }


def _to_brand(new: NewDelivery) -> bool:
    return new.event.to_brand


async def insert_events(
    session: Session, new: Sequence[NewDelivery], lease: Lease, steps: Sequence[Step] = ()
) -> dict[UUID, Inserted]:
    """Insert events with their deliveries; those that are new, by delivery id.

    Args:
        session: one statement, no transaction needed.
        new: what came; duplicates of what is stored are left out of the answer.
        lease: what those get that want one and may have it.
        steps: of the positions, with it.

    Raises:
        OutOfStep: another process reads these events. They are stored, for either.
    """
    # Lanes are locked in the order in which outcomes lock them.
    new = sorted(new, key=lambda one: one.event.place)
    # A body goes to Postgres once. A brand's delivery has it if there is one: that is kept unless
    # the brand was erased, and then nothing is.
    bearers = {one.event.attributes.id: one.id for one in sorted(new, key=_to_brand)}
    bodies = [one.event.body if bearers[one.event.attributes.id] == one.id else None for one in new]
    rows = await _queries.insert_events.all(
        session,
        **event_columns(new) | {"bodies": bodies},
        to_brand=[_to_brand(one) for one in new],
        **step_columns(steps),
        owner=lease.owner,
        lease_seconds=lease.seconds,
    )
    require_all(steps, sum(row["moved"] or 0 for row in rows))
    return {row["id"]: inserted_of(row) for row in rows if row["id"] is not None}


async def claim_due_deliveries(
    session: Session, quotas: Mapping[UUID, ClaimQuota], lease: Lease, start_before: float
) -> list[tuple[Delivery, bool]]:
    """Lease heads of lanes that are due; each with whether its lane has successors.

    Args:
        session: one statement, no transaction needed.
        quotas: the most for each endpoint.
        lease: what they get.
        start_before: what the lease allows, for the deliveries.
    """
    rows = await _queries.claim_due_deliveries.all(
        session,
        endpoints=list(quotas),
        first_attempts=[quota.first_attempts for quota in quotas.values()],
        retries=[quota.retries for quota in quotas.values()],
        bytes=[quota.bytes for quota in quotas.values()],
        owner=lease.owner,
        lease_seconds=lease.seconds,
    )
    return [
        (
            row_as(Delivery, row, start_before=start_before, is_superseded=False),
            row["has_successors"],
        )
        for row in rows
    ]


async def leased_deliveries(
    session: Session, endpoint_ids: Sequence[UUID], lease: Lease
) -> list[tuple[UUID, UUID]]:
    """What this process holds of these endpoints: deliveries, each with its endpoint."""
    rows = await _queries.leased_deliveries.all(
        session, endpoints=endpoint_ids, owner=lease.owner, lease_seconds=lease.seconds
    )
    return [(row["id"], row["endpoint_id"]) for row in rows]


async def record_attempts(session: Session, attempts: Sequence[Attempt], owner: UUID) -> None:
    """Write attempts, move their deliveries on, and let go what waited for them.

    Args:
        session: a transaction; see `let_followers_go`.
        attempts: no delivery stands in it twice.
        owner: whose leases.
    """
    # Rows are locked lane by lane, as whoever supersedes does: nobody waits in a circle.
    attempts = sorted(attempts, key=lambda attempt: attempt.delivery.place)
    await _queries.record_attempts.run(
        session,
        deliveries=[attempt.delivery.id for attempt in attempts],
        numbers=[attempt.delivery.attempts + 1 for attempt in attempts],
        states=[attempt.state for attempt in attempts],
        waits=[attempt.wait for attempt in attempts],
        ats=[attempt.at for attempt in attempts],
        durations=[attempt.duration_ms for attempt in attempts],
        statuses=[attempt.status for attempt in attempts],
        errors=[attempt.error for attempt in attempts],
        heads=[attempt.response_head for attempt in attempts],
        endpoints=[attempt.delivery.endpoint_id for attempt in attempts],
        urls=[attempt.url for attempt in attempts],
        signed=[attempt.signed_at for attempt in attempts],
        successors=[successor for attempt in attempts for successor in attempt.successors],
        owner=owner,
    )
    finished = [attempt.delivery for attempt in attempts if attempt.state not in UNFINISHED]
    if finished:
        await _queries.let_followers_go.run(
            session,
            endpoints=[delivery.endpoint_id for delivery in finished],
            orders=[delivery.order_id for delivery in finished],
            sequences=[delivery.sequence for delivery in finished],
        )


async def release_deliveries(
    session: Session, ids: Sequence[UUID], cut_off: Iterable[UUID], owner: UUID
) -> None:
    """Give leases back: whoever has capacity may claim the deliveries at once.

    `cut_off` may have been attempted.
    """
    await _queries.release_deliveries.run(session, ids=ids, cut_off=list(cut_off), owner=owner)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many deliveries are unfinished, and the age of the oldest of those counted."""

    deliveries: int
    oldest_seconds: float


async def backlog(session: Session, limit: int) -> Backlog:
    """What is unfinished, counted up to `limit`."""
    row = await _queries.backlog.one(session, limit=limit)
    return row_as(Backlog, row) if row else Backlog(0, 0.0)


# --- lists ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a list of deliveries is narrowed to; None leaves a field open.

    The times are those at which events were stored.
    """

    connection: UUID | None = None
    order: UUID | None = None
    state: DeliveryState | None = None
    endpoint: UUID | None = None
    type: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliverySummary:
    """A delivery as lists show it.

    `due_at` is the end of the lease while it is `leased`; None while it waits for its lane.
    `event_at`: when its event was stored. `is_brands`: its endpoint is the brand's own. `round`
    counts how often it was sent again.
    """

    id: UUID
    event_id: UUID
    type: str
    order_id: UUID
    sequence: int
    endpoint_id: UUID
    connection_id: UUID | None
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    leased: bool
    created_at: datetime
    delivered_at: datetime | None
    event_at: datetime
    is_brands: bool
    round: int


@dataclass(frozen=True, slots=True)
class DeliveryDetail:
    """One delivery with the body as it was signed and sent, in that trace."""

    summary: DeliverySummary
    body: bytes
    traceparent: str | None


@dataclass(frozen=True, slots=True)
class RecordedAttempt:
    """One HTTP try; `status` or `error` as in `services.webhooks.delivery.Answer`.

    `url` is what may be shown of where it went, `signed_at` its `webhook-timestamp`; both are None
    of before.
    """

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    response_head: str | None
    url: str | None
    signed_at: int | None


def _summary(row: asyncpg.Record) -> DeliverySummary:
    return row_as(DeliverySummary, row, state=DeliveryState(row["state"]))


async def list_deliveries(
    session: Session,
    account: UUID,
    *,
    as_three_pl: bool,
    wanted: DeliveryFilter,
    after: tuple[datetime, UUID, UUID] | None,
    limit: int,
) -> list[DeliverySummary]:
    """The account's deliveries, newest event first.

    `after` is (event at, event id, delivery id).
    """
    query = _queries.deliveries_of_three_pl if as_three_pl else _queries.deliveries_of_brand
    after_at, after_event, after_delivery = after or (None, None, None)
    rows = await query.all(
        session,
        account=account,
        after_at=after_at,
        after_event=after_event,
        after_delivery=after_delivery,
        limit=limit,
        **asdict(wanted),
    )
    return [_summary(row) for row in rows]


async def get_delivery(session: Session, delivery_id: UUID, account: UUID) -> DeliveryDetail | None:
    """One delivery, if the account is its 3PL or its brand."""
    row = await _queries.delivery_of_party.one(session, delivery_id=delivery_id, account=account)
    return DeliveryDetail(_summary(row), row["body"], row["traceparent"]) if row else None


async def list_attempts(session: Session, delivery_id: UUID) -> list[RecordedAttempt]:
    """Its attempts, oldest first; whoever asks has been shown the delivery."""
    rows = await _queries.attempts_of_delivery.all(session, delivery_id=delivery_id)
    return [row_as(RecordedAttempt, row) for row in rows]
