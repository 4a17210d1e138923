"""Tokens that are over before their time, as every process hears of it. Pure.

Tokens live ten minutes and are verified offline. What takes a right from somebody is told on
`accounts.changed` or `connections.changed`, and every process refuses their tokens from then on. A
token that was issued later carries what is true, so that only the changes of the last minutes
matter, and only they are kept.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.web.auth import Delegation, Principal

# The longest life of a token, and clocks that differ.
MOST_TOKEN_SECONDS = 600
Changed = TypeVar("Changed", AccountChanged, ConnectionChanged)
_KEPT = timedelta(seconds=MOST_TOKEN_SECONDS + 300)


_LIVE = (ConnectionState.INACTIVE, ConnectionState.ACTIVE)


class Revocations:
    """The accounts and the connections that changed lately."""

    def __init__(self) -> None:
        self._accounts: dict[UUID, AccountChanged] = {}
        self._connections: dict[UUID, ConnectionChanged] = {}

    def __len__(self) -> int:
        return len(self._accounts) + len(self._connections)

    def apply(self, changes: Iterable[AccountChanged], now: datetime | None = None) -> None:
        """Take in what the topic says of accounts, in any order and however often."""
        _take(self._accounts, ((one.account_id, one) for one in changes), now)

    def apply_connections(
        self, changes: Iterable[ConnectionChanged], now: datetime | None = None
    ) -> None:
        """The same of connections."""
        _take(self._connections, ((one.connection_id, one) for one in changes), now)

    def revokes(self, principal: Principal) -> bool:
        """Whether the token of this principal is over."""
        if principal.delegation is not None and self._ends(principal.delegation):
            return True
        behalf = self._accounts.get(principal.account_id)
        if principal.actor is not None and behalf is not None and behalf.erased:
            return True
        change = self._accounts.get(principal.own_account)
        if change is None or principal.version > change.version:
            return False
        if change.erased or principal.session in {one.session_id for one in change.ended_sessions}:
            return True
        valid_from = {str(one.person_id): one.valid_from for one in change.people}
        valid_from |= {str(one.client_id): one.valid_from for one in change.clients}
        since = valid_from.get(principal.subject)
        return since is None or principal.version < since

    def _ends(self, delegation: Delegation) -> bool:
        change = self._connections.get(delegation.connection_id)
        if change is None or delegation.version >= change.version:
            return False
        return (
            change.epoch != delegation.epoch
            or change.state not in _LIVE
            # Also when it is allowed again by now.
            or delegation.version < change.delegation_since
            or change.delegation == "off"
            or (delegation.may_set_keys and change.delegation != "credentials")
        )


def _take(
    known: dict[UUID, Changed], changes: Iterable[tuple[UUID, Changed]], now: datetime | None
) -> None:
    """Keep the newest of each, as long as a token of before may live."""
    since = (now or datetime.now(UTC)) - _KEPT
    for key, change in changes:
        older = known.get(key)
        if change.changed_at > since and (older is None or older.version < change.version):
            known[key] = change
    for key in [key for key, change in known.items() if change.changed_at <= since]:
        del known[key]
