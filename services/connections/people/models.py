"""People, and the links that are mailed to them, as they are kept. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.connections.mail.kinds import Language
from shared.contracts.accounts_changed import AccountKind, Role
from shared.failures import Refused

Purpose = Literal["sign_up", "reset_password", "accept", "stop_mail"]

LIFETIMES: dict[Purpose, timedelta] = {
    "sign_up": timedelta(hours=48),
    "reset_password": timedelta(minutes=30),
    "accept": timedelta(hours=48),
    "stop_mail": timedelta(days=90),
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
    role: Role
    version: int


@dataclass(frozen=True, slots=True)
class MailedLink:
    """What went to an address and nowhere else.

    `account_kind` and `account_name` are of a sign-up, `connection_id` of what a 3PL asked for.
    """

    purpose: Purpose
    email: str
    language: Language
    account_kind: AccountKind | None
    account_name: str | None
    connection_id: UUID | None
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
