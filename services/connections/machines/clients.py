"""Making, rotating and ending API clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts import tokens
from services.connections.machines import store
from services.connections.machines.models import (
    MOST_CLIENTS,
    MOST_SECRETS,
    ApiClient,
    Authenticated,
)
from shared.failures import Refused
from shared.postgres.database import Session


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret, known only now: we keep its digest."""

    id: UUID
    secret: str


async def create(
    session: Session, account_id: UUID, created_by: UUID, name: str, scopes: Sequence[str],
    traceparent: str,
) -> tuple[ApiClient, NewSecret]:  # fmt: skip
    """A client with its first secret.

    Raises:
        Refused: `too_many`.
    """
    await accounts.lock_account(session, account_id)
    if await store.count_clients(session, account_id) >= MOST_CLIENTS:
        raise Refused("too_many", what="API clients", most=MOST_CLIENTS)
    valid_from = await accounts.touch(session, account_id)
    client = await store.insert_client(session, account_id, name, scopes, valid_from, created_by)
    secret = await _add_secret(session, client.id)
    await accounts.announce(session, account_id, traceparent)
    return client, secret


async def require_valid(session: Session, account_id: UUID, secret_id: UUID) -> None:
    """Let the secret be shown once more.

    Raises:
        Refused: `credential_revoked`.
    """
    if not await store.is_valid_secret(session, account_id, secret_id):
        raise Refused("credential_revoked")


async def add_secret(session: Session, account_id: UUID, client_id: UUID) -> NewSecret:
    """A second secret, to take the place of the first one.

    Raises:
        Refused: `not_found`, `too_many`.
    """
    await _lock(session, account_id, client_id)
    if len(await store.list_secrets(session, [client_id])) >= MOST_SECRETS:
        raise Refused("too_many", what="secrets of one API client", most=MOST_SECRETS)
    return await _add_secret(session, client_id)


async def revoke_secret(
    session: Session, account_id: UUID, client_id: UUID, secret_id: UUID, traceparent: str
) -> None:
    """No more tokens by it, and the client's tokens that are out are refused within a second.

    Raises:
        Refused: `not_found`.
    """
    await accounts.lock_account(session, account_id)
    await _lock(session, account_id, client_id)
    if not await store.revoke_secret(session, client_id, secret_id):
        raise Refused("not_found", what="secret")
    valid_from = await accounts.touch(session, account_id)
    await store.revoke_tokens(session, client_id, valid_from)
    await accounts.announce(session, account_id, traceparent)


async def end(session: Session, account_id: UUID, client_id: UUID, traceparent: str) -> None:
    """The client and its tokens are over.

    Raises:
        Refused: `not_found`.
    """
    await accounts.lock_account(session, account_id)
    await _lock(session, account_id, client_id)
    await store.end_client(session, client_id)
    await accounts.announce(session, account_id, traceparent)


async def authenticate(session: Session, client_id: UUID, secret: str) -> Authenticated | None:
    """The client of a secret; None when they do not go together."""
    return await store.get_authenticated(session, client_id, tokens.digest(secret))


async def _lock(session: Session, account_id: UUID, client_id: UUID) -> None:
    if await store.lock_client(session, client_id, account_id) is None:
        raise Refused("not_found", what="API client")


async def _add_secret(session: Session, client_id: UUID) -> NewSecret:
    secret = tokens.new_client_secret()
    return NewSecret(await store.insert_secret(session, client_id, tokens.digest(secret)), secret)
