"""What the other services get to know: the full state of a connection or store, to the outbox."""

from collections.abc import Sequence

from services.connections.store import LinkedConnection, Store
from shared.bus import cloud_event_headers
from shared.contracts import (
    CONNECTIONS_CHANGED,
    STORES_CHANGED,
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    StoreChanged,
    StoreCredential,
    Topic,
)
from shared.outbox import Message

_SOURCE = "/relevo/connections"


def connection_changed(
    linked: LinkedConnection, endpoints: Sequence[ConnectionEndpoint], traceparent: str | None
) -> Message:
    """The message on `connections.changed`."""
    body = ConnectionChanged(
        connection_id=linked.id,
        store_id=linked.store_id,
        brand_id=linked.brand_id,
        three_pl_id=linked.three_pl_id,
        state=linked.state,
        version=linked.version,
        epoch=linked.epoch,
        priority=linked.priority,
        settings=ConnectionSettings(
            version=linked.settings_version,
            shipping_rules_owner=linked.shipping_rules_owner,
            billing_owner=linked.billing_owner,
            support_owner=linked.support_owner,
            endpoint_id=linked.endpoint_id,
        ),
        endpoints=tuple(endpoints),
        changed_at=linked.changed_at,
    )
    return _message(CONNECTIONS_CHANGED, str(linked.id), body.model_dump_json(), traceparent)


def store_changed(
    store: Store, credentials: Sequence[StoreCredential], traceparent: str | None
) -> Message:
    """The message on `stores.changed`."""
    body = StoreChanged(
        store_id=store.id,
        brand_id=store.brand_id,
        platform=store.platform,
        domain=store.domain,
        version=store.version,
        credentials=tuple(credentials),
        changed_at=store.changed_at,
    )
    return _message(STORES_CHANGED, str(store.id), body.model_dump_json(), traceparent)


def _message(topic: Topic, key: str, value: str, traceparent: str | None) -> Message:
    headers = cloud_event_headers(topic.event_type, _SOURCE, key, traceparent)
    return Message(topic.name, key, headers, value.encode())
