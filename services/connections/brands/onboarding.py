"""Adding a brand: from the form to a pending connection and a login link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts import tokens
from services.connections.brands import store
from services.connections.brands.models import BrandProfile
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.connection.models import Connection
from services.connections.stores import registry as stores
from shared.failures import Refused
from shared.postgres.database import Session


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


async def add_brand(
    session: Session, form: BrandForm, caller: Caller, link_lifetime: timedelta
) -> tuple[Connection, IssuedLink]:
    """The brand (made or found), its store, a pending connection and a login link.

    Raises:
        Refused: `three_pl_only`, `plan_required`, `email_taken`, `store_taken`,
            `already_connected`.
    """
    await accounts.require_three_pl(session, caller.account_id)
    brand = await accounts.ensure_brand(session, form.company_name, form.contact_email)
    of_store = await stores.ensure_store(session, brand.id, form.platform, form.domain, caller)
    connection = await transitions.create_connection(session, of_store, caller)
    await store.upsert_brand_profile(session, _profile(form, caller.account_id, brand.id))
    return connection, await _issue_link(session, connection.id, link_lifetime)


async def reissue_link(
    session: Session,
    brand_id: UUID,
    store_id: UUID | None,
    caller: Caller,
    lifetime: timedelta,
) -> IssuedLink:
    """A new link for the newest pending connection with the brand; the old one dies.

    Raises:
        Refused: `not_found` for a brand of another 3PL; `nothing_pending`.
    """
    if await store.get_brand(session, caller.account_id, brand_id) is None:
        raise Refused("not_found", what="brand")
    # A redeem of the old link either is done before this lock, or finds the link replaced.
    connection = await transitions.lock_newest_pending(
        session, caller.account_id, brand_id, store_id
    )
    return await _issue_link(session, connection.id, lifetime)


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


async def _issue_link(session: Session, connection_id: UUID, lifetime: timedelta) -> IssuedLink:
    token = tokens.new_link_token()
    expires_at = datetime.now(UTC) + lifetime
    await store.insert_login_link(session, connection_id, tokens.digest(token), expires_at)
    return IssuedLink(token, expires_at)
