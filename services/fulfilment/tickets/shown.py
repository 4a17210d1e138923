"""Tickets as the API shows them, and the forms that it takes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, EmailStr, Field, StringConstraints

from services.fulfilment.tickets import models
from services.fulfilment.tickets.needs import Category, HelpCategory, TicketFields
from services.fulfilment.tickets.states import Author, Kind, State
from shared.web.parameters import Form

Words = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=10_000, strip_whitespace=True, pattern=r"^[^\x00]*$"
    ),
]
Language = Literal["en", "es"]


class NewTicket(Form):
    """A carrier ticket about an order, or a help ticket to the operator: its category says which.

    With `carrier_email` the messages of a carrier ticket are mailed there.
    """

    order_id: UUID | None = None
    category: Category | HelpCategory
    fields: TicketFields = Field(default_factory=TicketFields)
    message: Words
    carrier_email: Annotated[EmailStr, Field(max_length=254)] | None = None
    language: Language = Field(default="en", description="Of the mails to the carrier.")


class NewMessage(Form):
    """What is said next."""

    text: Words


class Ticket(BaseModel):
    """A ticket; `is_own`: the caller's account answers, else it reads.

    `due_at` is when the state has lasted too long. `fields` and `carrier_email` are null when what
    it said was erased.
    """

    id: UUID
    number: int
    kind: Kind
    order_id: UUID | None
    category: Category | HelpCategory
    state: State
    is_own: bool
    overdue: bool
    due_at: datetime | None
    fields: dict[str, Any] | None
    carrier_email: str | None
    language: str
    created_by: UUID | None
    created_at: datetime
    opened_at: datetime | None
    state_since: datetime


class Message(BaseModel):
    """What somebody wrote; `text` is null when it was erased."""

    id: UUID
    author: Author
    written_by: UUID | None
    text: str | None
    written_at: datetime


class Attachment(BaseModel):
    """A file; `content_type` is what it is, whatever its name says."""

    id: UUID
    name: str | None
    content_type: str
    size_bytes: int
    added_by: UUID | None
    added_at: datetime


class WholeTicket(Ticket):
    """A ticket with all that is in it, the oldest first."""

    messages: list[Message]
    attachments: list[Attachment]


class Counted(BaseModel):
    """Tickets in a state."""

    state: State
    tickets: int
    overdue: int


class Counts(BaseModel):
    """How many tickets the account may read, exact up to 10,000."""

    states: list[Counted]
    overdue: int


def ticket(one: models.Ticket, account_id: UUID | None, now: datetime) -> Ticket:
    """As `account_id` sees it; None: the operator."""
    return Ticket(**_of(one, account_id, now))


def whole(
    one: models.Ticket,
    account_id: UUID | None,
    now: datetime,
    messages: Sequence[models.Message],
    attachments: Sequence[models.Attachment],
) -> WholeTicket:
    """The same with all that is in it."""
    return WholeTicket(
        **_of(one, account_id, now),
        messages=[message(written) for written in messages],
        attachments=[attachment(file) for file in attachments],
    )


def message(one: models.Message) -> Message:
    """A message."""
    return Message.model_validate(one, from_attributes=True)


def attachment(one: models.Attachment) -> Attachment:
    """A file."""
    return Attachment.model_validate(one, from_attributes=True)


def counts(found: Sequence[models.Count]) -> Counts:
    """Of each state that there are any of."""
    return Counts(
        states=[Counted.model_validate(one, from_attributes=True) for one in found],
        overdue=sum(one.overdue for one in found),
    )


def _of(one: models.Ticket, account_id: UUID | None, now: datetime) -> dict[str, Any]:
    taken = {name: getattr(one, name) for name in Ticket.model_fields if hasattr(one, name)}
    return {
        **taken,
        "fields": orjson.loads(one.fields) if one.fields else None,
        "is_own": one.account_id == account_id,
        "overdue": one.standing.is_overdue(now),
    }
