"""What is kept of proofs: one function per named query, each given a session."""

from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.callers import Caller
from services.connections.proofs.models import LIFETIME, Challenge, Claimant, Proof, Way
from services.connections.stores.models import Store
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def list_claimants(
    session: Session, store_id: UUID, platform: str, domain: str
) -> list[Claimant]:
    """The owners of the accounts that have this shop, those of `store_id` first."""
    rows = await _queries.list_claimants.all(
        session, store_id=store_id, platform=platform, domain=domain
    )
    return [row_as(Claimant, row) for row in rows]


async def ensure_challenge(
    session: Session, store_id: UUID, account_id: UUID, token: str
) -> Challenge:
    """The challenge of a store and its account: the one that is valid, else one of this token."""
    (row,) = await _queries.ensure_challenge.all(
        session, store_id=store_id, account_id=account_id, token=token, lifetime=LIFETIME
    )
    return row_as(Challenge, row)


async def get_challenge(session: Session, store_id: UUID, account_id: UUID) -> Challenge | None:
    """The challenge that is valid now."""
    row = await _queries.get_challenge.one(session, store_id=store_id, account_id=account_id)
    return row_as(Challenge, row) if row else None


async def get_proof(session: Session, store_id: UUID, account_id: UUID) -> Proof | None:
    """How an account's store is proven."""
    row = await _queries.get_proof.one(session, store_id=store_id, account_id=account_id)
    return row_as(Proof, row) if row else None


async def end_other_proofs(session: Session, of_store: Store) -> list[UUID]:
    """The other stores of this shop that were proven until now."""
    rows = await _queries.end_other_proofs.all(
        session, store_id=of_store.id, platform=of_store.platform, domain=of_store.domain
    )
    return [row["id"] for row in rows]


async def prove(session: Session, store_id: UUID, account_id: UUID, way: Way) -> Proof:
    """The account's store is proven from now on; no other of this shop is."""
    (row,) = await _queries.prove.all(session, store_id=store_id, account_id=account_id, way=way)
    return row_as(Proof, row)


async def insert_audit_entries(
    session: Session, store_id: UUID, lost: Collection[UUID], way: Way, caller: Caller
) -> None:
    """Write down who has proven a store, and which ones are proven no longer by it."""
    stores = [store_id, *lost]
    await _queries.insert_audit_entries.run(
        session,
        ids=[uuid7() for _ in stores],
        store_ids=stores,
        actions=["proven", *("proof_lost" for _ in lost)],
        account_id=caller.account_id,
        actor_id=caller.actor_id,
        way=way,
    )
