"""Ways for a store to prove itself: API keys (kept as a hash) and platform secrets (sealed)."""

from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections import publish, store, tokens
from services.connections.changes import Caller
from services.connections.store import Store
from shared.contracts.stores_changed import StoreCredential
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.sealing import Sealer

Kind = Literal["api_key", "shopify"]
# Two are in use while one replaces the other; every message about the store carries them all.
_MOST_PER_STORE = 20


async def visible(session: Session, store_id: UUID, account_id: UUID) -> Store:
    """The store, for its brand and the 3PLs that are connected to it.

    Raises:
        Refused: 404 for everybody else.
    """
    access = await store.store_access(session, store_id, account_id)
    found = await store.store_by_id(session, store_id)
    if found is None or access is None or not (access.is_brand or access.is_three_pl):
        raise Refused("not_found", what="store")
    return found


async def _changeable(session: Session, store_id: UUID, account_id: UUID) -> None:
    """Lock the store for a change of its credentials.

    Raises:
        Refused: 404; 403 `brand_only` for the 3PL once the brand has logged in.
    """
    await visible(session, store_id, account_id)
    await store.lock_store(session, store_id)
    access = await store.store_access(session, store_id, account_id)
    if access is None or not (access.is_brand or not access.brand_logged_in):
        raise Refused("brand_only")


async def create(
    session: Session,
    store_id: UUID,
    kind: Kind,
    platform_secret: str | None,
    caller: Caller,
    sealer: Sealer,
) -> tuple[StoreCredential, str | None]:
    """The new credential, and the API key (shown only now).

    Args:
        session: in a transaction.
        store_id: whose.
        kind: `api_key` makes a key, `shopify` keeps `platform_secret`.
        platform_secret: the platform app's client secret.
        caller: who.
        sealer: seals the platform's secret, in the context `store:<store id>`.

    Raises:
        Refused: 404, 403 `brand_only`, 409 `too_many_credentials`.
    """
    await _changeable(session, store_id, caller.account_id)
    if len(await store.credentials(session, store_id)) >= _MOST_PER_STORE:
        raise Refused("too_many_credentials", most=_MOST_PER_STORE)
    key = tokens.new_api_key() if platform_secret is None else None
    credential = StoreCredential(
        id=uuid7(),
        kind=kind,
        digest=tokens.digest(key) if key else None,
        sealed_secret=sealer.seal(platform_secret, f"store:{store_id}")
        if platform_secret is not None
        else None,
    )
    await store.insert_credential(session, store_id, credential, caller.account_id)
    await _announce(session, store_id, caller)
    return credential, key


async def revoke(session: Session, store_id: UUID, credential_id: UUID, caller: Caller) -> None:
    """Revoke a credential; requests that use it are refused as soon as ingest has heard.

    Raises:
        Refused: 404, 403 `brand_only`.
    """
    await _changeable(session, store_id, caller.account_id)
    if not await store.revoke_credential(session, store_id, credential_id, caller.account_id):
        raise Refused("not_found", what="credential")
    await _announce(session, store_id, caller)


async def _announce(session: Session, store_id: UUID, caller: Caller) -> None:
    touched = await store.touch_store(session, store_id)
    valid = [listed.credential for listed in await store.credentials(session, store_id)]
    await outbox.write(session, [publish.store_changed(touched, valid, caller.traceparent)])
