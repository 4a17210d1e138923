"""Links to attachments that need no log-in: sealed, of one file, and over after 30 days. Pure."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.failures import Permanent, Refused
from shared.sealing import Sealer

LINK_DAYS = 30
_CONTEXT = "ticket-file-link"


def token_of(sealer: Sealer, attachment_id: UUID, now: datetime) -> str:
    """What stands in the link; nobody else can make one, and it says nothing of the ticket."""
    ends = int((now + timedelta(days=LINK_DAYS)).timestamp())
    return sealer.seal(f"{attachment_id} {ends}", _CONTEXT)


def attachment_of(sealer: Sealer, token: str, now: datetime) -> UUID:
    """The attachment that a link is of.

    Raises:
        Refused: `link_expired`: it is over, or none of ours.
    """
    try:
        attachment_id, ends = sealer.open(token, _CONTEXT).split(" ")
    except Permanent:
        raise Refused("link_expired") from None
    if datetime.fromtimestamp(int(ends), UTC) <= now:
        raise Refused("link_expired")
    return UUID(attachment_id)
