"""A re-point: orders that are bound to an older webhook of the connection use the current one.

Each keeps its snapshot; what is sent to its endpoint goes to the URL of the current one, signed
with that one's secrets: what waits, what is tried again, and what is still to come.
"""

from uuid import UUID

from services.connections.callers import Caller
from services.connections.connection import store, transitions
from services.connections.connection.models import Change, Connection
from shared.failures import Refused
from shared.postgres.database import Session


async def repoint(
    session: Session, connection_id: UUID, caller: Caller, if_match: int | None
) -> tuple[Connection, list[UUID]]:
    """The connection, and the endpoints that send to its current one from now on.

    Whatever state it is in: orders that stay with the 3PL after a disconnect are told of, too.

    Raises:
        Refused: `not_found`, also when there is no webhook; `version_conflict`,
            `not_yours_to_set`.
    """
    connection = await transitions.lock_connection(
        session, connection_id, caller.account_id, if_match
    )
    if caller.account_id != connection.three_pl_id:
        raise Refused("not_yours_to_set", party="3PL", field="the webhook")
    if connection.endpoint_id is None:
        raise Refused("not_found", what="webhook")
    moved = await store.repoint_endpoints(session, connection.id, connection.endpoint_id)
    if not moved:
        return connection, []
    change = Change(
        action="repointed",
        state=connection.state,
        epoch=connection.epoch,
        priority=connection.priority,
        settings_version=connection.settings_version,
        before={"endpoints": sorted(map(str, moved))},
        after={"endpoint_id": str(connection.endpoint_id)},
    )
    return await transitions.write(session, connection, change, caller), moved
