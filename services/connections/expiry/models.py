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
class ExpiredClaim:
    """A pending connection that nobody accepted in time; `account_id` is the claim's."""

    connection_id: UUID
    store_id: UUID
    account_id: UUID
    three_pl_id: UUID
