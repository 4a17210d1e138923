"""What connections does with notices of other services."""

from collections.abc import Sequence

from services.connections.notices import store
from services.connections.notices.mailer import Mailer
from shared.contracts.notices import NoticeRaised
from shared.kafka.batch import read
from shared.kafka.subscriber import BatchRouter
from shared.kafka.topics import NOTICES
from shared.postgres.database import Database


def subscribe(router: BatchRouter, database: Database, mailer: Mailer) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: connections' schema.
        mailer: woken when some were kept.
    """

    @router.batch_subscriber(NOTICES, group="connections-notices", parse=read(NoticeRaised))
    async def on_notices(raised: Sequence[NoticeRaised]) -> None:
        """Keep them; whoever mails them sees to it that each is mailed once."""
        async with database.transaction() as session:
            await store.keep_notices(session, raised)
        mailer.wake()
