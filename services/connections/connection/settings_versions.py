"""Settings of a connection: each change a new version, which orders that enter from then on get."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.accounts import tokens
from services.connections.callers import Caller
from services.connections.connection import lifecycle, store, terms, transitions
from services.connections.connection.models import (
    Change,
    Connection,
    Owners,
    SettingsVersion,
)
from services.connections.mail.outgoing import Outgoing
from services.connections.people import registry as people
from shared.contracts.connections_changed import ConnectionEndpoint, LogInAsBrand, Party
from shared.egress.sealed_url import SealedUrl, open_url
from shared.failures import Refused
from shared.postgres.database import Session
from shared.sealing import Sealer

OWNERS = tuple(field.name for field in fields(Owners))
# Of the connection itself: no order is bound to them.
_OWN = {"priority", "delegation", "locked_settings"}
# Of one owner in an hour: who changes terms back and forth sends no flood.
_MOST_MAILS = 10
_HOUR = timedelta(hours=1)
_KINDS = ("terms_changed",)


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a caller wants changed.

    `owners` names those of `OWNERS` that change. `sets_webhook` distinguishes `webhook_url=None`
    (remove it) from a webhook that is not spoken of.
    """

    owners: Mapping[str, Party]
    sets_webhook: bool
    webhook_url: str | None = field(repr=False)
    priority: int | None
    delegation: LogInAsBrand | None
    locked: Sequence[str] | None


async def change_settings(
    session: Session,
    connection_id: UUID,
    change: SettingsChange,
    caller: Caller,
    if_match: int,
    sealer: Sealer,
    outgoing: Outgoing,
) -> tuple[Connection, str | None]:
    """The changed connection, and the signing secret of a new endpoint (shown only now).

    The owners of the other party get a mail when it has to pay or to work from now on.

    Raises:
        Refused: `not_found`, `version_conflict`, `not_yours_to_set`, `setting_locked`,
            `invalid_transition`, `priority_taken`.
    """
    connection = await transitions.lock_connection(
        session, connection_id, caller.account_id, if_match
    )
    if change.sets_webhook and caller.account_id != connection.three_pl_id:
        raise Refused("not_yours_to_set", party="3PL", field="the webhook")
    # With it a 3PL could take the orders of another one.
    if change.priority is not None and caller.account_id != connection.brand_id:
        raise Refused("not_yours_to_set", party="brand", field="the priority")
    if change.delegation is not None and caller.account_id != connection.brand_id:
        raise Refused("not_yours_to_set", party="brand", field="what is done in its name")
    if change.locked is not None and caller.account_id != connection.brand_id:
        raise Refused("not_yours_to_set", party="brand", field="what is locked")
    known = await _known_endpoint(session, connection.id, change.webhook_url, sealer)
    before, after = _difference(connection, change, known)
    if not after:
        return connection, None
    by: Party = "brand" if caller.account_id == connection.brand_id else "three_pl"
    if by == "three_pl" and (held := after.keys() & set(connection.locked_settings)):
        raise Refused("setting_locked", field=min(held))
    priority = after.get("priority", connection.priority)
    transition = lifecycle.change_settings(
        connection.state,
        connection.epoch,
        priority=priority,
        taken_priorities=await store.list_taken_priorities(session, connection),
    )
    endpoint_id, secret = known if change.sets_webhook else connection.endpoint_id, None
    if change.webhook_url is not None and endpoint_id is None:
        endpoint_id, secret = await _new_endpoint(
            session, connection.id, change.webhook_url, sealer
        )
        after["webhook_endpoint_id"] = endpoint_id
    version = await _next_version(session, connection, after, endpoint_id, caller)
    written = Change(
        action="settings_changed",
        state=transition.state,
        epoch=transition.epoch,
        priority=priority,
        settings_version=version,
        before=before,
        after=after,
        delegation=after.get("delegation"),
        locked_settings=after.get("locked_settings"),
    )
    changed = await transitions.write(session, connection, written, caller)
    await _tell(session, outgoing, changed, by, before, after)
    return changed, secret


def changed_fields(before: SettingsVersion, after: SettingsVersion) -> list[str]:
    """What differs between two versions; the webhook by its endpoint."""
    changed = [name for name in OWNERS if getattr(before, name) != getattr(after, name)]
    return [*changed, "webhook"] if before.endpoint_id != after.endpoint_id else changed


async def _tell(
    session: Session,
    outgoing: Outgoing,
    connection: Connection,
    by: Party,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Mail the owners of the other party, unless they had enough of it in this hour."""
    if not terms.imposed(by, after):
        return
    other = connection.three_pl_id if by == "brand" else connection.brand_id
    owners = [
        owner
        for owner in await people.owners_of(session, other)
        if await outgoing.count(session, owner.email, _HOUR, _KINDS) < _MOST_MAILS
    ]
    await outgoing.queue(session, *terms.mails(connection, by, before, after, owners))


def _difference(
    connection: Connection, change: SettingsChange, known: UUID | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that really change: as they are, and as they will be.

    `known` is the endpoint that has the wanted URL already. What is kept for good names endpoints
    and no URL: a 3PL may be erased.
    """
    wanted: dict[str, Any] = dict(change.owners)
    if change.priority is not None:
        wanted["priority"] = change.priority
    if change.delegation is not None:
        wanted["delegation"] = change.delegation
    if change.locked is not None:
        wanted["locked_settings"] = sorted(set(change.locked))
    after = {name: value for name, value in wanted.items() if getattr(connection, name) != value}
    before = {name: getattr(connection, name) for name in after}
    is_new = known is None and change.webhook_url is not None
    # By the endpoint: different URLs may look the same once they are masked.
    if change.sets_webhook and (is_new or known != connection.endpoint_id):
        before["webhook_endpoint_id"] = connection.endpoint_id
        after["webhook_endpoint_id"] = known
    return before, after


async def _next_version(
    session: Session,
    connection: Connection,
    after: Mapping[str, Any],
    endpoint_id: UUID | None,
    caller: Caller,
) -> int:
    """The settings version that the connection has then."""
    if not after.keys() - _OWN:
        return connection.settings_version
    version = connection.settings_version + 1
    await store.insert_settings_version(
        session,
        connection.id,
        version,
        owners=Owners(**{name: after.get(name, getattr(connection, name)) for name in OWNERS}),
        endpoint_id=endpoint_id,
        created_by=caller.account_id,
    )
    return version


async def _known_endpoint(
    session: Session, connection_id: UUID, url: str | None, sealer: Sealer
) -> UUID | None:
    """The endpoint of a URL that the connection had before: the same again, with its secret.

    Not one that was re-pointed: orders are bound to it, and they stay where they were sent to.
    """
    if url is None:
        return None
    for known in await store.list_endpoints(session, connection_id):
        if (
            known.sends_to is None
            and open_url(known.sealed_url, known.url, known.id, sealer) == url
        ):
            return known.id
    return None


async def _new_endpoint(
    session: Session, connection_id: UUID, url: str, sealer: Sealer
) -> tuple[UUID, str]:
    """An endpoint for a URL, and its signing secret."""
    endpoint_id = uuid7()
    secret = tokens.new_signing_secret()
    kept = SealedUrl.of(url, endpoint_id, sealer)
    endpoint = ConnectionEndpoint(
        id=endpoint_id,
        sealed_url=kept.sealed,
        masked_url=kept.masked,
        sealed_secrets=(sealer.seal(secret, f"endpoint:{endpoint_id}"),),
    )
    digest = sealer.digest(url, str(connection_id))
    await store.insert_endpoint(session, connection_id, endpoint, digest)
    return endpoint_id, secret
