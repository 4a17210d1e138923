"""What sending again asks of Postgres: one function per named query, each given a session."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from services.webhooks.delivery import DeliveryState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Resendable:
    """What a delivery is about, and whether its endpoint takes it now."""

    event_id: UUID
    endpoint_id: UUID
    order_id: UUID
    sequence: int
    type: str
    has_body: bool
    is_enabled: bool
    is_owner: bool


@dataclass(frozen=True, slots=True)
class Round:
    """The newest delivery of an event to an endpoint; leased: a process is at it."""

    id: UUID
    round: int
    state: DeliveryState
    is_leased: bool


async def delivery_to_resend(
    session: Session, account: UUID, delivery_id: UUID
) -> Resendable | None:
    """The delivery, if the account may see it."""
    row = await _queries.delivery_to_resend.one(session, account=account, delivery_id=delivery_id)
    return row_as(Resendable, row) if row else None


async def lock_newest_round(session: Session, wanted: Resendable) -> Round:
    """The newest delivery; nobody changes what is unfinished in its lane before the end.

    Raises:
        LookupError: there is none.
    """
    await _queries.lock_lane.all(session, endpoint_id=wanted.endpoint_id, order_id=wanted.order_id)
    row = await _queries.newest_round.one(
        session, event_id=wanted.event_id, endpoint_id=wanted.endpoint_id
    )
    if row is None:
        raise LookupError("there is no delivery of this event to this endpoint")
    return row_as(Round, row, state=DeliveryState(row["state"]))


async def insert_round(
    session: Session,
    account: UUID,
    wanted: Resendable,
    delivery_id: UUID,
    round_: int,
    replaced: UUID | None,
) -> None:
    """The next delivery, in its lane; what it replaces is cancelled."""
    await _queries.insert_round.run(
        session,
        account=account,
        delivery_id=delivery_id,
        event_id=wanted.event_id,
        endpoint_id=wanted.endpoint_id,
        order_id=wanted.order_id,
        round=round_,
        replaced=replaced,
    )
