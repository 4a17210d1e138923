"""Proving a store: a challenge, and an answer from the domain that holds it."""

from collections.abc import Awaitable, Callable
from functools import partial
from uuid import UUID

from services.connections.accounts import tokens
from services.connections.callers import Caller
from services.connections.mail.outgoing import Outgoing
from services.connections.people.guessing import Guessing
from services.connections.proofs import admin_api, limits, rivals, store
from services.connections.proofs.looking import Looker, Seen
from services.connections.proofs.models import Challenge, Proof, Way
from services.connections.stores import registry
from services.connections.stores.models import Store
from shared.failures import Refused
from shared.postgres.database import Database, Session


async def challenge(session: Session, store_id: UUID, caller: Caller) -> tuple[Store, Challenge]:
    """What the domain has to show; the same one again while it is valid.

    Raises:
        Refused: `not_found`, `brand_only`.
    """
    found = await _own_store(session, store_id, caller)
    fresh = tokens.new_challenge()
    return found, await store.ensure_challenge(session, found.id, caller.account_id, fresh)


async def check(
    database: Database,
    looker: Looker,
    guessing: Guessing,
    outgoing: Outgoing,
    store_id: UUID,
    way: Way,
    key: admin_api.Key,
    caller: Caller,
) -> Proof:
    """Look at the domain, outside of any transaction; its answer proves the store.

    `key` is for the way `admin_api`, which needs no challenge.

    Raises:
        Refused: `not_found` for the store or a challenge that is over; `brand_only`,
            `too_many_attempts`, `validation_failed` for the key, `proof_not_found` (with what was
            `seen`).
    """
    async with database.reading() as session:
        found = await _own_store(session, store_id, caller)
        asked = await store.get_challenge(session, found.id, caller.account_id)
    look: Callable[[], Awaitable[Seen]]
    if way == "admin_api":
        look = partial(looker.ask, admin_api.question(found.platform, key), found.domain)
    elif asked is None:
        raise Refused("not_found", what="challenge")
    else:
        look = partial(looker.look, way, found.domain, asked.token)
    # A look that cannot begin is not counted.
    looker.require_turn()
    await guessing.count_for(limits.limits_of(found.id, caller.account_id), limits.PERIOD)
    seen = await look()
    if not seen.is_proof:
        raise Refused("proof_not_found", way=way, seen=seen.what)
    async with database.transaction() as session:
        return await _prove(session, outgoing, found, way, caller)


async def _prove(
    session: Session, outgoing: Outgoing, seen: Store, way: Way, caller: Caller
) -> Proof:
    """The newest answer of the domain counts: what another account had proven is so no longer."""
    await registry.lock_shop(session, seen.platform, seen.domain)
    access = await registry.lock_visible(session, seen.id, caller.account_id)
    if not access.is_brand:
        raise Refused("brand_only")
    before = await store.get_proof(session, access.store.id, caller.account_id)
    if before is not None:
        return before
    lost = await store.end_other_proofs(session, access.store)
    proof = await store.prove(session, access.store.id, caller.account_id, way)
    await store.insert_audit_entries(session, access.store.id, lost, way, caller)
    await rivals.tell_proven(session, outgoing, access.store, lost)
    return proof


async def _own_store(session: Session, store_id: UUID, caller: Caller) -> Store:
    access = await registry.visible_store(session, store_id, caller.account_id)
    if not (access.is_brand and access.has_people):
        raise Refused("brand_only")
    return access.store
