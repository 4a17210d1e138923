"""What the parties of a connection are told once its orders have gone back."""

from uuid import UUID

from services.routing.store import FinishedHandover, PendingHandover
from shared.contracts.notices import OrdersHandedBack
from shared.kafka.message import Message
from shared.notices import notice


def handed_back(handover: PendingHandover, store_id: UUID, done: FinishedHandover) -> list[Message]:
    """A notice for each party; none when there was nothing to hand back, and nothing stayed."""
    if not done.returned and not done.stayed:
        return []
    data = OrdersHandedBack(
        connection_id=handover.connection_id,
        store_id=store_id,
        epoch=handover.epoch,
        returned=done.returned,
        stayed=done.stayed,
    )
    return [
        notice("routing", account, data, handover.id, done.finished_at, repeats=False)
        for account in (handover.brand_id, handover.three_pl_id)
    ]
