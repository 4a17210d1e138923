"""What waits for the reader of the first page, out of what the APIs list. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]
_GOOD_RATE = 0.95


def links(connections: Iterable[Json] | None, party: str) -> list[Json] | None:
    """Connections whose next step is the party's; None when they are not known now."""
    if connections is None:
        return None
    return [one for one in connections if one["next_action"] and one["next_action"]["by"] == party]


def holds(orders: Sequence[Json] | None, party: str) -> list[Json] | None:
    """Orders with a hold that the party may lift; None when they are not known now."""
    if orders is None:
        return None
    return [one for one in orders if any(hold["release_by"] == party for hold in one["holds"])]


def failing(endpoints: Iterable[Json] | None) -> list[Json] | None:
    """Endpoints that are off, paused, or fail more often than once in twenty attempts."""
    if endpoints is None:
        return None
    return [one for one in endpoints if _fails(one)]


def _fails(endpoint: Json) -> bool:
    rate = endpoint["hour"]["success_rate"]
    is_off = endpoint["state"] == "disabled" or endpoint["paused_until"] is not None
    return is_off or (rate is not None and rate < _GOOD_RATE)
