"""What is kept of brands' endpoints: one function per named query, each given a session."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from services.webhooks.store import EndpointState
from shared.egress.sealed_url import SealedUrl
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a brand wants to be told: `store_ids` is None for all of its stores."""

    event_types: Sequence[str]
    store_ids: Sequence[UUID] | None
    description: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed; None leaves it, but for what may be None and says so itself."""

    url: SealedUrl | None
    event_types: Sequence[str] | None
    sets_stores: bool
    store_ids: Sequence[UUID] | None
    sets_description: bool
    description: str | None


@dataclass(frozen=True, slots=True)
class Locked:
    """An endpoint that nobody else changes meanwhile; secrets sealed, newest first."""

    id: UUID
    version: int
    follows_connection: bool
    sealed_secrets: Sequence[str] = field(repr=False)


async def lock_endpoints_of_brand(session: Session, account: UUID) -> int:
    """Let nobody else make endpoints of the brand until the transaction ends; how many it has."""
    await _queries.lock_endpoints_of_brand.run(session, account=account)
    count: int = await _queries.count_endpoints.value(session, account=account)
    return count


async def insert_endpoint(
    session: Session,
    account: UUID,
    endpoint_id: UUID,
    url: SealedUrl,
    sealed_secret: str,
    wanted: Wanted,
) -> EndpointState | None:
    """A new endpoint; None when the brand was erased."""
    row = await _queries.insert_endpoint.one(
        session,
        account=account,
        endpoint_id=endpoint_id,
        sealed_url=url.sealed,
        masked_url=url.masked,
        sealed_secret=sealed_secret,
        event_types=wanted.event_types,
        store_ids=wanted.store_ids,
        description=wanted.description,
    )
    return row_as(EndpointState, row) if row else None


async def lock_endpoint(session: Session, account: UUID, endpoint_id: UUID) -> Locked | None:
    """One endpoint of the account, a 3PL's or a brand's, until the transaction ends."""
    row = await _queries.lock_endpoint.one(session, account=account, endpoint_id=endpoint_id)
    return row_as(Locked, row) if row else None


async def update_endpoint(
    session: Session, account: UUID, endpoint_id: UUID, changes: Changes
) -> EndpointState:
    """Change an endpoint that is locked."""
    row = await _queries.update_endpoint.one(
        session,
        account=account,
        endpoint_id=endpoint_id,
        sealed_url=changes.url.sealed if changes.url else None,
        masked_url=changes.url.masked if changes.url else None,
        event_types=changes.event_types,
        sets_stores=changes.sets_stores,
        store_ids=changes.store_ids,
        sets_description=changes.sets_description,
        description=changes.description,
    )
    if row is None:
        raise LookupError("the endpoint was locked, and is not there")
    return row_as(EndpointState, row)


async def set_secrets(
    session: Session,
    account: UUID,
    endpoint_id: UUID,
    sealed_secrets: Sequence[str],
    overlap_seconds: float,
) -> int:
    """Other secrets, the newest first; the second signs too for so long. The new version."""
    version: int = await _queries.set_secrets.value(
        session,
        account=account,
        endpoint_id=endpoint_id,
        sealed_secrets=sealed_secrets,
        overlap_seconds=overlap_seconds,
    )
    return version


async def delete_endpoint(session: Session, account: UUID, endpoint_id: UUID) -> None:
    """Forget its URL and secrets."""
    await _queries.delete_endpoint.run(session, account=account, endpoint_id=endpoint_id)


async def sweep_idempotency_keys(session: Session, limit: int) -> int:
    """Forget answers that are not repeated any more; how many."""
    return await _queries.sweep_idempotency_keys.run(session, limit=limit)
