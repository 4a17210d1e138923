"""Ways for a store to prove itself: API keys (kept as a hash) and platform secrets (sealed)."""

from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.accounts import tokens
from services.connections.callers import Caller
from services.connections.stores import registry, store
from shared.contracts.stores_changed import StoreCredential
from shared.failures import Refused
from shared.postgres.database import Session
from shared.sealing import Sealer

# Two are in use while one replaces the other; every message about the store carries them all.
_MOST_PER_STORE = 20


async def add_credential(
    session: Session,
    store_id: UUID,
    kind: str,
    platform_secret: str | None,
    caller: Caller,
    sealer: Sealer,
) -> tuple[StoreCredential, str | None]:
    """The new credential, and the API key (shown only now).

    Args:
        session: in a transaction.
        store_id: whose.
        kind: one of `platforms.CREDENTIAL_KINDS`.
        platform_secret: what the platform signs webhooks with; None makes an API key.
        caller: who.
        sealer: seals the platform's secret, in the context `store:<store id>`.

    Raises:
        Refused: `not_found`, `brand_only`, `too_many_credentials`.
    """
    of_store = await _lock_changeable(session, store_id, caller.account_id)
    if len(await store.list_all_credentials(session, of_store)) >= _MOST_PER_STORE:
        raise Refused("too_many_credentials", most=_MOST_PER_STORE)
    credential, key = _new_credential(of_store, kind, platform_secret, sealer)
    await store.insert_credential(session, of_store, credential, caller.account_id)
    await registry.announce(session, of_store, caller)
    return credential, key


async def revoke_credential(
    session: Session, store_id: UUID, credential_id: UUID, caller: Caller
) -> None:
    """Revoke a credential; requests that use it are refused as soon as ingest has heard.

    Raises:
        Refused: `not_found`, `brand_only`.
    """
    of_store = await _lock_changeable(session, store_id, caller.account_id)
    good_for = await store.revoke_credential(session, of_store, credential_id, caller.account_id)
    if good_for is None:
        raise Refused("not_found", what="credential")
    await registry.announce(session, good_for, caller)


async def require_valid(
    session: Session, store_id: UUID, credential_id: UUID, caller: Caller
) -> None:
    """Let the caller see once more what it was shown when it made the credential.

    Raises:
        Refused: `not_found`, `brand_only`, `credential_revoked`.
    """
    await _lock_changeable(session, store_id, caller.account_id)
    if not await store.is_valid(session, credential_id):
        raise Refused("credential_revoked")


def _new_credential(
    store_id: UUID, kind: str, platform_secret: str | None, sealer: Sealer
) -> tuple[StoreCredential, str | None]:
    if platform_secret is not None:
        sealed = sealer.seal(platform_secret, f"store:{store_id}")
        return StoreCredential(id=uuid7(), kind=kind, sealed_secret=sealed), None
    key = tokens.new_api_key()
    return StoreCredential(id=uuid7(), kind=kind, digest=tokens.digest(key)), key


async def _lock_changeable(session: Session, store_id: UUID, account_id: UUID) -> UUID:
    """Lock the store, or the one that this is an alias of, for a change of its credentials.

    Raises:
        Refused: `not_found`; `brand_only` for the 3PL once the brand has accepted.
    """
    access = await registry.lock_visible(session, store_id, account_id)
    if not access.may_set_keys:
        raise Refused("brand_only")
    return access.store.id
