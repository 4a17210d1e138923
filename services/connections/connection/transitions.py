"""Changes of a connection: each one transaction of compare-and-set, audit row and message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections import lifecycle, publish, store, tokens
from services.connections.lifecycle import Outcome, Refusal, Transition, Unchanged
from services.connections.store import LinkedConnection
from shared.contracts.connections_changed import ConnectionEndpoint, Party
from shared.failures import Refused, Transient
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.sealing import Sealer

Toggle = Literal["activate", "deactivate", "disconnect"]
_ACTIONS: Mapping[Toggle, str] = {
    "activate": "activated",
    "deactivate": "deactivated",
    "disconnect": "disconnected",
}
_OWNERS = ("shipping_rules_owner", "billing_owner", "support_owner")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a change, and in which trace."""

    account_id: UUID
    actor_id: UUID | None
    traceparent: str


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a caller wants changed.

    `owners` names those of the three `…_owner` fields that change. `sets_webhook` tells
    `webhook_url=None` (remove it) from a webhook that is not spoken of.
    """

    owners: Mapping[str, Party]
    sets_webhook: bool
    webhook_url: str | None
    priority: int | None


async def visible(session: Session, connection_id: UUID, account_id: UUID) -> LinkedConnection:
    """The connection, for its parties.

    Raises:
        Refused: 404 for everybody else.
    """
    connection = await store.connection_by_id(session, connection_id)
    if connection is None or account_id not in (connection.brand_id, connection.three_pl_id):
        raise Refused("not_found", what="connection")
    return connection


async def locked(
    session: Session, connection_id: UUID, account_id: UUID, if_match: int | None
) -> LinkedConnection:
    """The connection as it is once we hold its store's lock.

    Raises:
        Refused: 404 for strangers; 412 `version_conflict` when it is not at `if_match`.
    """
    seen = await visible(session, connection_id, account_id)
    await store.lock_store(session, seen.store_id)
    connection = await visible(session, connection_id, account_id)
    if if_match is not None and if_match != connection.version:
        raise Refused("version_conflict", what="connection", version=connection.version)
    return connection


async def toggle(
    session: Session,
    connection_id: UUID,
    what: Toggle,
    caller: Caller,
    if_match: int | None,
) -> LinkedConnection:
    """Activate, deactivate or disconnect; asking for what is already so changes nothing.

    Raises:
        Refused: 404, 412 `version_conflict`, 409 `invalid_transition` (with the `state`),
            402 `plan_required`, 409 `priority_taken`.
    """
    connection = await locked(session, connection_id, caller.account_id, if_match)
    outcome = await _decide(session, connection, what)
    return await apply(session, connection, outcome, caller, _ACTIONS[what])


async def _decide(session: Session, connection: LinkedConnection, what: Toggle) -> Outcome:
    match what:
        case "activate":
            return lifecycle.activate(
                connection.state,
                connection.epoch,
                plan=connection.three_pl_plan,
                priority=connection.priority,
                taken_priorities=await store.other_active_priorities(
                    session, connection.store_id, connection.id
                ),
            )
        case "deactivate":
            return lifecycle.deactivate(connection.state, connection.epoch)
        case "disconnect":
            return lifecycle.disconnect(connection.state, connection.epoch)


async def apply(
    session: Session,
    connection: LinkedConnection,
    outcome: Outcome,
    caller: Caller,
    action: str,
) -> LinkedConnection:
    """Carry out what the lifecycle decided; the connection as it is then.

    Raises:
        Refused: the lifecycle refused.
    """
    match outcome:
        case Unchanged():
            return connection
        case Refusal():
            raise refused(outcome, connection)
        case Transition():
            return await _store(session, connection, outcome, caller, action)


def refused(refusal: Refusal, connection: LinkedConnection) -> Refused:
    """The answer to a change that the lifecycle refused."""
    match refusal:
        case Refusal.INVALID_TRANSITION:
            return Refused(refusal, what="connection", state=str(connection.state))
        case Refusal.PLAN_REQUIRED:
            return plan_required()
        case Refusal.PRIORITY_TAKEN:
            return Refused(refusal, priority=connection.priority)


def plan_required() -> Refused:
    """The answer to a 3PL whose plan does not hold connections."""
    return Refused(Refusal.PLAN_REQUIRED)


async def _store(
    session: Session,
    connection: LinkedConnection,
    transition: Transition,
    caller: Caller,
    action: str,
    *,
    priority: int | None = None,
    settings_version: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> LinkedConnection:
    """Compare-and-set, audit row, message."""
    if not await store.update_connection(
        session,
        connection,
        state=transition.state,
        epoch=transition.epoch,
        priority=connection.priority if priority is None else priority,
        settings_version=settings_version or connection.settings_version,
    ):
        # The store's lock prevents it; without the lock this is what keeps two from both winning.
        raise Transient("the connection changed at the same moment")
    await store.insert_audit(
        session,
        connection.id,
        account_id=caller.account_id,
        actor_id=caller.actor_id,
        action=action,
        before=before
        if before is not None
        else {"state": connection.state, "epoch": connection.epoch},
        after=after
        if after is not None
        else {"state": transition.state, "epoch": transition.epoch},
    )
    return await announce(session, connection.id, caller)


async def announce(session: Session, connection_id: UUID, caller: Caller) -> LinkedConnection:
    """Put the full state into the outbox; the connection as it is now."""
    connection = await store.connection_by_id(session, connection_id)
    if connection is None:
        raise Refused("not_found", what="connection")
    endpoints = await store.endpoints(session, connection_id)
    message = publish.connection_changed(connection, endpoints, caller.traceparent)
    await outbox.write(session, [message])
    return connection


# --- settings -------------------------------------------------------------------------------


async def change_settings(
    session: Session,
    connection_id: UUID,
    change: SettingsChange,
    caller: Caller,
    if_match: int,
    sealer: Sealer,
) -> tuple[LinkedConnection, str | None]:
    """The changed connection, and the signing secret of a new endpoint (shown only now).

    Raises:
        Refused: 404, 412 `version_conflict`, 403 `not_yours_to_set`, 409 `invalid_transition`,
            409 `priority_taken`.
    """
    connection = await locked(session, connection_id, caller.account_id, if_match)
    if change.sets_webhook and caller.account_id != connection.three_pl_id:
        raise Refused("not_yours_to_set", party="3PL", field="the webhook")
    before, after = _difference(connection, change)
    if not after:
        return connection, None
    priority = after.get("priority", connection.priority)
    outcome = lifecycle.change_settings(
        connection.state,
        connection.epoch,
        priority=priority,
        taken_priorities=await store.other_active_priorities(
            session, connection.store_id, connection.id
        ),
    )
    if not isinstance(outcome, Transition):
        return await apply(session, connection, outcome, caller, "settings_changed"), None
    settings_version, secret = connection.settings_version, None
    if after.keys() - {"priority"}:
        settings_version += 1
        secret = await _add_version(session, connection, after, caller, settings_version, sealer)
    changed = await _store(
        session,
        connection,
        outcome,
        caller,
        "settings_changed",
        priority=priority,
        settings_version=settings_version,
        before=before,
        after=after,
    )
    return changed, secret


def _difference(
    connection: LinkedConnection, change: SettingsChange
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that really change: as they are, and as they will be."""
    wanted: dict[str, Any] = dict(change.owners)
    if change.sets_webhook:
        wanted["webhook_url"] = change.webhook_url
    if change.priority is not None:
        wanted["priority"] = change.priority
    after = {name: value for name, value in wanted.items() if getattr(connection, name) != value}
    return {name: getattr(connection, name) for name in after}, after


async def _add_version(
    session: Session,
    connection: LinkedConnection,
    after: Mapping[str, Any],
    caller: Caller,
    version: int,
    sealer: Sealer,
) -> str | None:
    """Keep the next settings version; the secret when its endpoint is new."""
    endpoint_id, secret = connection.endpoint_id, None
    if "webhook_url" in after:
        endpoint_id, secret = await _endpoint(session, connection.id, after["webhook_url"], sealer)
    await store.insert_settings_version(
        session,
        connection.id,
        version,
        owners={name: after.get(name, getattr(connection, name)) for name in _OWNERS},
        endpoint_id=endpoint_id,
        created_by=caller.account_id,
    )
    return secret


async def _endpoint(
    session: Session, connection_id: UUID, url: str | None, sealer: Sealer
) -> tuple[UUID | None, str | None]:
    """The endpoint of a URL, and its secret when it is new.

    A URL that the connection had before is the same endpoint again, with its secret.
    """
    if url is None:
        return None, None
    for known in await store.endpoints(session, connection_id):
        if known.url == url:
            return known.id, None
    endpoint_id = uuid7()
    secret = tokens.new_signing_secret()
    sealed = sealer.seal(secret, f"endpoint:{endpoint_id}")
    await store.insert_endpoint(
        session,
        connection_id,
        ConnectionEndpoint(id=endpoint_id, url=url, sealed_secrets=(sealed,)),
    )
    return endpoint_id, secret
