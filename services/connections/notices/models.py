"""What an account was told, and when its owners get a mail of it. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.connections.mail.kinds import Language
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.notices import NoticeData, NoticeKind

# Of these there may be any number: the first is mailed at once, later ones are gathered.
NOISY: tuple[NoticeKind, ...] = ("deliveries_exhausted", "orders_quarantined")
GATHERED = timedelta(hours=1)
KEPT = timedelta(days=90)
# Notices in one transaction of the mailer. Of a quiet kind each is a mail to each owner; of a noisy
# one all that an hour brings are one mail.
MOST_AT_ONCE = 100
MOST_GATHERED = 10_000
# In one mail.
MOST_LINES = 20


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice of an account; `raised_at` is when it happened."""

    id: UUID
    data: NoticeData
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """Notices of a kind are to be mailed to an account; `reader` is the kind of account."""

    account_id: UUID
    kind: NoticeKind
    reader: AccountKind


@dataclass(frozen=True, slots=True)
class Reader:
    """An owner of an account who wants mails of a kind."""

    person_id: UUID
    email: str
    language: Language
