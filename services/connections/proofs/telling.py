"""Who is told that a shop is in two accounts, and how it is put. Pure."""

from collections.abc import Collection, Sequence
from uuid import UUID

from services.connections.mail.kinds import Mail, SameShop
from services.connections.proofs.models import Claimant

# Of one address in an hour: whoever makes accounts sends no flood.
_MOST_MAILS = 3


def unproven(claimants: Sequence[Claimant], store_id: UUID, domain: str) -> list[Mail]:
    """The mails when a store is accepted or switched on, and nobody has proven the shop.

    Each pair of stores is told once, to every owner. The owners of this store get one mail, however
    many others have the shop.

    Args:
        claimants: of all accounts that have it, in a fixed order.
        store_id: that was accepted or switched on.
        domain: of the shop.
    """
    others = [one for one in claimants if one.store_id != store_id]
    own = [one for one in claimants if one.store_id == store_id]
    if not own or not others or any(one.is_proven for one in claimants):
        return []
    pairs = [(one, one.store_id) for one in others] + [(one, others[0].store_id) for one in own]
    return [
        Mail(
            one.email,
            SameShop(store_domain=domain),
            one.language,
            once=_once(store_id, other, one.person_id),
        )
        for one, other in pairs
        if one.mails < _MOST_MAILS
    ]


def proven(
    claimants: Sequence[Claimant], store_id: UUID, lost: Collection[UUID], domain: str
) -> list[Mail]:
    """The mails when a store is proven that others have: those that lose by it, and its own owners.

    Others lose by it whose own proof no longer counts (`lost`), or who have a connection switched
    on. However often: each proof is an answer of the domain.
    """
    losers = [
        one
        for one in claimants
        if one.store_id != store_id and (one.store_id in lost or one.has_active)
    ]
    winners = [one for one in claimants if one.store_id == store_id] if losers else []
    return [
        Mail(one.email, SameShop(store_domain=domain, proven_by="other"), one.language)
        for one in losers
    ] + [
        Mail(one.email, SameShop(store_domain=domain, proven_by="reader"), one.language)
        for one in winners
    ]


def _once(store_id: UUID, other: UUID, person_id: UUID) -> str:
    first, second = sorted((str(store_id), str(other)))
    return f"same_shop:{first}:{second}:{person_id}"
