"""Asks what connections, stores and accounts are called."""

from typing import Any

from services.console.api.together import known
from services.console.browser.signed_in import SignedIn
from services.console.pages.orders.names import Names

# Pages of a list; who has more than these sees some without their names.
_PAGES, _LIMIT = 10, 200
_LIVE = ("active", "inactive")


async def names_of(me: SignedIn) -> Names:
    """Those that the reader's account knows.

    Raises:
        SessionOver, ActingOver.
    """
    own = {str(me.account.id): me.account.name}
    if me.acting is not None:
        # In a brand's name there is one connection, and the session knows it.
        with_whom = {str(me.acting.connection_id): (me.account.name, me.acting.store)}
        return Names(with_whom, {}, own, tuple(with_whom))
    is_brand = me.is_brand
    connections, stores = await known(
        _all(me, "/v1/connections"), _all(me, "/v1/stores") if is_brand else _nothing()
    )
    other = "three_pl" if is_brand else "brand"
    return Names(
        {one["id"]: (one[other]["name"], one["store"]["domain"]) for one in connections or ()},
        {one["store"]["id"]: one["store"]["domain"] for one in connections or ()}
        | {one["id"]: one["domain"] for one in stores or ()},
        own | {one[other]["id"]: one[other]["name"] for one in connections or ()},
        [one["id"] for one in connections or () if one["state"] in _LIVE],
    )


async def _nothing() -> list[dict[str, Any]]:
    return []


async def _all(me: SignedIn, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    for _ in range(_PAGES):
        page = await me.get("connections", path, limit=_LIMIT, after=after)
        found += page["data"]
        after = page["next"] or ""
        if not after:
            break
    return found
