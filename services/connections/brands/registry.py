"""Which brands 3PLs know, and the links they share: what other slices ask of them."""

from uuid import UUID

from services.connections.accounts import tokens
from services.connections.brands import login_links, store
from services.connections.brands.models import BrandProfile, LoginLink
from shared.failures import Refused
from shared.postgres.database import Session


async def usable_link(session: Session, token: str) -> LoginLink:
    """The link that a 3PL shared.

    Raises:
        Refused: `not_found`, `login_link_expired`.
    """
    return login_links.require_usable(await store.get_login_link(session, tokens.digest(token)))


async def any_link(session: Session, token: str) -> LoginLink:
    """The link that a 3PL shared, over or not.

    Raises:
        Refused: `not_found`.
    """
    link = await store.get_login_link(session, tokens.digest(token))
    if link is None:
        raise Refused("not_found", what="login link")
    return link


async def profile_of(session: Session, three_pl_id: UUID, account_id: UUID) -> BrandProfile:
    """The form by which a 3PL knows an account.

    Raises:
        Refused: `not_found`.
    """
    profile = await store.get_profile_of_account(session, three_pl_id, account_id)
    if profile is None:
        raise Refused("not_found", what="brand")
    return profile


async def lock_profile(session: Session, three_pl_id: UUID, account_id: UUID) -> BrandProfile:
    """The same; it does not change before the transaction ends.

    Raises:
        Refused: `not_found`.
    """
    profile = await store.lock_profile_of_account(session, three_pl_id, account_id)
    if profile is None:
        raise Refused("not_found", what="brand")
    return profile


async def move(session: Session, three_pl_id: UUID, claim_id: UUID, account_id: UUID) -> None:
    """The client accepted into an account that it had: the 3PL's brand is that one from now on."""
    await store.move_brand_profile(session, three_pl_id, claim_id, account_id)
