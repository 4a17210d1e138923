"""Who sits at a browser, as its session keeps it. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

AccountKind = Literal["brand", "three_pl"]
# A token that ends within this is renewed first: it has to last for the call.
_SPARE = timedelta(seconds=30)
# As long as the tokens of a session can be renewed.
IDLE = timedelta(days=30)


class Account(BaseModel):
    """An account that a person works in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: UUID
    kind: AccountKind
    name: str
    plan: str
    role: Literal["owner", "operator", "viewer"]


class Acting(BaseModel):
    """In whose name a 3PL acts for now (RFC 8693), and until when."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    ends_at: datetime
    connection_id: UUID
    brand: str
    store: str


class Tokens(BaseModel):
    """What a session of the API is, and what it lets its person do."""

    model_config = ConfigDict(frozen=True)

    access_token: str
    ends_at: datetime
    refresh_token: str
    person_id: UUID
    email: str
    account_id: UUID
    accounts: tuple[Account, ...]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Self:
        """From what a log-in or a refresh answered."""
        return cls(
            access_token=answer["access_token"],
            ends_at=datetime.now(UTC) + timedelta(seconds=answer["expires_in"]),
            refresh_token=answer["refresh_token"],
            person_id=answer["person_id"],
            email=answer["email"],
            account_id=answer["account_id"],
            accounts=tuple(Account.model_validate(one) for one in answer["accounts"]),
        )

    @property
    def account(self) -> Account:
        """The one that its person works in now."""
        return next(one for one in self.accounts if one.id == self.account_id)

    def is_stale(self, now: datetime) -> bool:
        """Whether the access token is to be renewed before it is used."""
        return self.ends_at - _SPARE < now


class Kept(BaseModel):
    """All that a session keeps, sealed."""

    model_config = ConfigDict(frozen=True)

    tokens: Tokens
    acting: Acting | None = None
