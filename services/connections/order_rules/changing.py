"""A change of order rules: a new version, which counts for orders that enter from then on."""

from datetime import UTC, datetime
from math import ceil
from uuid import UUID

from services.connections.callers import Caller
from services.connections.connection import lifecycle, transitions
from services.connections.connection.models import Change, Connection
from services.connections.order_rules import registry, store
from services.connections.order_rules.models import RulesVersion, as_sent, wait_for_room
from shared.failures import Refused
from shared.postgres.database import Session
from shared.rules.order_rules import OrderRules


async def change_rules(
    session: Session, connection_id: UUID, wanted: OrderRules, caller: Caller, if_match: int
) -> tuple[Connection, RulesVersion]:
    """The connection and its rules, which the brand alone changes; the same again is no change.

    Raises:
        Refused: `not_found`, `version_conflict`, `not_yours_to_set`, `invalid_transition`,
            `order_rules_changed_too_often` (with `retry_after`, in seconds).
    """
    connection = await transitions.lock_connection(
        session, connection_id, caller.account_id, if_match
    )
    if caller.account_id != connection.brand_id:
        raise Refused("not_yours_to_set", party="brand", field="which orders the 3PL is sent")
    transition = lifecycle.change_settings(
        connection.state, connection.epoch, priority=connection.priority, taken_priorities=()
    )
    before = await store.get_newest(session, connection_id, caller.account_id)
    if before.says(wanted):
        return connection, before
    await store.insert_version(
        session,
        connection_id,
        before.version + 1,
        as_sent(wanted),
        wanted.default,
        caller.account_id,
    )
    wait = wait_for_room(await registry.told_of(session, connection_id), datetime.now(UTC))
    if wait is not None:
        # The version goes with the transaction.
        raise Refused("order_rules_changed_too_often", retry_after=ceil(wait.total_seconds()))
    after = await store.get_newest(session, connection_id, caller.account_id)
    change = Change(
        action="order_rules_changed",
        state=transition.state,
        epoch=transition.epoch,
        priority=connection.priority,
        settings_version=connection.settings_version,
        before=_audited(before),
        after=_audited(after),
    )
    return await transitions.write(session, connection, change, caller), after


def _audited(version: RulesVersion) -> dict[str, object]:
    """The rules themselves are found by their version: an audit log has no words of people."""
    return {
        "order_rules_version": version.version,
        "rules": len(version.rules),
        "default": version.default_action,
    }
