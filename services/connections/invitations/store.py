"""What is kept of invitations: one function per named query, each given a session."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.invitations.models import Invitation
from services.connections.mail.kinds import Language
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class InvitedStore:
    """The store that an invitation is about, and whose it is."""

    domain: str
    platform: str
    brand_name: str


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Whom a brand invites, to which of its stores, and in which words."""

    brand_id: UUID
    store_id: UUID
    email: str
    own_words: str
    language: Language
    created_by: UUID


async def insert_invitation(session: Session, new: NewInvitation) -> Invitation:
    """The new invitation."""
    (row,) = await _queries.insert_invitation.all(
        session,
        id=uuid7(),
        brand_id=new.brand_id,
        store_id=new.store_id,
        email=new.email,
        own_words=new.own_words,
        language=new.language,
        created_by=new.created_by,
    )
    return row_as(Invitation, row)


async def count_recent(session: Session, brand_id: UUID, period: timedelta) -> int:
    """How many mails of invitations a brand caused within `period`."""
    return int(await _queries.count_recent.value(session, brand_id=brand_id, period=period))


async def list_invitations(
    session: Session, brand_id: UUID, after: UUID | None, limit: int
) -> list[Invitation]:
    """Those of a brand, newest first."""
    rows = await _queries.list_invitations.all(session, brand_id=brand_id, after=after, limit=limit)
    return [row_as(Invitation, row) for row in rows]


async def get_invitation(session: Session, invitation_id: UUID) -> Invitation | None:
    """The invitation of a mailed link."""
    row = await _queries.get_invitation.one(session, id=invitation_id)
    return row_as(Invitation, row) if row else None


async def lock_invitation(
    session: Session, invitation_id: UUID, brand_id: UUID
) -> Invitation | None:
    """One of the brand's, held until the transaction ends."""
    row = await _queries.lock_invitation.one(session, id=invitation_id, brand_id=brand_id)
    return row_as(Invitation, row) if row else None


async def lock_mailed_invitation(session: Session, invitation_id: UUID) -> Invitation | None:
    """The invitation of a mailed link, held until the transaction ends."""
    row = await _queries.lock_mailed_invitation.one(session, id=invitation_id)
    return row_as(Invitation, row) if row else None


async def mail_again(session: Session, invitation_id: UUID) -> None:
    """The links of before die; its time begins again."""
    await _queries.drop_links.run(session, id=invitation_id)
    await _queries.mail_again.run(session, id=invitation_id)


async def withdraw(session: Session, invitation_id: UUID) -> None:
    """It is over, and so are its links."""
    await _queries.drop_links.run(session, id=invitation_id)
    await _queries.withdraw.run(session, id=invitation_id)


async def accept(
    session: Session, invitation_id: UUID, account_id: UUID, connection_id: UUID
) -> None:
    """That account took it up."""
    await _queries.accept.run(
        session, id=invitation_id, account_id=account_id, connection_id=connection_id
    )


async def get_store(session: Session, store_id: UUID) -> InvitedStore:
    """The store that an invitation is about.

    Raises:
        LookupError: there is none.
    """
    row = await _queries.get_store_name.one(session, store_id=store_id)
    if row is None:
        raise LookupError(f"there is no store {store_id}")
    return row_as(InvitedStore, row)


async def has_opted_out(session: Session, recipient: bytes, account_id: UUID) -> bool:
    """Whether an address wants no more mails that this account causes."""
    return bool(
        await _queries.has_opted_out.value(session, recipient=recipient, account_id=account_id)
    )
