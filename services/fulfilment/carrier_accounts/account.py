"""An account with a carrier: its kinds, what each needs to know, and the carrier behind it."""

from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from services.fulfilment.carriers.calling import Calls
from services.fulfilment.carriers.port import Carrier
from services.fulfilment.carriers.sendcloud.carrier import Sendcloud
from services.fulfilment.carriers.webapi.carrier import WebApi
from shared.failures import Permanent
from shared.sealing import Sealer

Kind = Literal["manual", "http", "sendcloud"]
_Secret = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[\x21-\x7e]+$")]


class Manual(BaseModel):
    """Labels are made elsewhere, and tracking numbers typed in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["manual"]


class Http(BaseModel):
    """The account's own shipping system: asked by signed JSON (docs/howto/carriers.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["http"]
    url: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[\x21-\x7e]+$")]


class SendcloudSettings(BaseModel):
    """An integration of Sendcloud's, with its API keys; `sender_address_id` is whence it sends.

    Keys are write-only. Without a `webhook_key` its webhooks are signed with the secret key.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sendcloud"]
    sender_address_id: int = Field(ge=1, le=2**53 - 1)
    public_key: _Secret
    secret_key: _Secret
    webhook_key: _Secret | None = None


class Keys(BaseModel):
    """What is sealed: of `http` the signing secret, of Sendcloud its keys."""

    public_key: str = ""
    secret: str = ""
    webhook_key: str = ""


@dataclass(frozen=True, slots=True)
class CarrierAccount:
    """`carrier` is what shipping rules name; `url` and `sender_address_id` as its kind has them."""

    id: UUID
    account_id: UUID
    carrier: str
    kind: Kind
    name: str
    url: str | None
    sender_address_id: int | None
    sealed_keys: str | None
    version: int


_keys = TypeAdapter(Keys)


def seal(sealer: Sealer, account_id: UUID, keys: Keys) -> str:
    """As a row keeps them."""
    return sealer.seal(keys.model_dump_json(), f"carrier-account:{account_id}")


def open_keys(sealer: Sealer, account: CarrierAccount) -> Keys:
    """What is sealed.

    Raises:
        Permanent: it does not open: a sealing key is missing.
    """
    if account.sealed_keys is None:
        raise Permanent("the credentials of a carrier account are gone")
    text = sealer.open(account.sealed_keys, f"carrier-account:{account.id}")
    return _keys.validate_json(text)


class Carriers:
    """Makes the carrier behind an account.

    Args:
        calls: the connections of the process.
        sealer: opens credentials.
        sendcloud_url: of Sendcloud's API.
    """

    def __init__(self, calls: Calls, sealer: Sealer, sendcloud_url: str) -> None:
        self._calls = calls
        self._sealer = sealer
        self._sendcloud_url = sendcloud_url

    def of(self, account: CarrierAccount) -> Carrier:
        """The carrier; of `manual` there is none.

        Raises:
            Permanent: its credentials do not open, or it has no carrier to ask.
        """
        keys = open_keys(self._sealer, account)
        if account.kind == "http" and account.url is not None:
            return WebApi(self._calls, account.url, keys.secret)
        if account.kind == "sendcloud" and account.sender_address_id is not None:
            return Sendcloud(
                self._calls,
                (keys.public_key, keys.secret),
                account.sender_address_id,
                self._sendcloud_url,
            )
        raise Permanent("labels of this carrier account are not bought here")
