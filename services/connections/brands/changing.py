"""A 3PL corrects what it entered about a brand."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.brands import store
from services.connections.brands.models import Brand
from services.connections.connection import transitions
from shared.failures import Refused
from shared.postgres.database import Session


async def change_brand(
    session: Session, three_pl_id: UUID, brand_id: UUID, changes: Mapping[str, Any], if_match: int
) -> Brand:
    """The brand with its changes; asking for what is already so changes nothing.

    Args:
        session: in a transaction.
        three_pl_id: who asks.
        brand_id: of its brands.
        changes: fields of `BrandProfile`.
        if_match: the version that was read.

    Raises:
        Refused: `not_found`, `version_conflict`; `brand_accepted`: the e-mail is to change.
    """
    seen = await store.get_brand(session, three_pl_id, brand_id)
    if seen is not None and "contact_email" in changes:
        # In the order of an acceptance, which holds its link before all else.
        await store.lock_mailed_links(session, three_pl_id, seen.profile.account_id)
    brand = await store.lock_brand(session, three_pl_id, brand_id)
    if brand is None:
        raise Refused("not_found", what="brand")
    before = brand.profile
    if before.version != if_match:
        raise Refused("version_conflict", what="brand", version=before.version)
    after = replace(before, **changes)
    if after == before:
        return brand
    after = replace(after, version=before.version + 1)
    await store.update_brand_profile(session, after)
    if after.contact_email != before.contact_email:
        if brand.has_accepted:
            raise Refused("brand_accepted")
        await store.drop_mailed_links(session, three_pl_id, before.account_id)
    if after.company_name != before.company_name:
        await _rename(session, three_pl_id, before.account_id, after.company_name)
    return replace(brand, profile=after)


async def _rename(session: Session, three_pl_id: UUID, account_id: UUID, name: str) -> None:
    await accounts.rename_claim(session, account_id, name)
    found = await store.list_connections(session, three_pl_id, account_id)
    await transitions.rename(session, found)
