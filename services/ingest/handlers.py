"""What ingest reads: which stores there are, how they prove themselves, and which are claims."""

from collections.abc import Sequence

from services.ingest.claims import Claims
from services.ingest.credentials import Stores
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import CONNECTIONS_CHANGED, STORES_CHANGED


def subscribe(router: BatchRouter, stores: Stores, claims: Claims) -> None:
    """Declare what ingest reads.

    Args:
        router: FastStream's, of this process.
        stores: the projection in memory.
        claims: who entered them.
    """

    @router.whole_subscriber(STORES_CHANGED, parse=read(StoreChanged))
    async def on_stores_changed(changes: Sequence[StoreChanged]) -> None:
        """Take newer states into memory and keep them for the next start."""
        await stores.apply(changes)

    @router.whole_subscriber(CONNECTIONS_CHANGED, parse=read(ConnectionChanged))
    async def on_connections_changed(changes: Sequence[ConnectionChanged]) -> None:
        """Know whose claims there are; nothing is kept."""
        claims.apply(changes)
