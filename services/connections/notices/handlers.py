"""What connections does with notices of other services."""

from collections.abc import Sequence

from services.connections.notices import store
from services.connections.notices.mailer import Mailer
from shared.contracts.notices import NoticeRaised
from shared.kafka.batch import read
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import NOTICES
from shared.postgres import positions
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows


def subscribe(
    router: BatchRouter, database: Database, mailer: Mailer, after: Sequence[Wait]
) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: connections' schema.
        mailer: woken when some were kept.
        after: awaited before any are read.
    """

    @router.positioned_subscriber(
        NOTICES,
        group="connections-notices",
        parse=read(NoticeRaised),
        rows=PositionRows(database, NOTICES.name),
        after=after,
    )
    async def on_notices(raised: Sequence[NoticeRaised], steps: Sequence[Step]) -> None:
        """Keep them; whoever mails them sees to it that each is mailed once."""
        async with database.transaction() as session:
            await store.keep_notices(session, raised)
            await positions.move(session, NOTICES.name, steps)
        mailer.wake()
