"""The rows of *3PL Integrations*: a connection with what other services know of it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = Mapping[str, Any]
# `unknown`: the service does not answer now. `none`: there is no webhook.
Health = Literal["fine", "failing", "off", "quiet", "none", "unknown"]
# What the filter offers → states of the API.
STATES: Mapping[str, Sequence[str]] = {
    "": ("pending", "inactive", "active"),
    "active": ("active",),
    "inactive": ("inactive",),
    "pending": ("pending",),
    "ended": ("disconnected", "expired"),
    "all": (),
}
_HEALTHY_RATE = 0.9


@dataclass(frozen=True, slots=True)
class Row:
    """One connection; `open_orders` is None when it is not known now.

    `is_capped`: there are more than that. `last_event`: when a webhook was last sent.
    """

    connection: Json
    open_orders: int | None
    is_capped: bool
    health: Health
    last_event: str | None


def rows_of(
    connections: Sequence[Json], facets: Json | None, health: list[Json] | None
) -> list[Row]:
    """The rows, in the order of `connections`.

    Args:
        connections: of the API.
        facets: of routing, of the Orders tab; None: not known now.
        health: of all endpoints, of webhooks; None: not known now.
    """
    return list(_rows(connections, facets, health))


def _rows(
    connections: Sequence[Json], facets: Json | None, health: list[Json] | None
) -> Iterator[Row]:
    counts = {one["connection_id"]: one for one in (facets or {}).get("connections", ())}
    endpoints = {one["endpoint_id"]: one for one in health or ()}
    none_open = {"count": 0, "is_capped": False}
    for connection in connections:
        count = counts.get(connection["id"], none_open)
        webhook = connection["settings"]["webhook"]
        endpoint = endpoints.get(webhook["endpoint_id"]) if webhook else None
        yield Row(
            connection=connection,
            open_orders=None if facets is None else count["count"],
            is_capped=facets is not None and count["is_capped"],
            health=_health(webhook, endpoint, is_known=health is not None),
            last_event=_last_event(endpoint),
        )


def _health(webhook: Json | None, endpoint: Json | None, *, is_known: bool) -> Health:
    if webhook is None:
        return "none"
    if not is_known:
        return "unknown"
    if endpoint is None:
        return "quiet"
    if endpoint["state"] == "disabled":
        return "off"
    rate = endpoint["hour"]["success_rate"]
    if endpoint["paused_until"] or (rate is not None and rate < _HEALTHY_RATE):
        return "failing"
    return "fine" if endpoint["day"]["attempts"] else "quiet"


def _last_event(endpoint: Json | None) -> str | None:
    if endpoint is None:
        return None
    failure = endpoint["last_failure"]
    times = [endpoint["last_success_at"], failure["at"] if failure else None]
    return max((one for one in times if one), default=None)
