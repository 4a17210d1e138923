"""What a mail is about: one class for each kind, with all that its text needs. Pure.

Mails wait in Postgres across releases: a new field has a default, and a kind that went is read
until the last of it was sent.
"""

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.contracts.connections_changed import Party

Language = Literal["en", "es"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# In place of a store's domain: whatever stores the reader has.
EVERY_STORE = "*"
_LONGEST_NAME = 200
_LONGEST_WORDS = 500
_LONGEST_MESSAGE = 20_000


def _is_printed(letter: str) -> bool:
    # Controls, and marks that turn the direction of what follows.
    return letter.isspace() or unicodedata.category(letter)[0] != "C"


def _one_line(text: object) -> str:
    line = " ".join("".join(filter(_is_printed, str(text))).split())
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"


def _words(text: object) -> str:
    return _lines(text, _LONGEST_WORDS)


def _message(text: object) -> str:
    return _lines(text, _LONGEST_MESSAGE)


def _lines(text: object, longest: int) -> str:
    lines = "".join(filter(_is_printed, str(text)))[:longest].splitlines()
    return "\n".join(line.strip() for line in lines).strip()


# What somebody typed: one line, cut; never trusted, shown as text.
Name = Annotated[str, BeforeValidator(_one_line)]
# A sender's own words; the caller refuses links in them.
Words = Annotated[str, BeforeValidator(_words)]
# What is said in a ticket, as long as it is there.
Message = Annotated[str, BeforeValidator(_message)]
# A one-time token goes in the fragment, which no server on the way gets to see.
Link = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"\\]+$", max_length=2_000)]
Setting = Literal["shipping_rules_owner", "billing_owner", "support_owner"]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class ConfirmAddress(_Data):
    """Somebody signed up with this address; the link sets the password."""

    kind: Literal["confirm_address"] = "confirm_address"
    link: Link


class AccountExists(_Data):
    """Somebody signed up with an address that has an account."""

    kind: Literal["account_exists"] = "account_exists"
    log_in_link: Link
    reset_link: Link


class ResetPassword(_Data):
    """The link sets a new password, for 30 minutes."""

    kind: Literal["reset_password"] = "reset_password"
    link: Link


class NoAccount(_Data):
    """Somebody asked for a new password with an address that has no account."""

    kind: Literal["no_account"] = "no_account"
    sign_up_link: Link


class AddressChangeNew(_Data):
    """To the new address: the link makes it the account's."""

    kind: Literal["address_change_new"] = "address_change_new"
    link: Link


class AddressChangeOld(_Data):
    """To the old address: a change was asked for, or is done; the link undoes it."""

    kind: Literal["address_change_old"] = "address_change_old"
    is_done: bool
    link: Link


class Claim(_Data):
    """A 3PL entered this client: who asks for what."""

    kind: Literal["claim"] = "claim"
    three_pl: Name
    company: Name
    store_domain: Name
    shipping_rules_owner: Party
    billing_owner: Party
    support_owner: Party
    link: Link
    never_url: Link


class Invitation(_Data):
    """A brand invites its 3PL, perhaps with words of its own."""

    kind: Literal["invitation"] = "invitation"
    brand: Name
    store_domain: Name
    own_words: Words = ""
    link: Link
    never_url: Link


class AccountInvitation(_Data):
    """Somebody is asked to work in an account."""

    kind: Literal["account_invitation"] = "account_invitation"
    account: Name
    role: Name
    inviter: Name
    link: Link


class LinkWanted(_Data):
    """A brand found its shared link expired, and asks its 3PL for a new one."""

    kind: Literal["link_wanted"] = "link_wanted"
    store_domain: Name
    link: Link


class SameShop(_Data):
    """Two accounts have one shop; `proven_by` says which of them has proven it, if any."""

    kind: Literal["same_shop"] = "same_shop"
    store_domain: Name
    proven_by: Literal["nobody", "reader", "other"] = "nobody"


class NewDevice(_Data):
    """A log-in from a device that was not seen before; `at` has a time zone."""

    kind: Literal["new_device"] = "new_device"
    at: datetime
    device: Name


class TermsChanged(_Data):
    """The other party changed who pays or works."""

    kind: Literal["terms_changed"] = "terms_changed"
    by: Name
    setting: Setting
    before: Party
    after: Party
    store_domain: Name


class EndpointDisabled(_Data):
    """A receiver of the 3PL answered 410: nothing is sent there, `parked` deliveries wait."""

    kind: Literal["endpoint_disabled"] = "endpoint_disabled"
    store_domain: Name
    host: Name
    parked: int
    link: Link


class Counted(_Data):
    """One line of a mail that sums up: how many of what happened where."""

    store_domain: Name
    host: Name = ""
    count: int


class _Summary(_Data):
    """`lines` of the largest counts, `more` that are left out; `since` has a time zone."""

    lines: tuple[Counted, ...]
    more: int
    total: int
    since: datetime
    link: Link


class DeliveriesExhausted(_Summary):
    """Deliveries failed for good; a line for each endpoint."""

    kind: Literal["deliveries_exhausted"] = "deliveries_exhausted"


class OrdersQuarantined(_Summary):
    """What stores sent was not understood; a line for each store."""

    kind: Literal["orders_quarantined"] = "orders_quarantined"


class OrdersHandedBack(_Data):
    """A connection ended: how many orders went back to the brand, how many the 3PL finishes."""

    kind: Literal["orders_handed_back"] = "orders_handed_back"
    store_domain: Name
    reader: Party
    returned: int
    stayed: int
    link: Link


class TicketAnswered(_Data):
    """Somebody answered a ticket of the account; what they say is to be read in Relevo."""

    kind: Literal["ticket_answered"] = "ticket_answered"
    number: int
    answered_by: Literal["carrier", "operator"]
    link: Link


class TicketFile(_Data):
    """An attachment of a ticket; whoever has the link can read it until it ends."""

    name: Name
    link: Link


class CarrierTicket(_Data):
    """To a carrier: what is said in a ticket of an account about a parcel; answers are read."""

    kind: Literal["carrier_ticket"] = "carrier_ticket"
    account: Name
    number: int
    category: Name
    text: Message
    value: Name = ""
    grams_measured: int | None = None
    days_since_shipped: int | None = None
    expected_on: date | None = None
    correct_address: Name = ""
    files: tuple[TicketFile, ...] = ()
    reply_to: Name | None = None


MailData = (
    ConfirmAddress
    | AccountExists
    | ResetPassword
    | NoAccount
    | AddressChangeNew
    | AddressChangeOld
    | Claim
    | Invitation
    | AccountInvitation
    | LinkWanted
    | SameShop
    | NewDevice
    | TermsChanged
    | EndpointDisabled
    | DeliveriesExhausted
    | OrdersQuarantined
    | OrdersHandedBack
    | TicketAnswered
    | CarrierTicket
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to be sent.

    Args:
        to: the address, in its normal form.
        data: what it is about.
        language: that it is written in.
        once: a key of the caller's; a second mail with the same key is not queued while the first
            is known (90 days). It is kept as it is: no address and no token in it.
    """

    to: str
    data: MailData
    language: Language = "en"
    once: str | None = None


class Contents(BaseModel):
    """What of a mail is sealed while it waits."""

    to: str
    data: Annotated[MailData, Field(discriminator="kind")]
