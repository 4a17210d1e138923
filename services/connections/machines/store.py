"""What is kept of API clients: one function per named query, each given a session."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.machines.models import ApiClient, Authenticated, Secret
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_client(
    session: Session,
    account_id: UUID,
    name: str,
    scopes: Sequence[str],
    valid_from: int,
    created_by: UUID,
) -> ApiClient:
    """The new client, which has no secret yet."""
    (row,) = await _queries.insert_client.all(
        session,
        id=uuid7(),
        account_id=account_id,
        name=name,
        scopes=list(scopes),
        valid_from=valid_from,
        created_by=created_by,
    )
    return row_as(ApiClient, row)


async def list_clients(
    session: Session, account_id: UUID, after: UUID | None, limit: int
) -> list[ApiClient]:
    """Those of an account, newest first."""
    rows = await _queries.list_clients.all(session, account_id=account_id, after=after, limit=limit)
    return [row_as(ApiClient, row) for row in rows]


async def count_clients(session: Session, account_id: UUID) -> int:
    """How many an account has."""
    return int(await _queries.count_clients.value(session, account_id=account_id))


async def lock_client(session: Session, client_id: UUID, account_id: UUID) -> ApiClient | None:
    """One of the account's, held until the transaction ends."""
    row = await _queries.lock_client.one(session, id=client_id, account_id=account_id)
    return row_as(ApiClient, row) if row else None


async def list_secrets(session: Session, clients: Sequence[UUID]) -> list[Secret]:
    """The secrets of these clients that are valid now, oldest first."""
    rows = await _queries.list_secrets.all(session, clients=list(clients))
    return [row_as(Secret, row) for row in rows]


async def is_valid_secret(session: Session, account_id: UUID, secret_id: UUID) -> bool:
    """Whether a secret of one of the account's clients is good."""
    return bool(await _queries.is_valid_secret.value(session, id=secret_id, account_id=account_id))


async def insert_secret(session: Session, client_id: UUID, digest: str) -> UUID:
    """The id of a new secret."""
    secret_id: UUID = uuid7()
    await _queries.insert_secret.run(session, id=secret_id, client_id=client_id, digest=digest)
    return secret_id


async def revoke_secret(session: Session, client_id: UUID, secret_id: UUID) -> bool:
    """Whether it was valid until now."""
    return await _queries.revoke_secret.run(session, id=secret_id, client_id=client_id) == 1


async def revoke_tokens(session: Session, client_id: UUID, valid_from: int) -> None:
    """Tokens of before that version of the account are over."""
    await _queries.revoke_tokens.run(session, id=client_id, valid_from=valid_from)


async def end_client(session: Session, client_id: UUID) -> None:
    """There is no such client any more."""
    await _queries.end_client.run(session, id=client_id)


async def get_authenticated(session: Session, client_id: UUID, digest: str) -> Authenticated | None:
    """The client that has this secret."""
    row = await _queries.get_authenticated.one(session, id=client_id, digest=digest)
    return row_as(Authenticated, row) if row else None
