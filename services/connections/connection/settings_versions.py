"""Settings of a connection: each change a new version, which orders that enter from then on get."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.accounts import tokens
from services.connections.callers import Caller
from services.connections.connection import lifecycle, store, transitions
from services.connections.connection.models import Change, Connection, Owners
from shared.contracts.connections_changed import ConnectionEndpoint, Party
from shared.failures import Refused
from shared.postgres.database import Session
from shared.sealing import Sealer

OWNERS = tuple(field.name for field in fields(Owners))


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a caller wants changed.

    `owners` names those of `OWNERS` that change. `sets_webhook` distinguishes `webhook_url=None`
    (remove it) from a webhook that is not spoken of.
    """

    owners: Mapping[str, Party]
    sets_webhook: bool
    webhook_url: str | None
    priority: int | None


async def change_settings(
    session: Session,
    connection_id: UUID,
    change: SettingsChange,
    caller: Caller,
    if_match: int,
    sealer: Sealer,
) -> tuple[Connection, str | None]:
    """The changed connection, and the signing secret of a new endpoint (shown only now).

    Raises:
        Refused: `not_found`, `version_conflict`, `not_yours_to_set`, `invalid_transition`,
            `priority_taken`.
    """
    connection = await transitions.lock_connection(
        session, connection_id, caller.account_id, if_match
    )
    if change.sets_webhook and caller.account_id != connection.three_pl_id:
        raise Refused("not_yours_to_set", party="3PL", field="the webhook")
    # With it a 3PL could take the orders of another one.
    if change.priority is not None and caller.account_id != connection.brand_id:
        raise Refused("not_yours_to_set", party="brand", field="the priority")
    before, after = _difference(connection, change)
    if not after:
        return connection, None
    priority = after.get("priority", connection.priority)
    transition = lifecycle.change_settings(
        connection.state,
        connection.epoch,
        priority=priority,
        taken_priorities=await store.list_taken_priorities(session, connection),
    )
    version, secret = await _next_version(session, connection, after, caller, sealer)
    written = Change(
        action="settings_changed",
        state=transition.state,
        epoch=transition.epoch,
        priority=priority,
        settings_version=version,
        before=before,
        after=after,
    )
    return await transitions.write(session, connection, written, caller), secret


def _difference(
    connection: Connection, change: SettingsChange
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that really change: as they are, and as they will be."""
    wanted: dict[str, Any] = dict(change.owners)
    if change.sets_webhook:
        wanted["webhook_url"] = change.webhook_url
    if change.priority is not None:
        wanted["priority"] = change.priority
    after = {name: value for name, value in wanted.items() if getattr(connection, name) != value}
    return {name: getattr(connection, name) for name in after}, after


async def _next_version(
    session: Session,
    connection: Connection,
    after: Mapping[str, Any],
    caller: Caller,
    sealer: Sealer,
) -> tuple[int, str | None]:
    """The settings version that the connection has then; the secret when its endpoint is new."""
    # The priority is the connection's own; orders are not bound to it.
    if not after.keys() - {"priority"}:
        return connection.settings_version, None
    version, endpoint_id, secret = connection.settings_version + 1, connection.endpoint_id, None
    if "webhook_url" in after:
        endpoint_id, secret = await _endpoint(session, connection.id, after["webhook_url"], sealer)
    await store.insert_settings_version(
        session,
        connection.id,
        version,
        owners=Owners(**{name: after.get(name, getattr(connection, name)) for name in OWNERS}),
        endpoint_id=endpoint_id,
        created_by=caller.account_id,
    )
    return version, secret


async def _endpoint(
    session: Session, connection_id: UUID, url: str | None, sealer: Sealer
) -> tuple[UUID | None, str | None]:
    """The endpoint of a URL, and its secret when it is new.

    A URL that the connection had before is the same endpoint again, with its secret.
    """
    if url is None:
        return None, None
    for known in await store.list_endpoints(session, connection_id):
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
