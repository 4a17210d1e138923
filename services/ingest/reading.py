"""What a body says, by the route that it came by. Pure.

The routes and the replay of what was not understood read with the same functions.
"""

from collections.abc import Mapping
from datetime import datetime

from services.ingest import order_in
from services.ingest.platforms import Headers, Platform, PlatformOrder
from shared.failures import Refused

GENERIC = "generic"


def read_generic(body: bytes, content_type: str, most: int) -> list[PlatformOrder]:
    """The orders in a body of the generic API.

    Raises:
        ValidationError: see `order_in.parse`.
        Refused: `too_many_orders`.
    """
    orders = order_in.parse(body, content_type)
    if len(orders) > most:
        raise Refused("too_many_orders", most=most)
    return [PlatformOrder("upsert", order.external_id, order.updated_at, order) for order in orders]


def read_again(
    platforms: Mapping[str, Platform],
    route: str,
    body: bytes,
    headers: Headers,
    received_at: datetime,
    most: int,
) -> list[PlatformOrder]:
    """The orders in a body that was kept; none when it is about no order.

    Args:
        platforms: by name.
        route: `generic`, or a platform.
        body: as it was kept.
        headers: those that were kept.
        received_at: when it came; the time of what carries none.
        most: orders in one body.

    Raises:
        ValidationError: it is still not understood.
        Refused: `too_many_orders`; `not_found`, the platform is gone.
    """
    if route == GENERIC:
        return read_generic(body, headers.get("content-type", ""), most)
    platform = platforms.get(route)
    if platform is None:
        raise Refused("not_found", what="platform")
    order = platform.parse(body, headers, received_at)
    return [] if order is None else [order]
