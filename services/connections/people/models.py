"""People, and the links that are mailed to them, as they are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.connections.accounts.plans import Plan
from services.connections.mail.kinds import Language
from shared.contracts.accounts_changed import AccountKind, Role
from shared.failures import Refused

Purpose = Literal[
    "sign_up",
    "reset_password",
    "accept",
    "stop_mail",
    "join",
    "change_email",
    "undo_email",
    "invite",
]

LIFETIMES: dict[Purpose, timedelta] = {
    "sign_up": timedelta(hours=48),
    "reset_password": timedelta(minutes=30),
    "accept": timedelta(hours=48),
    "stop_mail": timedelta(days=90),
    "join": timedelta(hours=48),
    "change_email": timedelta(hours=48),
    "undo_email": timedelta(days=7),
    "invite": timedelta(hours=48),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who reads the mails to an address; `password_hash` is None until a mailed link set one."""

    id: UUID
    email: str
    password_hash: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class Membership:
    """An account that a person works in; `version` is the account's."""

    account_id: UUID
    kind: AccountKind
    name: str
    plan: Plan
    role: Role
    version: int


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person that works in an account, as its other people see them."""

    person_id: UUID
    email: str
    role: Role
    since: datetime


@dataclass(frozen=True, slots=True)
class About:
    """What a mailed link is about.

    `account_kind` and `account_name` are of a sign-up, `connection_id` of what a 3PL asked for,
    `account_id` and `role` of an invitation to work in an account, `person_id` of a change of
    address, `invitation_id` of an invitation to a 3PL.
    """

    account_kind: AccountKind | None = None
    account_name: str | None = None
    connection_id: UUID | None = None
    account_id: UUID | None = None
    role: Role | None = None
    person_id: UUID | None = None
    invitation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MailedLink:
    """What went to an address and nowhere else; what else there is of it depends on the purpose."""

    purpose: Purpose
    email: str
    language: Language
    about: About
    expires_at: datetime
    is_over: bool
    used_by: UUID | None

    def require_unused(self) -> None:
        """Let it be used for the first time.

        Raises:
            Refused: `link_expired`.
        """
        if self.is_over or self.used_by is not None:
            raise Refused("link_expired")
