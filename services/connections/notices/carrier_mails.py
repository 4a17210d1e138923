"""Mails to carriers: what `fulfilment` sealed becomes a mail in the name of its account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.connections.mail.kinds import CarrierTicket, Mail
from services.connections.mail.outgoing import Outgoing
from services.connections.notices import store
from shared.contracts.notices import CarrierLetter, CarrierMail, NoticeRaised
from shared.kafka.batch import Record
from shared.postgres.database import Session
from shared.sealing import Sealer


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """A letter of an account."""

    account_id: UUID
    message_id: UUID
    letter: CarrierLetter


def reader(sealer: Sealer) -> Callable[[Record], NoticeRaised | OpenedMail]:
    """How to read a record of `notices`.

    One that does not open is a dead letter by itself: the operator may bring its key back.
    """

    def read(record: Record) -> NoticeRaised | OpenedMail:
        raised = NoticeRaised.model_validate_json(record.value)
        if not isinstance(raised.data, CarrierMail):
            return raised
        opened = sealer.open(raised.data.sealed, raised.data.context)
        letter = CarrierLetter.model_validate_json(opened)
        return OpenedMail(raised.account_id, raised.data.message_id, letter)

    return read


async def queue(session: Session, outgoing: Outgoing, opened: Sequence[OpenedMail]) -> None:
    """Queue each once; none in the name of an account that was erased."""
    if not opened:
        return
    names = await store.names_of_accounts(session, {one.account_id for one in opened})
    await outgoing.queue(
        session,
        *(
            Mail(
                one.letter.to,
                CarrierTicket(account=names[one.account_id], **dict(one.letter)),
                one.letter.language,
                f"ticket:{one.account_id}:{one.message_id}",
            )
            for one in opened
            if one.account_id in names
        ),
    )
