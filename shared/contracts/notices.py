"""`notices`: a service says that the people of an account should hear of something."""

from datetime import date, datetime
from typing import Annotated, Literal, get_args
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from shared.contracts.fields import PRINTABLE, Count, Timestamp, WireContract

NoticeKind = Literal[
    "endpoint_disabled",
    "deliveries_exhausted",
    "orders_quarantined",
    "orders_handed_back",
    "ticket_answered",
]
NOTICE_KINDS: tuple[NoticeKind, ...] = get_args(NoticeKind)
# Of a webhook URL nothing else: its path may hold tokens.
Host = Annotated[str, Field(max_length=255, pattern=PRINTABLE)]


class EndpointDisabled(WireContract):
    """To its owner: the receiver answered 410, nothing is sent there; `parked` deliveries wait.

    A brand's endpoint has no connection, and no store.
    """

    kind: Literal["endpoint_disabled"] = "endpoint_disabled"
    endpoint_id: UUID
    connection_id: UUID | None = None
    store_id: UUID | None = None
    host: Host
    parked: Count


class DeliveriesExhausted(WireContract):
    """To its owner: so many deliveries of an endpoint failed for good since then.

    A brand's endpoint has no connection, and no store.
    """

    kind: Literal["deliveries_exhausted"] = "deliveries_exhausted"
    endpoint_id: UUID
    connection_id: UUID | None = None
    store_id: UUID | None = None
    host: Host
    deliveries: Count
    since: Timestamp


class OrdersQuarantined(WireContract):
    """To the brand: so many bodies of a store were accepted and not understood since then."""

    kind: Literal["orders_quarantined"] = "orders_quarantined"
    store_id: UUID
    entries: Count
    since: Timestamp


class OrdersHandedBack(WireContract):
    """To both parties: a hand-over is done; what went back to the brand, what the 3PL finishes."""

    kind: Literal["orders_handed_back"] = "orders_handed_back"
    connection_id: UUID
    store_id: UUID
    epoch: int
    returned: Count
    stayed: Count


class TicketAnswered(WireContract):
    """To whose ticket it is: the carrier or the operator has answered."""

    kind: Literal["ticket_answered"] = "ticket_answered"
    ticket_id: UUID
    number: Count
    answered_by: Literal["carrier", "operator"]


NoticeData = Annotated[
    EndpointDisabled | DeliveriesExhausted | OrdersQuarantined | OrdersHandedBack | TicketAnswered,
    Field(discriminator="kind"),
]


class CarrierMail(WireContract):
    """Not to the account: a message of its ticket that goes to the carrier by mail.

    What the mail says is sealed (`CarrierLetter`). Only `fulfilment` knows it, only `connections`
    sends mail, and neither asks the other: it has to come by the log, where nobody reads it without
    the installation's keys. It stands there no longer than the orders that such words are about
    (7 days), and `connections` keeps it as any mail: sealed until it was sent, and then not at all.
    """

    kind: Literal["carrier_mail"] = "carrier_mail"
    ticket_id: UUID
    message_id: UUID
    sealed: str

    @property
    def context(self) -> str:
        """What the letter is sealed as."""
        return f"carrier-mail:{self.message_id}"


class CarrierFile(WireContract):
    """An attachment; `link` needs no log-in, and ends."""

    name: str
    link: str


class CarrierLetter(WireContract):
    """What is sealed in a `CarrierMail`; amounts and addresses are one line each."""

    to: str
    language: Literal["en", "es"]
    number: int
    category: str
    text: str
    value: str = ""
    grams_measured: int | None = None
    days_since_shipped: int | None = None
    expected_on: date | None = None
    correct_address: str = ""
    files: tuple[CarrierFile, ...] = ()
    reply_to: str | None = None


RaisedData = Annotated[
    EndpointDisabled
    | DeliveriesExhausted
    | OrdersQuarantined
    | OrdersHandedBack
    | TicketAnswered
    | CarrierMail,
    Field(discriminator="kind"),
]


class NoticeRaised(WireContract):
    """`notices`, key `account_id`: something that the account's people should hear of.

    Ids, counts, times and hosts alone, but for what is sealed. `id` is a function of what it is
    about (`notice_id`): a decision that is repeated raises the same notice, which is told once.
    """

    id: UUID
    account_id: UUID
    data: RaisedData
    raised_at: Timestamp


def notice_id(account_id: UUID, kind: str, about: UUID, at: datetime | None = None) -> UUID:
    """The id of a notice: always the same for the same account, kind, thing and moment."""
    moment = at.isoformat() if at else ""
    return uuid5(NAMESPACE_URL, f"relevo:notice:{account_id}:{kind}:{about}:{moment}")
