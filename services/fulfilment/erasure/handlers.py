"""What fulfilment does when an account is erased."""

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

    @router.whole_subscriber(ACCOUNTS_CHANGED, parse=read(AccountChanged))
    async def on_accounts_changed(changes: Sequence[AccountChanged]) -> None:
        """Note what was erased; the rest is done in the background."""
        await erased.apply(changes)
