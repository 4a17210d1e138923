"""What the other services get to know: the full state of an account, a connection or a store.

These messages go to the outbox, with the change that they are about.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from services.connections.accounts.models import Account
from services.connections.connection.models import Connection
from services.connections.stores.models import Store
from shared.contracts.accounts_changed import AccountChanged, EndedSession, Machine, Member
from shared.contracts.connections_changed import (
    ConnectionChanged,
    ConnectionEndpoint,
    ConnectionSettings,
    EffectiveSettings,
    OrderRulesVersion,
)
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.contracts.stores_changed import StoreChanged, StoreCredential
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message
from shared.kafka.topics import (
    ACCOUNTS_CHANGED,
    CONNECTIONS_CHANGED,
    SIGNING_KEYS_CHANGED,
    STORES_CHANGED,
    Topic,
)

_SOURCE = "/relevo/connections"


def connection_changed(
    connection: Connection,
    endpoints: Sequence[ConnectionEndpoint],
    settings_history: Sequence[EffectiveSettings],
    order_rules: Sequence[OrderRulesVersion],
    traceparent: str | None,
) -> Message:
    """The message on `connections.changed`."""
    body = ConnectionChanged(
        connection_id=connection.id,
        store_id=connection.store_id,
        brand_id=connection.brand_id,
        three_pl_id=connection.three_pl_id,
        state=connection.state,
        version=connection.version,
        epoch=connection.epoch,
        priority=connection.priority,
        settings=ConnectionSettings(
            version=connection.settings_version,
            shipping_rules_owner=connection.shipping_rules_owner,
            billing_owner=connection.billing_owner,
            support_owner=connection.support_owner,
            endpoint_id=connection.endpoint_id,
        ),
        endpoints=tuple(endpoints),
        settings_history=tuple(settings_history),
        delegation=connection.delegation,
        delegation_since=connection.delegation_since,
        state_since=connection.state_since,
        order_rules=tuple(order_rules),
        changed_at=connection.changed_at,
    )
    return _message(CONNECTIONS_CHANGED, str(connection.id), body.model_dump_json(), traceparent)


def connection_ended(change: ConnectionChanged) -> Message:
    """The message on `connections.changed` about a connection that has no row here."""
    return _message(CONNECTIONS_CHANGED, str(change.connection_id), change.model_dump_json(), None)


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
        payment_rules=store.payment_rules,
        former_brand_id=store.former_brand_id,
        alias_of=store.alias_of,
        changed_at=store.changed_at,
    )
    return _message(STORES_CHANGED, str(store.id), body.model_dump_json(), traceparent)


def account_changed(
    account: Account,
    people: Sequence[Member],
    clients: Sequence[Machine],
    ended_sessions: Sequence[EndedSession],
    traceparent: str | None,
    *,
    erased: bool = False,
) -> Message:
    """The message on `accounts.changed`."""
    body = AccountChanged(
        account_id=account.id,
        kind=account.kind,
        plan=account.plan,
        version=account.version,
        people=tuple(people),
        clients=tuple(clients),
        ended_sessions=tuple(ended_sessions),
        erased=erased,
        changed_at=account.changed_at,
    )
    return _message(ACCOUNTS_CHANGED, str(account.id), body.model_dump_json(), traceparent)


def signing_keys_changed(signed_jwks: str, traceparent: str | None) -> Message:
    """The message on `signing-keys.changed`."""
    body = SigningKeysChanged(signed_jwks=signed_jwks, changed_at=datetime.now(UTC))
    return _message(SIGNING_KEYS_CHANGED, "signing-keys", body.model_dump_json(), traceparent)


def _message(topic: Topic, key: str, value: str, traceparent: str | None) -> Message:
    headers = cloud_event_headers(topic.event_type, _SOURCE, key, traceparent)
    return Message(topic.name, key, headers, value.encode())
