"""What ingest does when an account is erased."""

from collections.abc import Sequence

from shared.contracts.accounts_changed import AccountChanged
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import ACCOUNTS_CHANGED
from shared.postgres.erased_accounts import ErasedAccounts


def subscribe(router: BatchRouter, erased: ErasedAccounts) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        erased: told of them.
    """

    @router.batch_subscriber(ACCOUNTS_CHANGED, group="ingest-erasure", parse=read(AccountChanged))
    async def on_accounts_changed(changes: Sequence[AccountChanged]) -> None:
        """Erase; the offset is committed after the last chunk, a crash goes on with the rest."""
        await erased.apply(changes)
