"""What routing does when an account is erased."""

from collections.abc import Sequence

from services.routing.erasure import eraser
from services.routing.sweep import Sweeper
from shared.contracts.accounts_changed import AccountChanged
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import ACCOUNTS_CHANGED
from shared.postgres.database import Database


def subscribe(router: BatchRouter, database: Database, sweeper: Sweeper) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: routing's schema.
        sweeper: woken when orders of an erased 3PL go back.
    """

    @router.batch_subscriber(ACCOUNTS_CHANGED, group="routing-erasure", parse=read(AccountChanged))
    async def on_accounts_changed(changes: Sequence[AccountChanged]) -> None:
        """Erase; the offset is committed after the last chunk, a crash goes on with the rest."""
        for change in changes:
            if change.erased and await eraser.erase(database, change):
                sweeper.wake()
