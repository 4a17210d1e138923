"""Which people there are, and in which accounts they work."""

from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.people import password_rules, store
from services.connections.people.models import MailedLink, Membership, Person
from shared.contracts.accounts_changed import Role
from shared.failures import Refused
from shared.postgres.database import Session


def require_good(password: str, *known: str) -> None:
    """Let a password pass that is not easy to guess for who knows this of its owner.

    Raises:
        Refused: `validation_failed`, at `/password`.
    """
    flaw = password_rules.flaw_of(password, known)
    if flaw is not None:
        errors = [{"pointer": "/password", "message": f"The password {flaw}"}]
        raise Refused("validation_failed", errors=errors)


async def find(session: Session, email: str) -> Person | None:
    """The person of an address."""
    return await store.get_person_by_email(session, email)


async def ensure(session: Session, link: MailedLink, password_hash: str) -> Person | None:
    """The person that a mailed link just made, or gave its first password.

    None when somebody had a password before: it is to be asked for.
    """
    made = await store.insert_person(session, link.email, password_hash, link.language)
    if made is not None:
        return made
    person = await store.get_person_by_email(session, link.email)
    if person is None or not await store.set_first_password(session, person.id, password_hash):
        return None
    return person


async def join(
    session: Session, person_id: UUID, account_id: UUID, role: Role, traceparent: str
) -> None:
    """The person works in the account from now on."""
    valid_from = await accounts.touch(session, account_id)
    await store.insert_membership(session, person_id, account_id, role, valid_from)
    await accounts.announce(session, account_id, traceparent)


async def revoke_tokens(
    session: Session, person_id: UUID, account_id: UUID, traceparent: str
) -> None:
    """Every token with which the person acts in the account is over."""
    valid_from = await accounts.touch(session, account_id)
    await store.set_valid_from(session, person_id, account_id, valid_from)
    await accounts.announce(session, account_id, traceparent)


async def memberships(session: Session, person_id: UUID) -> list[Membership]:
    """The accounts that a person works in, the first one first."""
    return await store.list_memberships(session, person_id)


async def owners_of(session: Session, account_id: UUID) -> list[Person]:
    """Who is told of what concerns an account."""
    return await store.list_owners(session, account_id)
