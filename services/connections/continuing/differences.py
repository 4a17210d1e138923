"""What the log says that the database does not know. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged, ConnectionState
from shared.contracts.stores_changed import StoreChanged

Changed = TypeVar("Changed", AccountChanged, StoreChanged, ConnectionChanged)
_OVER = (ConnectionState.DISCONNECTED, ConnectionState.EXPIRED)


def id_of(change: AccountChanged | StoreChanged | ConnectionChanged) -> UUID:
    """What the change is about: the key of its record."""
    match change:
        case AccountChanged():
            return change.account_id
        case StoreChanged():
            return change.store_id
        case ConnectionChanged():
            return change.connection_id


@dataclass(slots=True)
class Difference(Generic[Changed]):
    """The newest that one topic says of what is `behind` in the database, or `unknown` to it."""

    behind: dict[UUID, Changed] = field(default_factory=dict)
    unknown: dict[UUID, Changed] = field(default_factory=dict)

    def add(self, changes: Iterable[Changed], known: Mapping[UUID, int]) -> None:
        """Take in some records, in any order and however often.

        Args:
            changes: what they say.
            known: the versions in the database, of those of the changes that it has.
        """
        for change in changes:
            key = id_of(change)
            version = known.get(key)
            if version is not None and change.version <= version:
                continue
            kept = self.unknown if version is None else self.behind
            if key not in kept or kept[key].version < change.version:
                kept[key] = change


@dataclass(slots=True)
class Differences:
    """Those of the three topics; `erased`: accounts that the log says are, and the database not."""

    accounts: Difference[AccountChanged] = field(default_factory=Difference)
    stores: Difference[StoreChanged] = field(default_factory=Difference)
    connections: Difference[ConnectionChanged] = field(default_factory=Difference)
    erased: set[UUID] = field(default_factory=set)

    def is_behind(self) -> bool:
        """Whether there is anything to take over."""
        return bool(self.accounts.behind or self.stores.behind or self.connections.behind)

    def lost_accounts(self) -> list[AccountChanged]:
        """Those that have no row, but for erased ones: nobody misses these."""
        return [one for one in self.accounts.unknown.values() if not one.erased]

    def lost_stores(self) -> list[StoreChanged]:
        """The same of stores."""
        gone = {key for key, one in self.accounts.unknown.items() if one.erased}
        return [one for one in self.stores.unknown.values() if one.brand_id not in gone]

    def lost_connections(self) -> list[ConnectionChanged]:
        """The same of connections that are not over: nobody here can switch them off."""
        return [one for one in self.connections.unknown.values() if one.state not in _OVER]


def settings_of(change: ConnectionChanged) -> list[dict[str, Any]]:
    """The settings versions that a message has, the current one too."""
    told = {
        one.version: {**one.model_dump(mode="json"), "connection_id": str(change.connection_id)}
        for one in change.settings_history
    }
    current = change.settings.model_dump(mode="json") | {
        "connection_id": str(change.connection_id),
        "effective_at": change.changed_at.isoformat(),
    }
    return list(({change.settings.version: current} | told).values())


def order_rules_of(change: ConnectionChanged) -> list[dict[str, Any]]:
    """The versions of the order rules that a message has."""
    return [
        {**one.model_dump(mode="json"), "connection_id": str(change.connection_id)}
        for one in change.order_rules
    ]


def ended(change: ConnectionChanged, now: datetime) -> ConnectionChanged:
    """A connection above what the log says of it: over."""
    return change.model_copy(
        update={
            "state": ConnectionState.DISCONNECTED,
            "version": change.version + 1,
            "state_since": now,
            "changed_at": now,
        }
    )
