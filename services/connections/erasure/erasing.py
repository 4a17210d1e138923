"""Erasing an account, or a claim that expired: one transaction, told to every service."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.connections import messages
from services.connections.callers import Caller
from services.connections.connection import transitions
from services.connections.connection.lifecycle import ConnectionCommand
from services.connections.connection.models import Change
from services.connections.erasure import store
from services.connections.erasure.models import Erased
from services.connections.order_rules import registry as order_rules
from services.connections.stores import registry as stores
from shared.egress.sealed_url import SealedUrl
from shared.failures import Refused, Transient
from shared.kafka.topics import DELETE_RETENTION_MS
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.sealing import Sealer

# What an endpoint leads to afterwards: nowhere (RFC 6761, 6.4), in a form that every reader opens.
NOWHERE = "https://erased.invalid"
# The retention of the topics, and until the segment of a record is rolled and deleted.
_LOGS_KEPT = timedelta(milliseconds=DELETE_RETENTION_MS) + timedelta(days=1)


async def erase(session: Session, sealer: Sealer, account_id: UUID, traceparent: str) -> Erased:
    """Nothing personal of the account is kept; its pending connections end. Again: as it was.

    Args:
        session: in a transaction.
        sealer: of the URLs that stand in place of a 3PL's.
        account_id: whose data.
        traceparent: of the request.

    Raises:
        Refused: `not_found`; `connections_live` (with some `connection_ids`): ending them decides
            about custody, and is asked for by itself.
        Transient: somebody was asked in, or joined, at this moment.
    """
    accounts = await _hold(session, account_id)
    erased = await _erased(session, account_id)
    if erased is not None:
        return erased
    live = await store.list_live(session, account_id)
    if live:
        raise Refused("connections_live", connection_ids=[str(one) for one in live])
    caller = Caller(account_id, None, traceparent)
    for pending in await store.list_pending(session, account_id):
        await transitions.change_state(session, pending, ConnectionCommand.DISCONNECT, caller, None)
    await _erase_accounts(session, accounts, caller)
    await _erase_endpoints(session, sealer, caller)
    for connection_id in await order_rules.erase(session, account_id):
        await _announce(session, connection_id, "order_rules_erased", caller)
    erased = await _erased(session, account_id)
    if erased is None:
        raise LookupError(f"account {account_id} is held and was not erased")
    return erased


def logs_until(erased: Erased) -> datetime:
    """By then the last copies of its orders have gone from the log."""
    return erased.erased_at + _LOGS_KEPT


async def erase_claim(session: Session, account_id: UUID, caller: Caller) -> None:
    """Nothing is kept of a claim that is over; the caller holds its account and its store."""
    await _erase_accounts(session, [account_id], caller)


async def _hold(session: Session, account_id: UUID) -> list[UUID]:
    """The account and its claims, held as those who join and accept hold them.

    Addresses first, then the account, then stores: whoever follows a mailed link has the address.
    """
    followers = await store.list_followers(session, account_id)
    await store.hold_addresses(session, followers)
    accounts = await store.lock_accounts(session, account_id)
    await store.lock_stores(session, account_id)
    is_there = account_id in accounts
    if is_there and not await store.list_followers(session, account_id) <= followers:
        raise Transient("a link was mailed, or somebody joined, at the same moment")
    return accounts


async def _erased(session: Session, account_id: UUID) -> Erased | None:
    try:
        return await store.get_erased(session, account_id)
    except LookupError as error:
        raise Refused("not_found", what="account") from error


async def _erase_accounts(session: Session, accounts: Sequence[UUID], caller: Caller) -> None:
    scope = await store.scope_of(session, accounts)
    await store.end_correspondence(session, scope)
    await store.end_access(session, scope)
    for store_id in await store.erase_stores(session, accounts, caller.account_id):
        await stores.announce(session, store_id, caller)
    ended = await store.erase_accounts(session, accounts)
    await transitions.rename(session, await store.list_connections(session, accounts))
    await outbox.write(
        session,
        [
            messages.account_changed(one, (), (), (), caller.traceparent, erased=True)
            for one in ended
        ],
    )


async def _erase_endpoints(session: Session, sealer: Sealer, caller: Caller) -> None:
    """The webhooks of a 3PL lead nowhere: each connection that had one says so, as a version."""
    endpoints = await store.list_endpoints(session, caller.account_id)
    urls = {one: SealedUrl.of(NOWHERE, one, sealer) for one in endpoints}
    await store.erase_endpoints(session, urls)
    for connection_id in sorted(set(endpoints.values())):
        await _announce(session, connection_id, "webhook_erased", caller)


async def _announce(session: Session, connection_id: UUID, action: str, caller: Caller) -> None:
    """The connection without what was erased of it, as a version."""
    connection = await transitions.visible_connection(session, connection_id, caller.account_id)
    change = Change(
        action=action,
        state=connection.state,
        epoch=connection.epoch,
        priority=connection.priority,
        settings_version=connection.settings_version,
        before={},
        after={},
    )
    await transitions.write(session, connection, change, caller)
