"""What ingest reads: which stores there are, and how they prove themselves."""

from collections.abc import Sequence

from services.ingest.credentials import Stores
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import STORES_CHANGED


def subscribe(router: BatchRouter, stores: Stores) -> None:
    """Declare what ingest reads.

    Args:
        router: FastStream's, of this process.
        stores: the projection in memory.
    """

    @router.whole_subscriber(STORES_CHANGED, parse=read(StoreChanged))
    async def on_stores_changed(changes: Sequence[StoreChanged]) -> None:
        """Take newer states into memory and keep them for the next start."""
        await stores.apply(changes)
