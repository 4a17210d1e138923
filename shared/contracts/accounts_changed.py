"""`accounts.changed`: connections says who may act in an account."""

from typing import Literal
from uuid import UUID

from shared.contracts.fields import Timestamp, WireContract

AccountKind = Literal["brand", "three_pl"]
Role = Literal["owner", "operator", "viewer"]


class Member(WireContract):
    """A person that works in an account.

    `valid_from` is the version of the account at which their rights last changed: a token that was
    issued at an older one is over.
    """

    person_id: UUID
    role: Role
    valid_from: int


class Machine(WireContract):
    """An API client of an account; `valid_from` as that of a person."""

    client_id: UUID
    valid_from: int


class EndedSession(WireContract):
    """A session that was ended before its tokens were; told of as long as one may live."""

    session_id: UUID
    ended_at: Timestamp


class AccountChanged(WireContract):
    """`accounts.changed`, key `account_id`, compacted: an account and who may act in it.

    Who is not among `people` and `clients` may not, whatever token they hold. `erased` is the last
    that is said of an account. `version` grows with every change.
    """

    account_id: UUID
    kind: AccountKind
    plan: str
    version: int
    people: tuple[Member, ...] = ()
    clients: tuple[Machine, ...] = ()
    ended_sessions: tuple[EndedSession, ...] = ()
    erased: bool = False
    changed_at: Timestamp
