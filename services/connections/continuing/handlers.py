"""What connections reads of its own topics at each start."""

from collections.abc import Sequence

from services.connections.continuing.continuing import Continuing
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import (
    ACCOUNTS_CHANGED,
    CONNECTIONS_CHANGED,
    SIGNING_KEYS_CHANGED,
    STORES_CHANGED,
)


def subscribe(router: BatchRouter, continuing: Continuing) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        continuing: hears it.
    """

    @router.whole_subscriber(ACCOUNTS_CHANGED, parse=read(AccountChanged))
    async def on_accounts_changed(changes: Sequence[AccountChanged]) -> None:
        await continuing.hear_accounts(changes)

    @router.whole_subscriber(STORES_CHANGED, parse=read(StoreChanged))
    async def on_stores_changed(changes: Sequence[StoreChanged]) -> None:
        await continuing.hear_stores(changes)

    @router.whole_subscriber(CONNECTIONS_CHANGED, parse=read(ConnectionChanged))
    async def on_connections_changed(changes: Sequence[ConnectionChanged]) -> None:
        await continuing.hear_connections(changes)

    @router.whole_subscriber(SIGNING_KEYS_CHANGED, parse=read(SigningKeysChanged))
    async def on_keys_changed(changes: Sequence[SigningKeysChanged]) -> None:
        continuing.hear_keys(changes)
