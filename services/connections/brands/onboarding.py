"""Adding a brand: from the form to a pending connection and a login link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.accounts import tokens
from services.connections.brands import store
from services.connections.brands.models import BrandProfile, Warehouse
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.connection.models import Connection
from services.connections.mail.kinds import Language
from services.connections.stores import registry as stores
from shared.failures import Refused
from shared.postgres.database import Session


@dataclass(frozen=True, slots=True)
class BrandForm:
    """What a 3PL fills in to add a brand; `domain` is normalised."""

    contact_name: str
    contact_email: str
    contact_phone: str | None
    language: Language
    company_name: str
    platform: str
    domain: str
    warehouse: Warehouse | None
    monthly_order_range: str | None
    priorities: Sequence[str]
    priorities_note: str | None


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A login link; the token is known only now, we keep its digest."""

    token: str
    expires_at: datetime


async def add_brand(
    session: Session, form: BrandForm, caller: Caller, link_lifetime: timedelta
) -> tuple[Connection, IssuedLink]:
    """A claim: an account that nobody can act in, its store, a pending connection, a login link.

    Whether the address or the shop is known already changes nothing: typing them proves nothing.

    Raises:
        Refused: `three_pl_only`, `plan_required`; `already_connected`: this 3PL has this shop.
    """
    # Two forms of one 3PL at once: the second one finds what the first one made.
    await accounts.lock_account(session, caller.account_id)
    await accounts.require_three_pl(session, caller.account_id)
    await transitions.require_no_shop(session, caller.account_id, form.platform, form.domain)
    claim = await accounts.add_account(session, "brand", form.company_name)
    of_store = await stores.add_store(session, claim.id, form.platform, form.domain, caller)
    connection = await transitions.create_connection(session, of_store, caller)
    await store.insert_brand_profile(session, _profile(form, caller.account_id, claim.id))
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
    brand = await store.get_brand(session, caller.account_id, brand_id)
    if brand is None:
        raise Refused("not_found", what="brand")
    # An acceptance is either done before this lock, or waits for it.
    connection = await transitions.lock_newest_pending(
        session, caller.account_id, brand.profile.account_id, store_id
    )
    return await _issue_link(session, connection.id, lifetime)


def _profile(form: BrandForm, three_pl_id: UUID, claim_id: UUID) -> BrandProfile:
    return BrandProfile(
        id=claim_id,
        three_pl_id=three_pl_id,
        account_id=claim_id,
        contact_name=form.contact_name,
        contact_email=form.contact_email,
        contact_phone=form.contact_phone,
        language=form.language,
        company_name=form.company_name,
        warehouse=form.warehouse,
        monthly_order_range=form.monthly_order_range,
        priorities=list(form.priorities),
        priorities_note=form.priorities_note,
    )


async def _issue_link(session: Session, connection_id: UUID, lifetime: timedelta) -> IssuedLink:
    token = tokens.new_link_token()
    expires_at = datetime.now(UTC) + lifetime
    await store.insert_login_link(session, connection_id, tokens.digest(token), expires_at)
    return IssuedLink(token, expires_at)
