"""Changes of a connection: each one transaction of compare-and-set, audit row and message."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.connections import messages
from services.connections.callers import Caller
from services.connections.connection import lifecycle, store
from services.connections.connection.lifecycle import (
    ConnectionCommand,
    Outcome,
    Transition,
    Unchanged,
)
from services.connections.connection.models import Change, Connection, Owners
from services.connections.order_rules import registry as order_rules
from services.connections.stores import claims, registry
from services.connections.stores.models import Store
from shared.contracts.connections_changed import SETTINGS_HISTORY, ConnectionState
from shared.failures import Refused, Transient
from shared.postgres import outbox
from shared.postgres.database import Session

_ACTIONS = {
    ConnectionCommand.ACTIVATE: "activated",
    ConnectionCommand.DEACTIVATE: "deactivated",
    ConnectionCommand.DISCONNECT: "disconnected",
}
_FIRST_OWNERS = Owners(shipping_rules_owner="brand", billing_owner="brand", support_owner="brand")


async def visible_connection(session: Session, connection_id: UUID, account_id: UUID) -> Connection:
    """The connection, for its parties.

    Raises:
        Refused: `not_found` for everybody else.
    """
    connection = await store.get_connection(session, connection_id, account_id)
    if connection is None:
        raise Refused("not_found", what="connection")
    return connection


async def lock_connection(
    session: Session, connection_id: UUID, account_id: UUID, if_match: int | None
) -> Connection:
    """The connection as it is once we hold its store's lock.

    Raises:
        Refused: `not_found` for strangers; `version_conflict` when it is not at `if_match`.
    """
    connection = await visible_connection(session, connection_id, account_id)
    held = None
    # Who held the lock may have accepted it into another store.
    while held != connection.store_id:
        held = connection.store_id
        await registry.lock_store(session, held)
        connection = await visible_connection(session, connection_id, account_id)
    if if_match is not None and if_match != connection.version:
        raise Refused("version_conflict", what="connection", version=connection.version)
    return connection


async def lock_newest_pending(
    session: Session, three_pl_id: UUID, brand_id: UUID, store_id: UUID | None
) -> Connection:
    """The newest pending connection of a 3PL with a brand, its store locked.

    Args:
        session: in a transaction.
        three_pl_id: whose.
        brand_id: with whom.
        store_id: of this store alone.

    Raises:
        Refused: `nothing_pending`.
    """
    pending = await store.get_newest_pending(session, three_pl_id, brand_id, store_id)
    if pending is not None:
        connection = await lock_connection(session, pending.id, three_pl_id, None)
        # Read again: it may have been accepted or ended while we waited.
        if connection.state is ConnectionState.PENDING:
            return connection
    raise Refused("nothing_pending")


async def require_no_shop(session: Session, three_pl_id: UUID, platform: str, domain: str) -> None:
    """Let a 3PL pass that has no live connection to this shop.

    Raises:
        Refused: `already_connected` (with the `connection_id`).
    """
    live = await store.get_live_connection_of_shop(session, three_pl_id, platform, domain)
    if live is not None:
        raise Refused("already_connected", connection_id=str(live))


async def move(session: Session, connection: Connection, store_id: UUID, brand_id: UUID) -> None:
    """A pending connection goes where its brand accepts it; `accept` tells of that.

    Raises:
        Refused: `already_connected`: the 3PL has a live one there.
    """
    if not await store.move_connection(session, connection, store_id, brand_id):
        live = await store.get_live_connection_id(session, connection.three_pl_id, store_id)
        raise Refused("already_connected", connection_id=str(live))


async def create_connection(session: Session, of_store: Store, caller: Caller) -> Connection:
    """A new pending connection of the 3PL that calls, with its first settings version."""
    connection_id = await store.insert_connection(
        session, of_store.id, of_store.brand_id, caller.account_id
    )
    await store.insert_settings_version(
        session,
        connection_id,
        1,
        owners=_FIRST_OWNERS,
        endpoint_id=None,
        created_by=caller.account_id,
    )
    await store.insert_audit_entry(
        session,
        connection_id,
        caller,
        "created",
        before={},
        after={"state": ConnectionState.PENDING, "epoch": 0},
    )
    await store.refresh_words(session, [connection_id])
    return await _announce(session, connection_id, caller)


async def rename(session: Session, connections: Sequence[UUID]) -> None:
    """A party of the connections has another name: they are found by that from now on."""
    await store.refresh_words(session, connections)


async def accept(session: Session, connection_id: UUID, caller: Caller) -> Connection:
    """The brand accepts; the caller holds the store's lock.

    Raises:
        Refused: `not_found`, `invalid_transition`.
    """
    connection = await visible_connection(session, connection_id, caller.account_id)
    outcome = lifecycle.accept(connection.state, connection.epoch)
    taken = await store.list_accepted_priorities(session, connection)
    await store.refresh_words(session, [connection_id])
    return await _apply(
        session, connection, outcome, caller, "accepted", lifecycle.next_priority(taken)
    )


async def expire(session: Session, connection_id: UUID, caller: Caller) -> Connection:
    """Nobody accepted it in time: its 3PL's keys die; the caller holds the store's lock.

    Raises:
        Refused: `not_found`, `invalid_transition`.
    """
    connection = await visible_connection(session, connection_id, caller.account_id)
    outcome = lifecycle.expire(connection.state, connection.epoch)
    if isinstance(outcome, Transition):
        await claims.drop_keys(session, connection.store_id, connection.three_pl_id, caller)
    return await _apply(session, connection, outcome, caller, "expired")


async def change_state(
    session: Session,
    connection_id: UUID,
    command: ConnectionCommand,
    caller: Caller,
    if_match: int | None,
) -> Connection:
    """Activate, deactivate or disconnect; asking for what is already so changes nothing.

    Raises:
        Refused: `not_found`, `version_conflict`, `invalid_transition`, `plan_required`,
            `store_proven_elsewhere`, `priority_taken`.
    """
    if command is ConnectionCommand.ACTIVATE:
        seen = await visible_connection(session, connection_id, caller.account_id)
        await registry.lock_shop(session, seen.platform, seen.domain)
    connection = await lock_connection(session, connection_id, caller.account_id, if_match)
    outcome = await _decide(session, connection, command)
    if connection.state is ConnectionState.PENDING and isinstance(outcome, Transition):
        await claims.drop_keys(session, connection.store_id, connection.three_pl_id, caller)
    return await _apply(session, connection, outcome, caller, _ACTIONS[command])


async def _decide(session: Session, connection: Connection, command: ConnectionCommand) -> Outcome:
    match command:
        case ConnectionCommand.ACTIVATE:
            return lifecycle.activate(
                connection.state,
                connection.epoch,
                plan=connection.three_pl_plan,
                is_proven_elsewhere=await registry.is_proven_elsewhere(
                    session, connection.brand_id, connection.platform, connection.domain
                ),
                priority=connection.priority,
                taken_priorities=await store.list_taken_priorities(session, connection),
            )
        case ConnectionCommand.DEACTIVATE:
            return lifecycle.deactivate(connection.state, connection.epoch)
        case ConnectionCommand.DISCONNECT:
            return lifecycle.disconnect(connection.state, connection.epoch)


async def _apply(
    session: Session,
    connection: Connection,
    outcome: Outcome,
    caller: Caller,
    action: str,
    priority: int | None = None,
) -> Connection:
    match outcome:
        case Unchanged():
            return connection
        case Transition():
            change = Change(
                action=action,
                state=outcome.state,
                epoch=outcome.epoch,
                priority=connection.priority if priority is None else priority,
                settings_version=connection.settings_version,
                before={"state": connection.state, "epoch": connection.epoch},
                after={"state": outcome.state, "epoch": outcome.epoch},
            )
            return await write(session, connection, change, caller)


async def note(
    session: Session, connection_id: UUID, caller: Caller, action: str, after: Mapping[str, Any]
) -> None:
    """Write down what was done in the name of a party, and changed nothing of the connection."""
    await store.insert_audit_entry(session, connection_id, caller, action, {}, after)


async def write(
    session: Session, connection: Connection, change: Change, caller: Caller
) -> Connection:
    """Compare-and-set, audit row, message; the connection as it is then.

    Raises:
        Transient: it is no longer at the version of `connection`.
    """
    if not await store.update_connection(session, connection, change):
        # The store's lock prevents it; without the lock this is what keeps two from both winning.
        raise Transient("the connection changed at the same moment")
    await store.insert_audit_entry(
        session, connection.id, caller, change.action, change.before, change.after
    )
    return await _announce(session, connection.id, caller)


async def _announce(session: Session, connection_id: UUID, caller: Caller) -> Connection:
    """Put the full state into the outbox; the connection as it is now."""
    connection = await visible_connection(session, connection_id, caller.account_id)
    endpoints = await store.list_endpoints(session, connection_id)
    history = await store.list_effective_settings(session, connection_id, SETTINGS_HISTORY)
    rules = await order_rules.told_of(session, connection_id)
    message = messages.connection_changed(connection, endpoints, history, rules, caller.traceparent)
    await outbox.write(session, [message])
    return connection
