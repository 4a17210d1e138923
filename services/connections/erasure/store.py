"""What is erased of an account: functions over named queries, each given a session."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from services.connections.accounts.models import Account
from services.connections.erasure.models import MOST_NAMED, Erased, Scope
from shared.egress.sealed_url import SealedUrl
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def get_erased(session: Session, account_id: UUID) -> Erased | None:
    """The account if it was erased.

    Raises:
        LookupError: there is no such account.
    """
    row = await _queries.get_erased.one(session, id=account_id)
    if row is None:
        raise LookupError(f"there is no account {account_id}")
    return row_as(Erased, row) if row["erased_at"] else None


async def list_followers(session: Session, account_id: UUID) -> set[str]:
    """Addresses of who may be about to change the account by a mailed link."""
    rows = await _queries.list_followers.all(session, account_id=account_id)
    return {row["email"] for row in rows}


async def hold_addresses(session: Session, addresses: Collection[str]) -> None:
    """Wait for whoever follows a link to one of the addresses, and hold them off."""
    await _queries.hold_addresses.all(session, addresses=list(addresses))


async def lock_stores(session: Session, account_id: UUID) -> None:
    """Lock the brand's stores, and those that a 3PL has a connection to, to the end."""
    await _queries.lock_stores.all(session, account_id=account_id)


async def lock_accounts(session: Session, account_id: UUID) -> list[UUID]:
    """The account with its claims, locked to the end of the transaction."""
    rows = await _queries.lock_accounts.all(session, account_id=account_id)
    return [row["id"] for row in rows]


async def list_live(session: Session, account_id: UUID) -> list[UUID]:
    """Some of its connections that have been accepted and are not over."""
    rows = await _queries.list_live.all(session, account_id=account_id, limit=MOST_NAMED)
    return [row["id"] for row in rows]


async def list_pending(session: Session, account_id: UUID) -> list[UUID]:
    """Its connections that nobody has accepted yet."""
    rows = await _queries.list_pending.all(session, account_id=account_id)
    return [row["id"] for row in rows]


async def list_connections(session: Session, accounts: Sequence[UUID]) -> list[UUID]:
    """The connections that one of the accounts is or was a party of."""
    rows = await _queries.list_connections.all(session, accounts=accounts)
    return [row["id"] for row in rows]


async def scope_of(session: Session, accounts: Sequence[UUID]) -> Scope:
    """The accounts with the people who work nowhere else, and the addresses of those."""
    rows = await _queries.list_people.all(session, accounts=accounts)
    people = [row["person_id"] for row in rows]
    addresses = await _queries.list_addresses.all(session, people=people)
    return Scope(accounts, people, [row["email"] for row in addresses])


async def end_correspondence(session: Session, scope: Scope) -> None:
    """Forms, links, invitations, mails, notices; who follows a link is told that it is over."""
    accounts, people, addresses = scope.accounts, scope.people, scope.addresses
    await _queries.delete_profiles.run(session, accounts=accounts)
    await _queries.end_waiting_mails.run(session, accounts=accounts)
    await _queries.end_mailed_links.run(
        session, accounts=accounts, people=people, addresses=addresses
    )
    await _queries.end_login_links.run(session, accounts=accounts)
    await _queries.end_invitations.run(session, accounts=accounts, addresses=addresses)
    await _queries.delete_mails.run(session, addresses=addresses)
    await _queries.delete_opt_outs.run(session, accounts=accounts)
    await _queries.delete_notice_turns.run(session, accounts=accounts)
    await _queries.delete_notices.run(session, accounts=accounts)


async def end_access(session: Session, scope: Scope) -> None:
    """Memberships, people, sessions, machines and kept answers."""
    accounts, people = scope.accounts, scope.people
    await _queries.delete_memberships.run(session, accounts=accounts)
    await _queries.delete_sessions.run(session, accounts=accounts, people=people)
    await _queries.erase_people.run(session, people=people)
    await _queries.delete_clients.run(session, accounts=accounts)
    await _queries.delete_answers.run(session, accounts=accounts)
    await _queries.delete_blocks.run(session, accounts=accounts)


async def erase_stores(session: Session, accounts: Sequence[UUID], by: UUID) -> list[UUID]:
    """Their stores, without domain, keys, proof and payment methods; the caller announces them."""
    await _queries.revoke_credentials.run(session, accounts=accounts, by=by)
    await _queries.delete_challenges.run(session, accounts=accounts)
    rows = await _queries.erase_stores.all(session, accounts=accounts)
    return [row["id"] for row in rows]


async def list_endpoints(session: Session, account_id: UUID) -> dict[UUID, UUID]:
    """The connection of each webhook endpoint that a 3PL ever had."""
    rows = await _queries.list_endpoints.all(session, account_id=account_id)
    return {row["id"]: row["connection_id"] for row in rows}


async def erase_endpoints(session: Session, urls: Mapping[UUID, SealedUrl]) -> None:
    """Other URLs in place of theirs, and no secrets; the caller announces the connections."""
    await _queries.erase_endpoints.run(
        session,
        ids=list(urls),
        sealed_urls=[url.sealed for url in urls.values()],
        masked_urls=[url.masked for url in urls.values()],
    )


async def erase_accounts(session: Session, accounts: Sequence[UUID]) -> list[Account]:
    """The accounts at their last version."""
    rows = await _queries.erase_accounts.all(session, accounts=accounts)
    return [row_as(Account, row) for row in rows]
