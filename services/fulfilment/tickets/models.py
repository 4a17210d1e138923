"""Tickets as they are kept, and who may do what with one. Pure."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.fulfilment.tickets.needs import Category, HelpCategory
from services.fulfilment.tickets.states import Author, Kind, Standing, State
from shared.failures import Refused

MOST_ATTACHMENTS = 20
MAX_ATTACHMENT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket of `account_id`; `other_id` is the other party of its order.

    `fields` and `carrier_email` are None since an erasure.
    """

    id: UUID
    number: int
    kind: Kind
    account_id: UUID
    other_id: UUID | None
    order_id: UUID | None
    category: Category | HelpCategory
    state: State
    fields: str | None
    carrier_email: str | None
    language: str
    reply_key: bytes | None
    created_by: UUID | None
    created_at: datetime
    opened_at: datetime | None
    state_since: datetime
    due_at: datetime | None
    erased_at: datetime | None

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        return Standing(
            self.kind,
            self.category,
            self.state,
            self.state_since,
            self.due_at,
            self.carrier_email is not None,
        )

    def require_owner(self, account_id: UUID) -> None:
        """Let whoever answers change it; the other party of the order reads.

        Raises:
            Refused: `not_support_owner`.
        """
        if self.account_id != account_id:
            raise Refused("not_support_owner")

    def require_words(self) -> None:
        """Let something be said in it, unless what it said was erased.

        Raises:
            Refused: `order_erased`.
        """
        if self.erased_at is not None:
            raise Refused("order_erased")


@dataclass(frozen=True, slots=True)
class OrderOfTicket:
    """An order that somebody wants to open a ticket about."""

    id: UUID
    brand_id: UUID
    three_pl_id: UUID | None
    support_of: UUID
    is_erased: bool

    def other_than(self, account_id: UUID) -> UUID | None:
        """The other party, to whoever answers for its tickets.

        Raises:
            Refused: `not_support_owner`, `order_erased`.
        """
        if self.support_of != account_id:
            raise Refused("not_support_owner")
        if self.is_erased:
            raise Refused("order_erased")
        return self.three_pl_id if account_id == self.brand_id else self.brand_id


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wrote; `text` is None since an erasure."""

    id: UUID
    author: Author
    written_by: UUID | None
    text: str | None
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is there whole; `name` is None since an erasure."""

    id: UUID
    name: str | None
    content_type: str
    size_bytes: int
    added_by: UUID | None
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """Which tickets of an account."""

    state: State | None = None
    category: Category | HelpCategory | None = None
    kind: Kind | None = None
    overdue: bool | None = None
    order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many tickets are in a state, and how many of them are overdue."""

    state: State
    tickets: int
    overdue: int
