"""Sends an event to its endpoint again: a delivery of its own, with the whole schedule.

It goes to the endpoint as it is now, with the same body and `webhook-id`, and keeps its place in
the lane of its order: what is before it and unfinished comes first.
"""

from uuid import UUID

from services.webhooks.delivery import UNFINISHED, DeliveryState
from services.webhooks.resending import store
from services.webhooks.resending.store import Resendable, Round
from shared.failures import Refused
from shared.ids import delivery_id as id_of
from shared.postgres.database import Session


async def send_again(session: Session, account: UUID, delivery_id: UUID) -> tuple[UUID, UUID]:
    """The delivery that is to be made, and its endpoint.

    That is a new one, unless one is due without it or under way; one that waits for a retry is
    replaced.

    Args:
        session: a transaction.
        account: who asks.
        delivery_id: any delivery of the event to the endpoint.

    Raises:
        Refused: `not_found`, `not_endpoint_owner`, `endpoint_disabled`, `body_erased`;
            `invalid_transition`: its order went back before the receiver was ever told of it.
    """
    wanted = await store.delivery_to_resend(session, account, delivery_id)
    if wanted is None:
        raise Refused("not_found", what="delivery")
    _require_possible(wanted)
    newest = await store.lock_newest_round(session, wanted)
    if newest.state is DeliveryState.SUPERSEDED:
        raise Refused("invalid_transition", what="delivery", state=newest.state)
    if newest.is_leased or newest.state is DeliveryState.PENDING:
        return newest.id, wanted.endpoint_id
    return await _next_round(session, account, wanted, newest), wanted.endpoint_id


async def _next_round(session: Session, account: UUID, wanted: Resendable, newest: Round) -> UUID:
    round_ = newest.round + 1
    new_id = id_of(wanted.event_id, wanted.endpoint_id, round_)
    replaced = newest.id if newest.state in UNFINISHED else None
    await store.insert_round(session, account, wanted, new_id, round_, replaced)
    return new_id


def _require_possible(wanted: Resendable) -> None:
    if not wanted.is_owner:
        raise Refused("not_endpoint_owner")
    if not wanted.has_body:
        raise Refused("body_erased")
    if not wanted.is_enabled:
        raise Refused("endpoint_disabled")
