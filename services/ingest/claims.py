"""Whose claim a store is: which 3PL entered it, as long as no brand has accepted. Pure."""

from collections.abc import Iterable
from uuid import UUID

from shared.contracts.connections_changed import ConnectionChanged, ConnectionState


class Claims:
    """The stores of all claims, in memory; a claim's store has one connection, which is pending."""

    def __init__(self) -> None:
        self._three_pls: dict[UUID, UUID] = {}

    def apply(self, changes: Iterable[ConnectionChanged]) -> None:
        """Take states of connections, in the order in which they came about."""
        for change in changes:
            if change.state is ConnectionState.PENDING:
                self._three_pls[change.store_id] = change.three_pl_id
            else:
                self._three_pls.pop(change.store_id, None)

    def three_pl_of(self, store_id: UUID) -> UUID | None:
        """Who entered the store; None for a brand's own."""
        return self._three_pls.get(store_id)
