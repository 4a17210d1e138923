"""What has come to its end. Pure."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

# From the end of its newest link.
CLAIM_KEPT = timedelta(days=30)
# From when they were made; those that are still good stay.
LINKS_KEPT = timedelta(days=90)
KEYS_KEPT = timedelta(hours=24)
# In one statement: locks are short, and what is left goes with the next one.
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class OverClaim:
    """A claim that nobody accepted in time, or that its 3PL ended; `account_id` is the claim's."""

    connection_id: UUID
    store_id: UUID
    account_id: UUID
    three_pl_id: UUID
