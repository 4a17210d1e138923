"""What is said to a carrier on its way to `connections`, which sends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.fulfilment.tickets.files.links import token_of
from services.fulfilment.tickets.mail.addresses import reply_address
from services.fulfilment.tickets.models import Attachment, Message, Ticket
from services.fulfilment.tickets.needs import TicketFields
from shared.contracts.notices import CarrierFile, CarrierLetter, CarrierMail
from shared.notices import notice
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.sealing import Sealer


@dataclass(frozen=True, slots=True)
class Post:
    """Puts letters into the outbox.

    Args:
        sealer: of letters and links.
        public_url: what links start with.
        domain: of the addresses that are answered to; empty: answers do not come back.
    """

    sealer: Sealer
    public_url: str
    domain: str

    async def send(
        self,
        session: Session,
        ticket: Ticket,
        messages: Sequence[Message],
        files: Sequence[Attachment],
    ) -> None:
        """Mail these messages to the ticket's carrier, in one letter."""
        last = messages[-1]
        letter = self._letter(ticket, messages, files)
        data = CarrierMail(ticket_id=ticket.id, message_id=last.id, sealed="")
        sealed = self.sealer.seal(letter.model_dump_json(), data.context)
        data = data.model_copy(update={"sealed": sealed})
        raised = notice("fulfilment", ticket.account_id, data, last.id, datetime.now(UTC))
        await outbox.write(session, [raised])

    def _letter(
        self, ticket: Ticket, messages: Sequence[Message], files: Sequence[Attachment]
    ) -> CarrierLetter:
        fields = TicketFields.model_validate_json(ticket.fields or "{}")
        to = fields.correct_address
        return CarrierLetter(
            to=ticket.carrier_email or "",
            language="es" if ticket.language == "es" else "en",
            number=ticket.number,
            category=ticket.category,
            text="\n\n".join(message.text or "" for message in messages),
            value=f"{fields.value} {fields.currency}" if fields.value else "",
            grams_measured=fields.grams_measured,
            days_since_shipped=fields.days_since_shipped,
            expected_on=fields.expected_on,
            correct_address=", ".join(value for _, value in to if value) if to else "",
            files=tuple(self._file(file) for file in files),
            reply_to=reply_address(ticket.reply_key, self.domain)
            if self.domain and ticket.reply_key
            else None,
        )

    def _file(self, file: Attachment) -> CarrierFile:
        token = token_of(self.sealer, file.id, datetime.now(UTC))
        link = f"{self.public_url}/v1/ticket-files/{token}"
        return CarrierFile(name=file.name or "file", link=link)
