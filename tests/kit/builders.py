"""Orders, connections and messages for the pure modules' tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from services.routing.orders import Connection, Hold, Incoming, Order
from shared.contracts.connections_changed import ConnectionState
from shared.contracts.order import OrderStatus

STORE, BRAND, THREE_PL, OTHER = (UUID(int=n) for n in range(1, 5))
CONNECTION, ENDPOINT, ORDER = (UUID(int=n) for n in range(11, 14))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_connection(**changes: Any) -> Connection:
    return replace(
        Connection(
            id=CONNECTION,
            store_id=STORE,
            brand_id=BRAND,
            three_pl_id=THREE_PL,
            state=ConnectionState.ACTIVE,
            version=3,
            epoch=1,
            priority=100,
            settings_version=2,
            shipping_rules_owner="brand",
            billing_owner="three_pl",
            support_owner="brand",
            endpoint_id=ENDPOINT,
            effective_at=NOON,
        ),
        **changes,
    )


def an_order(**changes: Any) -> Order:
    """An open order that the 3PL owns."""
    return replace(
        Order(
            id=ORDER,
            store_id=STORE,
            external_id="1001",
            brand_id=BRAND,
            three_pl_id=THREE_PL,
            connection_id=CONNECTION,
            epoch=1,
            settings_version=2,
            shipping_rules_owner="brand",
            billing_owner="three_pl",
            support_owner="brand",
            endpoint_id=ENDPOINT,
            status=OrderStatus.OPEN,
            version=1,
            sequence=1,
            source_updated_at=NOON,
            content_hash=b"one",
            payload='{"total":"10.00","note":null}',
            accepted_at=NOON + timedelta(days=1),
        ),
        **changes,
    )


def a_hold(**changes: Any) -> Hold:
    """A hold that the 3PL placed for itself to lift."""
    placed_at = NOON + timedelta(days=1)
    return replace(
        Hold(UUID(int=21), "stock", "out until Monday", "three_pl", THREE_PL, placed_at), **changes
    )


def the_brands(**changes: Any) -> Order:
    """An open order that the brand owns."""
    return an_order(
        **{
            "three_pl_id": None,
            "connection_id": None,
            "epoch": None,
            "settings_version": None,
            "shipping_rules_owner": None,
            "billing_owner": None,
            "support_owner": None,
            "endpoint_id": None,
            **changes,
        }
    )


def a_message(seconds: int = 0, **changes: Any) -> Incoming:
    """What the store tells, `seconds` after noon."""
    return replace(
        Incoming(
            store_id=STORE,
            brand_id=BRAND,
            external_id="1001",
            updated_at=NOON + timedelta(seconds=seconds),
            received_at=NOON + timedelta(days=1),
            payload='{"total":"10.00","note":null}',
            content_hash=b"one",
            cancelled=False,
            deleted=False,
        ),
        **changes,
    )
