"""What brands are told of what their stores sent and nobody understood."""

from collections.abc import Sequence

from shared.contracts.notices import OrdersQuarantined
from shared.kafka.message import Message
from shared.notices import notice
from shared.postgres.database import Session
from shared.postgres.tallies import Tally


async def quarantine_notices(_: Session, tallies: Sequence[Tally]) -> list[Message]:
    """What is told of stores whose bodies went into the quarantine."""
    return [
        notice(
            "ingest",
            tally.account_id,
            OrdersQuarantined(store_id=tally.subject_id, entries=tally.counted, since=tally.since),
            tally.subject_id,
            tally.told_at,
        )
        for tally in tallies
    ]
