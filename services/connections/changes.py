"""Changes of a connection: each one transaction of compare-and-set, audit row and message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from fastapi import Request
from uuid_utils.compat import uuid7

from services.connections import lifecycle, publish, store, tokens
from services.connections.lifecycle import Outcome, Refusal, Transition, Unchanged
from services.connections.store import LinkedConnection
from shared import outbox
from shared.auth import Principal
from shared.contracts import ConnectionEndpoint, Party
from shared.database import Connection
from shared.failures import Transient
from shared.problems import Problem, not_found
from shared.sealing import Sealer
from shared.telemetry import traceparent_of

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

    @classmethod
    def of(cls, principal: Principal, request: Request) -> "Caller":
        """The caller of an authenticated request."""
        return cls(principal.account_id, principal.actor, traceparent_of(request.headers))


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


async def visible(
    connection: Connection, connection_id: UUID, account_id: UUID
) -> LinkedConnection:
    """The connection, for its parties.

    Raises:
        Problem: 404 for everybody else.
    """
    linked = await store.connection_by_id(connection, connection_id)
    if linked is None or account_id not in (linked.brand_id, linked.three_pl_id):
        raise not_found("connection")
    return linked


async def locked(
    connection: Connection, connection_id: UUID, account_id: UUID, if_match: int | None
) -> LinkedConnection:
    """The connection as it is once we hold its store's lock.

    Raises:
        Problem: 404 for strangers; 412 `version_conflict` when it is not at `if_match`.
    """
    seen = await visible(connection, connection_id, account_id)
    await store.lock_store(connection, seen.store_id)
    linked = await visible(connection, connection_id, account_id)
    if if_match is not None and if_match != linked.version:
        raise Problem(
            412,
            "version_conflict",
            f"The connection is at version {linked.version}; read it and decide again.",
            headers={"ETag": f'"{linked.version}"'},
            version=linked.version,
        )
    return linked


async def toggle(
    connection: Connection,
    connection_id: UUID,
    what: Toggle,
    caller: Caller,
    if_match: int | None,
) -> LinkedConnection:
    """Activate, deactivate or disconnect; asking for what is already so changes nothing.

    Raises:
        Problem: 404, 412 `version_conflict`, 409 `invalid_transition` (with the `state`),
            402 `plan_required`, 409 `priority_taken`.
    """
    linked = await locked(connection, connection_id, caller.account_id, if_match)
    outcome = await _decide(connection, linked, what)
    return await apply(connection, linked, outcome, caller, _ACTIONS[what])


async def _decide(connection: Connection, linked: LinkedConnection, what: Toggle) -> Outcome:
    match what:
        case "activate":
            return lifecycle.activate(
                linked.state,
                linked.epoch,
                plan=linked.three_pl_plan,
                priority=linked.priority,
                taken_priorities=await store.other_active_priorities(
                    connection, linked.store_id, linked.id
                ),
            )
        case "deactivate":
            return lifecycle.deactivate(linked.state, linked.epoch)
        case "disconnect":
            return lifecycle.disconnect(linked.state, linked.epoch)


async def apply(
    connection: Connection,
    linked: LinkedConnection,
    outcome: Outcome,
    caller: Caller,
    action: str,
) -> LinkedConnection:
    """Carry out what the lifecycle decided; the connection as it is then.

    Raises:
        Problem: the lifecycle refused.
    """
    match outcome:
        case Unchanged():
            return linked
        case Refusal():
            raise refused(outcome, linked)
        case Transition():
            return await _store(connection, linked, outcome, caller, action)


def refused(refusal: Refusal, linked: LinkedConnection) -> Problem:
    """The answer to a change that the lifecycle refused."""
    match refusal:
        case Refusal.INVALID_TRANSITION:
            detail = f"A connection that is {linked.state} cannot change in this way."
            return Problem(409, refusal, detail, state=str(linked.state))
        case Refusal.PLAN_REQUIRED:
            return plan_required()
        case Refusal.PRIORITY_TAKEN:
            return Problem(
                409,
                refusal,
                f"Another active connection of this store has priority {linked.priority}; "
                "give this one another (PATCH its settings), lower wins.",
            )


def plan_required() -> Problem:
    """The answer to a 3PL whose plan does not hold connections."""
    return Problem(
        402, Refusal.PLAN_REQUIRED, "The 3PL has to be on plan `conquer` to hold connections."
    )


async def _store(
    connection: Connection,
    linked: LinkedConnection,
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
        connection,
        linked,
        state=transition.state,
        epoch=transition.epoch,
        priority=linked.priority if priority is None else priority,
        settings_version=settings_version or linked.settings_version,
    ):
        # The store's lock prevents it; without the lock this is what keeps two from both winning.
        raise Transient("the connection changed at the same moment")
    await store.insert_audit(
        connection,
        linked.id,
        account_id=caller.account_id,
        actor_id=caller.actor_id,
        action=action,
        before=before if before is not None else {"state": linked.state, "epoch": linked.epoch},
        after=after
        if after is not None
        else {"state": transition.state, "epoch": transition.epoch},
    )
    return await announce(connection, linked.id, caller)


async def announce(connection: Connection, connection_id: UUID, caller: Caller) -> LinkedConnection:
    """Put the full state into the outbox; the connection as it is now."""
    linked = await store.connection_by_id(connection, connection_id)
    if linked is None:
        raise not_found("connection")
    endpoints = await store.endpoints(connection, connection_id)
    message = publish.connection_changed(linked, endpoints, caller.traceparent)
    await outbox.write(connection, [message])
    return linked


# --- settings -------------------------------------------------------------------------------


async def change_settings(
    connection: Connection,
    connection_id: UUID,
    change: SettingsChange,
    caller: Caller,
    if_match: int,
    sealer: Sealer,
) -> tuple[LinkedConnection, str | None]:
    """The changed connection, and the signing secret of a new endpoint (shown only now).

    Raises:
        Problem: 404, 412 `version_conflict`, 403 `not_yours_to_set`, 409 `invalid_transition`,
            409 `priority_taken`.
    """
    linked = await locked(connection, connection_id, caller.account_id, if_match)
    if change.sets_webhook and caller.account_id != linked.three_pl_id:
        raise Problem(403, "not_yours_to_set", "Only the 3PL sets the webhook of a connection.")
    before, after = _difference(linked, change)
    if not after:
        return linked, None
    priority = after.get("priority", linked.priority)
    outcome = lifecycle.change_settings(
        linked.state,
        linked.epoch,
        priority=priority,
        taken_priorities=await store.other_active_priorities(
            connection, linked.store_id, linked.id
        ),
    )
    if not isinstance(outcome, Transition):
        return await apply(connection, linked, outcome, caller, "settings_changed"), None
    settings_version, secret = linked.settings_version, None
    if after.keys() - {"priority"}:
        settings_version += 1
        secret = await _add_version(connection, linked, after, caller, settings_version, sealer)
    changed = await _store(
        connection,
        linked,
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
    linked: LinkedConnection, change: SettingsChange
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that really change: as they are, and as they will be."""
    wanted: dict[str, Any] = dict(change.owners)
    if change.sets_webhook:
        wanted["webhook_url"] = change.webhook_url
    if change.priority is not None:
        wanted["priority"] = change.priority
    after = {name: value for name, value in wanted.items() if getattr(linked, name) != value}
    return {name: getattr(linked, name) for name in after}, after


async def _add_version(
    connection: Connection,
    linked: LinkedConnection,
    after: Mapping[str, Any],
    caller: Caller,
    version: int,
    sealer: Sealer,
) -> str | None:
    """Keep the next settings version; the secret when its endpoint is new."""
    endpoint_id, secret = linked.endpoint_id, None
    if "webhook_url" in after:
        endpoint_id, secret = await _endpoint(connection, linked.id, after["webhook_url"], sealer)
    await store.insert_settings_version(
        connection,
        linked.id,
        version,
        owners={name: after.get(name, getattr(linked, name)) for name in _OWNERS},
        endpoint_id=endpoint_id,
        created_by=caller.account_id,
    )
    return secret


async def _endpoint(
    connection: Connection, connection_id: UUID, url: str | None, sealer: Sealer
) -> tuple[UUID | None, str | None]:
    """The endpoint of a URL, and its secret when it is new.

    A URL that the connection had before is the same endpoint again, with its secret.
    """
    if url is None:
        return None, None
    for known in await store.endpoints(connection, connection_id):
        if known.url == url:
            return known.id, None
    endpoint_id = uuid7()
    secret = tokens.new_signing_secret()
    sealed = sealer.seal(secret, f"endpoint:{endpoint_id}")
    await store.insert_endpoint(
        connection,
        connection_id,
        ConnectionEndpoint(id=endpoint_id, url=url, sealed_secrets=(sealed,)),
    )
    return endpoint_id, secret
