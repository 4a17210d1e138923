"""What is read and kept when a client accepts: one function per named query."""

from pathlib import Path
from uuid import UUID

from services.connections.acceptance.models import ClaimedKey
from services.connections.connection.models import Connection
from services.connections.people.models import About
from shared.contracts.connections_changed import ConnectionState
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def get_connection(session: Session, connection_id: UUID) -> Connection | None:
    """The connection of a link that somebody has."""
    row = await _queries.get_connection.one(session, id=connection_id)
    return row_as(Connection, row, state=ConnectionState(row["state"])) if row else None


async def list_claimed_keys(
    session: Session, store_id: UUID, three_pl_id: UUID
) -> list[ClaimedKey]:
    """What a 3PL made for its client's store and is valid now."""
    rows = await _queries.list_claimed_keys.all(session, store_id=store_id, three_pl_id=three_pl_id)
    return [row_as(ClaimedKey, row) for row in rows]


async def has_opted_out(session: Session, recipient: bytes, account_id: UUID) -> bool:
    """Whether an address wants no more mails that this account causes."""
    return bool(
        await _queries.has_opted_out.value(session, recipient=recipient, account_id=account_id)
    )


async def opt_out(session: Session, recipient: bytes, about: About) -> None:
    """No more mails to this address that the 3PL of the connection, or who invited, causes."""
    await _queries.opt_out.run(
        session,
        recipient=recipient,
        connection_id=about.connection_id,
        invitation_id=about.invitation_id,
    )
