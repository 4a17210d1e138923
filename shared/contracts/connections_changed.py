"""`connections.changed`: connections says how a connection stands."""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.contracts.fields import Timestamp, WireContract


class ConnectionState(StrEnum):
    """`pending → inactive ⇄ active → disconnected`; `disconnected` and `expired` are final."""

    PENDING = "pending"
    INACTIVE = "inactive"
    ACTIVE = "active"
    DISCONNECTED = "disconnected"
    EXPIRED = "expired"


Party = Literal["brand", "three_pl"]
# What the brand lets its 3PL do in its name.
LogInAsBrand = Literal["off", "orders", "credentials"]

# Longer than `orders.received` is kept: what can still be read finds the settings of its time.
SETTINGS_HISTORY = timedelta(days=8)


class ConnectionSettings(WireContract):
    """One settings version of a connection; bound whole to an order when it enters."""

    version: int
    shipping_rules_owner: Party = "brand"
    billing_owner: Party = "brand"
    support_owner: Party = "brand"
    endpoint_id: UUID | None = None


class EffectiveSettings(ConnectionSettings):
    """A settings version with the time from which it counts for orders that enter."""

    effective_at: Timestamp


class OrderRulesVersion(WireContract):
    """The brand's order rules on a connection, and from when they count for orders that enter.

    `rules` are those of `shared.rules.order_rules`, as they are stored: a reader of before, who
    does not know a condition in them, reads the connection all the same.
    """

    version: int
    effective_at: Timestamp
    rules: tuple[dict[str, Any], ...] = ()
    default: Literal["send", "do_not_send"] = "send"


class ConnectionEndpoint(WireContract):
    """A webhook endpoint that the connection has or had.

    `sealed_secrets`: `whsec_…` signing secrets, newest first, sealed by `shared.sealing`.
    `sealed_url`: its URL, sealed for `endpoint-url:<id>`; `masked_url`: what may be shown of it.
    `sends_to`: the endpoint whose URL and secrets are used instead, since a re-point.
    `url`: in plain, in messages of before; never written.
    """

    id: UUID
    url: str | None = Field(default=None, repr=False)
    sealed_url: str | None = None
    masked_url: str | None = None
    sealed_secrets: tuple[str, ...]
    sends_to: UUID | None = None

    @model_validator(mode="after")
    def _has_a_url(self) -> Self:
        if self.sealed_url is None and self.url is None:
            raise ValueError("an endpoint needs sealed_url, or url as before")
        if (self.sealed_url is None) != (self.masked_url is None):
            raise ValueError("sealed_url and masked_url come together")
        return self


class ConnectionChanged(WireContract):
    """`connections.changed`, key `connection_id`, compacted: the full state of a connection.

    `version` grows by one with every change, `epoch` with every activation. Every endpoint the
    connection ever had is listed, so that the newest message alone rebuilds a projection.
    `settings_history` has the versions of the last `SETTINGS_HISTORY` and the one that counted
    before them, oldest first: an order is bound to the one that counted when it was accepted,
    however late it is decided on. `delegation` is what the 3PL may do in the brand's name, since
    version `delegation_since`: what it was given before that is over. `state_since`: from when the
    state counts for orders that enter; None in messages of before. `order_rules` are the versions
    of the brand's rules, as of the settings; none: every order is sent.
    """

    connection_id: UUID
    store_id: UUID
    brand_id: UUID
    three_pl_id: UUID
    state: ConnectionState
    version: int
    epoch: int
    priority: int
    settings: ConnectionSettings
    endpoints: tuple[ConnectionEndpoint, ...] = ()
    settings_history: tuple[EffectiveSettings, ...] = ()
    delegation: LogInAsBrand = "orders"
    delegation_since: int = 0
    state_since: Timestamp | None = None
    order_rules: tuple[OrderRulesVersion, ...] = ()
    changed_at: Timestamp
