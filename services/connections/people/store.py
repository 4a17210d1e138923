"""What is kept of people: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from services.connections.mail.kinds import Language
from services.connections.people.limits import Limit
from services.connections.people.models import (
    LIFETIMES,
    About,
    Colleague,
    MailedLink,
    Membership,
    Person,
    Purpose,
)
from shared.contracts.accounts_changed import Role
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def get_person_by_email(session: Session, email: str) -> Person | None:
    """The person of this address, which is in its normal form."""
    row = await _queries.get_person_by_email.one(session, email=email)
    return row_as(Person, row) if row else None


async def insert_person(
    session: Session, email: str, password_hash: str, language: Language
) -> Person | None:
    """The new person; None when there is one of this address."""
    row = await _queries.insert_person.one(
        session, id=uuid7(), email=email, password_hash=password_hash, language=language
    )
    return row_as(Person, row) if row else None


async def set_password(session: Session, person_id: UUID, password_hash: str) -> None:
    """Replace the password."""
    await _queries.set_password.run(session, id=person_id, password_hash=password_hash)


async def set_first_password(session: Session, person_id: UUID, password_hash: str) -> bool:
    """Whether it was set: not when there is one."""
    changed = await _queries.set_first_password.run(
        session, id=person_id, password_hash=password_hash
    )
    return changed == 1


async def insert_membership(
    session: Session, person_id: UUID, account_id: UUID, role: Role, valid_from: int
) -> None:
    """Let a person work in an account, from that version of it on."""
    await _queries.insert_membership.run(
        session, person_id=person_id, account_id=account_id, role=role, valid_from=valid_from
    )


async def set_valid_from(
    session: Session, person_id: UUID, account_id: UUID, valid_from: int
) -> None:
    """Tokens of before that version of the account are over."""
    await _queries.set_valid_from.run(
        session, person_id=person_id, account_id=account_id, valid_from=valid_from
    )


async def list_memberships(session: Session, person_id: UUID) -> list[Membership]:
    """The accounts that a person works in, the first one first."""
    rows = await _queries.list_memberships.all(session, person_id=person_id)
    return [row_as(Membership, row) for row in rows]


async def get_person(session: Session, person_id: UUID) -> Person | None:
    """The person."""
    row = await _queries.get_person.one(session, id=person_id)
    return row_as(Person, row) if row else None


async def list_colleagues(
    session: Session, account_id: UUID, after: UUID | None, limit: int
) -> list[Colleague]:
    """Who works in an account."""
    rows = await _queries.list_colleagues.all(
        session, account_id=account_id, after=after, limit=limit
    )
    return [row_as(Colleague, row) for row in rows]


async def list_owners(session: Session, account_id: UUID) -> list[Person]:
    """The people who own an account."""
    rows = await _queries.list_owners.all(session, account_id=account_id)
    return [row_as(Person, row) for row in rows]


async def get_role(session: Session, account_id: UUID, person_id: UUID) -> Role | None:
    """What a person may do in an account; None when it does not work there."""
    role: Role | None = await _queries.get_role.value(
        session, account_id=account_id, person_id=person_id
    )
    return role


async def count_owners(session: Session, account_id: UUID) -> int:
    """How many people own the account."""
    return int(await _queries.count_owners.value(session, account_id=account_id))


async def set_role(
    session: Session, account_id: UUID, person_id: UUID, role: Role, valid_from: int
) -> None:
    """Another role, from that version of the account on."""
    await _queries.set_role.run(
        session, account_id=account_id, person_id=person_id, role=role, valid_from=valid_from
    )


async def delete_membership(session: Session, account_id: UUID, person_id: UUID) -> None:
    """The person no longer works in the account."""
    await _queries.delete_membership.run(session, account_id=account_id, person_id=person_id)


async def set_email(session: Session, person_id: UUID, email: str) -> bool:
    """Whether the address is the person's now: not when it is somebody else's."""
    return await _queries.set_email.run(session, id=person_id, email=email) == 1


async def forget_password(session: Session, person_id: UUID) -> None:
    """A mailed link has to set another one."""
    await _queries.forget_password.run(session, id=person_id)


async def insert_mailed_link(
    session: Session, digest: str, purpose: Purpose, email: str, language: Language, about: About
) -> None:
    """Keep a link."""
    await _queries.insert_mailed_link.run(
        session,
        digest=digest,
        purpose=purpose,
        email=email,
        language=language,
        lifetime=LIFETIMES[purpose],
        **asdict(about),
    )


def _link(row: asyncpg.Record) -> MailedLink:
    return row_as(MailedLink, row, about=row_as(About, row))


async def get_mailed_link(session: Session, digest: str, purpose: Purpose) -> MailedLink | None:
    """The link of a token."""
    row = await _queries.get_mailed_link.one(session, digest=digest, purpose=purpose)
    return _link(row) if row else None


async def lock_address(session: Session, email: str) -> None:
    """Wait for whoever follows another link to the address, and hold them off."""
    await _queries.lock_address.value(session, email=email)


async def lock_mailed_link(session: Session, digest: str, purpose: Purpose) -> MailedLink | None:
    """The link of a token, held until the transaction ends."""
    row = await _queries.lock_mailed_link.one(session, digest=digest, purpose=purpose)
    return _link(row) if row else None


async def use_mailed_link(session: Session, digest: str, person_id: UUID) -> None:
    """The link has done its work."""
    await _queries.use_mailed_link.run(session, digest=digest, person_id=person_id)


async def drop_mailed_links(session: Session, email: str, purpose: Purpose) -> None:
    """Unused links to an address die."""
    await _queries.drop_mailed_links.run(session, email=email, purpose=purpose)


async def drop_address_changes(session: Session, person_id: UUID) -> None:
    """Changes of a person's address that wait to be confirmed die."""
    await _queries.drop_address_changes.run(session, person_id=person_id)


async def count_login_attempt(
    session: Session, limits: Sequence[Limit], period: timedelta
) -> int | None:
    """Count a try for each; the seconds to wait when one of them is over its limit."""
    wait: int | None = await _queries.count_login_attempt.value(
        session,
        subjects=[limit.subject for limit in limits],
        most=[limit.most for limit in limits],
        period=period,
    )
    return wait


async def forget_login_attempts(session: Session, limits: Sequence[Limit]) -> None:
    """Take one try back from each; of the narrowest, the last, all."""
    *wide, narrow = (limit.subject for limit in limits)
    await _queries.forget_login_attempts.run(session, wide=wide, narrow=narrow)
