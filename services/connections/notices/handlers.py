"""What connections does with notices of other services."""

from collections.abc import Sequence

from services.connections.mail.outgoing import Outgoing
from services.connections.notices import carrier_mails, store
from services.connections.notices.carrier_mails import OpenedMail
from services.connections.notices.mailer import Mailer
from shared.contracts.notices import NoticeRaised
from shared.kafka.positions import Step
from shared.kafka.subscriber import BatchRouter, Wait
from shared.kafka.topics import NOTICES
from shared.postgres import positions
from shared.postgres.database import Database
from shared.postgres.positions import PositionRows
from shared.sealing import Sealer


def subscribe(
    router: BatchRouter,
    database: Database,
    mailer: Mailer,
    outgoing: Outgoing,
    sealer: Sealer,
    after: Sequence[Wait],
) -> None:
    """Declare it.

    Args:
        router: FastStream's, of this process.
        database: connections' schema.
        mailer: woken when some were kept.
        outgoing: where mails to carriers are queued.
        sealer: of what those say.
        after: awaited before any are read.
    """

    @router.positioned_subscriber(
        NOTICES,
        group="connections-notices",
        parse=carrier_mails.reader(sealer),
        rows=PositionRows(database, NOTICES.name),
        after=after,
    )
    async def on_notices(
        raised: Sequence[NoticeRaised | OpenedMail], steps: Sequence[Step]
    ) -> None:
        """Keep them; whoever mails them sees to it that each is mailed once."""
        async with database.transaction() as session:
            await store.keep_notices(
                session, [notice for notice in raised if isinstance(notice, NoticeRaised)]
            )
            mails = [mail for mail in raised if isinstance(mail, OpenedMail)]
            await carrier_mails.queue(session, outgoing, mails)
            await positions.move(session, NOTICES.name, steps)
        mailer.wake()
