"""Adding a brand and its first login: from the form to a connection that can be switched on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.connections import changes, lifecycle, publish, store, tokens
from services.connections.changes import Caller
from services.connections.passwords import Passwords
from services.connections.store import Account, BrandProfile, LinkedConnection, LoginLink, Store
from shared.contracts.connections_changed import ConnectionState
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Database, Session


@dataclass(frozen=True, slots=True)
class BrandForm:
    """What a 3PL fills in to add a brand; `domain` is normalised."""

    contact_name: str
    contact_email: str
    company_name: str
    platform: str
    domain: str
    warehouse: str | None
    monthly_order_range: str | None
    priorities: Sequence[str]


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A login link; the token is known only now, we keep its digest."""

    token: str
    expires_at: datetime


async def require_three_pl(session: Session, account_id: UUID) -> Account:
    """The 3PL account that may add brands.

    Raises:
        Refused: 403 `three_pl_only`, 402 `plan_required`.
    """
    account = await store.account_by_id(session, account_id)
    if account is None or account.kind != "three_pl":
        raise Refused("three_pl_only")
    if not lifecycle.may_hold_connections(account.plan):
        raise changes.plan_required()
    return account


async def add_brand(
    session: Session, form: BrandForm, caller: Caller, link_lifetime: timedelta
) -> tuple[LinkedConnection, IssuedLink]:
    """The brand (made or found), its store, a pending connection and a login link.

    Raises:
        Refused: 403, 402 `plan_required`, 409 `email_taken`, `store_taken`, `already_connected`.
    """
    await require_three_pl(session, caller.account_id)
    brand = await _brand_of(session, form)
    shop = await _store_of(session, brand, form, caller)
    connection_id = await store.insert_connection(session, shop, caller.account_id)
    if connection_id is None:
        live = await store.live_connection(session, caller.account_id, shop.id)
        raise Refused("already_connected", connection_id=str(live))
    await store.insert_settings_version(
        session,
        connection_id,
        1,
        owners={
            "shipping_rules_owner": "brand",
            "billing_owner": "brand",
            "support_owner": "brand",
        },
        endpoint_id=None,
        created_by=caller.account_id,
    )
    await store.upsert_brand_profile(session, _profile(form, caller.account_id, brand.id))
    link = await _issue_link(session, connection_id, link_lifetime)
    await store.insert_audit(
        session,
        connection_id,
        account_id=caller.account_id,
        actor_id=caller.actor_id,
        action="created",
        before={},
        after={"state": ConnectionState.PENDING, "epoch": 0},
    )
    return await changes.announce(session, connection_id, caller), link


def _profile(form: BrandForm, three_pl_id: UUID, brand_id: UUID) -> BrandProfile:
    return BrandProfile(
        three_pl_id=three_pl_id,
        brand_id=brand_id,
        contact_name=form.contact_name,
        contact_email=form.contact_email,
        company_name=form.company_name,
        warehouse=form.warehouse,
        monthly_order_range=form.monthly_order_range,
        priorities=list(form.priorities),
    )


async def _brand_of(session: Session, form: BrandForm) -> Account:
    """The brand account of the contact's e-mail, made when there is none."""
    brand = await store.insert_account(
        session, "brand", form.company_name, form.contact_email, None
    ) or await store.account_by_email(session, form.contact_email)
    if brand is None or brand.kind != "brand":
        raise Refused("email_taken")
    return brand


async def _store_of(session: Session, brand: Account, form: BrandForm, caller: Caller) -> Store:
    """The brand's store at the domain, made when there is none."""
    made = await store.insert_store(session, brand.id, form.platform, form.domain)
    if made is not None:
        await outbox.write(session, [publish.store_changed(made, [], caller.traceparent)])
        return made
    found = await store.store_by_domain(session, form.platform, form.domain)
    if found is None or found.brand_id != brand.id:
        raise Refused("store_taken")
    return found


async def _issue_link(session: Session, connection_id: UUID, lifetime: timedelta) -> IssuedLink:
    token = tokens.new_link_token()
    expires_at = datetime.now(UTC) + lifetime
    await store.insert_login_link(session, connection_id, tokens.digest(token), expires_at)
    return IssuedLink(token, expires_at)


async def reissue_link(
    session: Session,
    brand_id: UUID,
    store_id: UUID | None,
    caller: Caller,
    lifetime: timedelta,
) -> IssuedLink:
    """A new link for the newest pending connection with the brand; the old one dies.

    Raises:
        Refused: 404 for a brand of another 3PL; 409 `nothing_pending`.
    """
    if await store.brand_profile(session, caller.account_id, brand_id) is None:
        raise Refused("not_found", what="brand")
    pending = await store.newest_pending(session, caller.account_id, brand_id, store_id)
    if pending is not None:
        # A redeem of the old link either is done before this lock, or finds the link replaced.
        connection_id, pending_store_id = pending
        await store.lock_store(session, pending_store_id)
        connection = await store.connection_by_id(session, connection_id)
        if connection is not None and connection.state is ConnectionState.PENDING:
            return await _issue_link(session, connection_id, lifetime)
    raise Refused("nothing_pending")


# --- the brand's first login ----------------------------------------------------------------


async def redeem(
    database: Database, passwords: Passwords, token: str, password: str, traceparent: str
) -> Account:
    """The brand account that the link lets in; its connection can be switched on from now.

    The first login sets the password. Passwords are hashed outside of any transaction.

    Raises:
        Refused: 404 unknown link, 410 `login_link_expired`, 403 `wrong_password`.
    """
    token_digest = tokens.digest(token)
    while True:
        async with database.session() as session:
            link = await store.login_link(session, token_digest)
        _check_usable(link)
        password_hash = await _prove(passwords, link, password)
        async with database.transaction() as session:
            account = await _let_in(session, token_digest, password_hash, traceparent)
        if account is not None:
            return account
        # Somebody set the password since we looked: compare with that one.


def _gone() -> Refused:
    return Refused("login_link_expired")


def _check_usable(link: LoginLink | None) -> LoginLink:
    if link is None:
        raise Refused("not_found", what="login link")
    is_dead = not link.is_redeemed and link.state is not ConnectionState.PENDING
    if link.is_over or is_dead:
        raise _gone()
    return link


async def _prove(passwords: Passwords, link: LoginLink | None, password: str) -> str | None:
    """The hash to set at a first login; None when the password is the account's already."""
    current = link.password_hash if link else None
    if current is None:
        return await passwords.hash(password)
    if not await passwords.verify(current, password):
        raise Refused("wrong_password")
    return None


async def _let_in(
    session: Session, token_digest: str, password_hash: str | None, traceparent: str
) -> Account | None:
    """Set the password and accept the connection; None when the password is set meanwhile."""
    link = _check_usable(await store.login_link(session, token_digest))
    await store.lock_store(session, link.store_id)
    # Read again: who held the lock may have redeemed or replaced this very link.
    link = _check_usable(await store.login_link(session, token_digest))
    if password_hash is not None and not await store.set_first_password(
        session, link.brand_id, password_hash
    ):
        return None
    if not link.is_redeemed:
        await _accept(session, link, token_digest, traceparent)
    return await store.account_by_id(session, link.brand_id)


async def _accept(session: Session, link: LoginLink, token_digest: str, traceparent: str) -> None:
    if not await store.redeem_login_link(session, token_digest):
        raise _gone()
    connection = await store.connection_by_id(session, link.connection_id)
    if connection is None:
        raise Refused("not_found", what="login link")
    caller = Caller(link.brand_id, None, traceparent)
    outcome = lifecycle.accept(connection.state, connection.epoch)
    await changes.apply(session, connection, outcome, caller, "accepted")
