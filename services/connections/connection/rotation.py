"""A new signing secret for the webhook of a connection; the one before goes on for a while."""

from uuid import UUID

from services.connections.accounts import tokens
from services.connections.callers import Caller
from services.connections.connection import lifecycle, store, transitions
from services.connections.connection.models import Change, Connection
from shared.failures import Refused
from shared.postgres.database import Session
from shared.sealing import Sealer

# Both sign every webhook: a receiver takes either until it has the new one.
_MOST_SECRETS = 2


async def rotate_secret(
    session: Session, connection_id: UUID, caller: Caller, if_match: int | None, sealer: Sealer
) -> tuple[Connection, str]:
    """The connection at its next version, and the secret, which is shown only now.

    Raises:
        Refused: `not_found`, also when there is no webhook; `version_conflict`,
            `not_yours_to_set`, `invalid_transition`.
    """
    connection = await transitions.lock_connection(
        session, connection_id, caller.account_id, if_match
    )
    if caller.account_id != connection.three_pl_id:
        raise Refused("not_yours_to_set", party="3PL", field="the webhook")
    if connection.endpoint_id is None:
        raise Refused("not_found", what="webhook")
    standing = lifecycle.change_settings(
        connection.state,
        connection.epoch,
        priority=connection.priority,
        taken_priorities=(),
    )
    endpoints = await store.list_endpoints(session, connection.id)
    current = next(one for one in endpoints if one.id == connection.endpoint_id)
    secret = tokens.new_signing_secret()
    sealed = sealer.seal(secret, f"endpoint:{current.id}")
    kept = [sealed, *current.sealed_secrets][:_MOST_SECRETS]
    await store.set_endpoint_secrets(session, current.id, kept)
    change = Change(
        action="secret_rotated",
        state=standing.state,
        epoch=standing.epoch,
        priority=connection.priority,
        settings_version=connection.settings_version,
        before={},
        after={"endpoint_id": str(current.id)},
    )
    return await transitions.write(session, connection, change, caller), secret
