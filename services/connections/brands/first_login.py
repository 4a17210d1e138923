"""The brand's first login: its password is set, and its connection can be switched on."""

from collections.abc import Collection
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts import tokens
from services.connections.accounts.models import Account
from services.connections.accounts.passwords import Passwords
from services.connections.brands import login_links, store
from services.connections.brands.models import LoginLink
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.stores import claims
from services.connections.stores import registry as stores
from shared.failures import Refused
from shared.postgres.database import Database, Session


async def redeem(
    database: Database,
    passwords: Passwords,
    token: str,
    password: str,
    adopted: Collection[UUID],
    traceparent: str,
) -> Account:
    """The brand account that the link lets in; its connection can be switched on from now.

    The first login sets the password. Of the keys that the 3PL made, `adopted` are the brand's own
    from then on, the others die. Passwords are hashed outside of any transaction.

    Raises:
        Refused: `not_found` for an unknown link or an adopted key that is none,
            `login_link_expired`, `wrong_password`, `busy`.
    """
    token_digest = tokens.digest(token)
    while True:
        async with database.session() as session:
            link = login_links.require_usable(await store.get_login_link(session, token_digest))
        password_hash = await _prove(passwords, link, password)
        async with database.transaction() as session:
            account = await _let_in(session, token_digest, password_hash, adopted, traceparent)
        if account is not None:
            return account
        # Somebody set the password since we looked: compare with that one.


async def _prove(passwords: Passwords, link: LoginLink, password: str) -> str | None:
    """The hash to set at a first login; None when the password is the account's already."""
    if link.password_hash is None:
        return await passwords.hash(password)
    if not await passwords.verify(link.password_hash, password):
        raise Refused("wrong_password")
    return None


async def _let_in(
    session: Session,
    token_digest: str,
    password_hash: str | None,
    adopted: Collection[UUID],
    traceparent: str,
) -> Account | None:
    """Set the password and accept the connection; None when the password is set meanwhile."""
    link = login_links.require_usable(await store.get_login_link(session, token_digest))
    await stores.lock_store(session, link.store_id)
    # Read again: who held the lock may have redeemed or replaced this very link.
    link = login_links.require_usable(await store.get_login_link(session, token_digest))
    if password_hash is not None and not await accounts.set_first_password(
        session, link.brand_id, password_hash
    ):
        return None
    if not link.is_redeemed:
        if not await store.redeem_login_link(session, token_digest):
            # Its time ended while we waited for the lock.
            raise Refused("login_link_expired")
        caller = Caller(link.brand_id, None, traceparent)
        await transitions.accept(session, link.connection_id, caller)
        await claims.accept_keys(session, link.store_id, adopted, caller)
    return await accounts.get_account(session, link.brand_id)
