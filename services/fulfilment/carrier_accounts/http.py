"""Carrier accounts over HTTP: the caller's own; credentials go in, and never come out."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints
from uuid_utils.compat import uuid7

from services.fulfilment.carrier_accounts import store
from services.fulfilment.carrier_accounts.account import (
    CarrierAccount,
    Http,
    Keys,
    Kind,
    Manual,
    SendcloudSettings,
    open_keys,
    seal,
)
from services.fulfilment.labels.dependencies import Desk
from shared.contracts.fields import DISPLAYABLE
from shared.egress.guard import AddressRefused
from shared.failures import Permanent, Refused
from shared.postgres.database import Session
from shared.runtime import Schema
from shared.signing_secrets import new_secret
from shared.web.access import Account
from shared.web.if_match import IfMatch
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

_Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=DISPLAYABLE)]
_Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")]
_Settings = Annotated[Manual | Http | SendcloudSettings, Field(discriminator="kind")]


class Changed(Form):
    """How the carrier is reached; `new_secret` of the kind `http`: sign with another one."""

    name: _Name
    settings: _Settings
    new_secret: bool = False


class NewAccount(Form):
    """An account with a carrier; `carrier` is what shipping rules name it by."""

    carrier: _Code
    name: _Name
    settings: _Settings


class ShownAccount(BaseModel):
    """An account with a carrier. `public_key` says which integration of Sendcloud's it is."""

    id: UUID
    carrier: str
    name: str
    kind: Kind
    url: str | None
    sender_address_id: int | None
    public_key: str | None
    version: int


class MadeAccount(ShownAccount):
    """With the secret that signs requests to the account's own system: shown this once."""

    secret: str | None = None


class CarrierAccounts(BaseModel):
    """All of the account's, by carrier."""

    data: list[ShownAccount]


class ShownOption(BaseModel):
    """A way to send; `service` is what rules name."""

    service: str
    name: str
    price: str | None
    currency: str | None


class Options(BaseModel):
    """What the carrier offers; `is_known` is false where it does not say, or not now."""

    is_known: bool
    data: list[ShownOption]


router = APIRouter(
    prefix="/v1/carrier-accounts", tags=["carriers"], dependencies=[only_known_parameters]
)


@router.get("", summary="Carrier accounts")
async def list_accounts(caller: Account, database: Schema, desk: Desk) -> CarrierAccounts:
    """The caller's own; nobody else sees them."""
    async with database.reading() as session:
        found = await store.list_accounts(session, caller.account_id)
    return CarrierAccounts(data=[_shown(desk, one) for one in found])


@router.post(
    "",
    status_code=201,
    summary="Add a carrier account",
    openapi_extra=refuses("carrier_account_exists"),
)
async def add_account(
    caller: Account, request: Request, desk: Desk, body: NewAccount
) -> MadeAccount:
    """One for each carrier. Shipments that the caller's rules give to it can have labels then."""
    await _check(desk, body.settings)
    id_ = uuid7()
    keys = _keys_of(body.settings, None, renew=True)

    async def create(session: Session) -> MadeAccount:
        one = _account(desk, id_, caller.account_id, body.carrier, body.name, body.settings, keys)
        if not await store.add(session, one):
            raise Refused("carrier_account_exists", carrier=body.carrier)
        return _made(desk, one, keys)

    return await desk.idempotency_keys.run_once(
        request, str(caller.account_id), MadeAccount, body, create, _again
    )


@router.get("/{account_id}", summary="One carrier account", openapi_extra=refuses("not_found"))
async def get_account(
    caller: Account, database: Schema, desk: Desk, account_id: UUID
) -> ShownAccount:
    """Without its credentials."""
    async with database.reading() as session:
        found = await store.get(session, caller.account_id, account_id)
    if found is None:
        raise Refused("not_found", what="carrier account")
    return _shown(desk, found)


@router.put(
    "/{account_id}",
    summary="Change a carrier account",
    openapi_extra=refuses("not_found", "precondition_required", "version_conflict"),
)
async def change_account(
    caller: Account,
    database: Schema,
    desk: Desk,
    account_id: UUID,
    version: IfMatch,
    body: Changed,
) -> MadeAccount:
    """Needs `If-Match`. Counts for labels that are bought or asked about from now on."""
    if version is None:
        raise Refused("precondition_required")
    await _check(desk, body.settings)
    async with database.transaction() as session:
        known = await store.lock(session, caller.account_id, account_id)
        if known is None:
            raise Refused("not_found", what="carrier account")
        if known.version != version:
            raise Refused("version_conflict", what="carrier account", version=known.version)
        before = _opened(desk, known) if known.kind == body.settings.kind else None
        renew = body.new_secret or before is None
        keys = _keys_of(body.settings, before, renew=renew)
        one = _account(
            desk, known.id, known.account_id, known.carrier, body.name, body.settings, keys
        )
        await store.change(session, one)
    shown = replace(one, version=known.version + 1)
    return _made(desk, shown, keys if renew else None)


@router.delete(
    "/{account_id}",
    status_code=204,
    summary="Delete a carrier account",
    openapi_extra=refuses("not_found", "carrier_account_in_use"),
)
async def delete_account(caller: Account, database: Schema, account_id: UUID) -> Response:
    """With its credentials. Labels stay; what is under way has to end first."""
    async with database.transaction() as session:
        if await store.lock(session, caller.account_id, account_id) is None:
            raise Refused("not_found", what="carrier account")
        if not await store.delete(session, caller.account_id, account_id):
            raise Refused("carrier_account_in_use")
    return Response(status_code=204)


@router.get(
    "/{account_id}/options",
    summary="What the carrier offers",
    openapi_extra=refuses("not_found"),
)
async def list_options(
    caller: Account,
    database: Schema,
    desk: Desk,
    account_id: UUID,
    country: Annotated[str, Query(pattern="^[A-Z]{2}$", description="ISO 3166, of the buyer.")],
    postcode: Annotated[str | None, Query(max_length=20, pattern=DISPLAYABLE)] = None,
) -> Options:
    """Asks the carrier: which services reach a country. Also a test of the credentials."""
    async with database.reading() as session:
        found = await store.get(session, caller.account_id, account_id)
    if found is None:
        raise Refused("not_found", what="carrier account")
    try:
        carrier = desk.carriers.of(found)
    except Permanent:
        return Options(is_known=False, data=[])
    options = await carrier.options(country, postcode)
    return Options(
        is_known=options is not None,
        data=[
            ShownOption(
                service=one.service,
                name=one.name,
                price=str(one.price) if one.price is not None else None,
                currency=one.currency,
            )
            for one in options or ()
        ],
    )


async def _check(desk: Desk, settings: Manual | Http | SendcloudSettings) -> None:
    if isinstance(settings, Http):
        try:
            await desk.url_check.check(settings.url)
        except AddressRefused as error:
            flaw = {"pointer": "/settings/url", "message": str(error)}
            raise Refused("validation_failed", errors=[flaw]) from error


def _keys_of(
    settings: Manual | Http | SendcloudSettings, before: Keys | None, *, renew: bool
) -> Keys | None:
    if isinstance(settings, SendcloudSettings):
        webhook_key = settings.webhook_key or settings.secret_key
        return Keys(
            public_key=settings.public_key, secret=settings.secret_key, webhook_key=webhook_key
        )
    if isinstance(settings, Http):
        return Keys(secret=new_secret()) if renew or before is None else before
    return None


def _account(
    desk: Desk,
    id_: UUID,
    account_id: UUID,
    carrier: str,
    name: str,
    settings: Manual | Http | SendcloudSettings,
    keys: Keys | None,
) -> CarrierAccount:
    return CarrierAccount(
        id=id_,
        account_id=account_id,
        carrier=carrier,
        kind=settings.kind,
        name=name,
        url=settings.url if isinstance(settings, Http) else None,
        sender_address_id=(
            settings.sender_address_id if isinstance(settings, SendcloudSettings) else None
        ),
        sealed_keys=seal(desk.sealer, id_, keys) if keys else None,
        version=1,
    )


def _opened(desk: Desk, account: CarrierAccount) -> Keys | None:
    try:
        return open_keys(desk.sealer, account)
    except Permanent:
        return None


def _shown(desk: Desk, one: CarrierAccount) -> ShownAccount:
    keys = _opened(desk, one) if one.kind == "sendcloud" else None
    return ShownAccount(
        id=one.id,
        carrier=one.carrier,
        name=one.name,
        kind=one.kind,
        url=one.url,
        sender_address_id=one.sender_address_id,
        public_key=keys.public_key if keys else None,
        version=one.version,
    )


def _made(desk: Desk, one: CarrierAccount, keys: Keys | None) -> MadeAccount:
    secret = keys.secret if keys and one.kind == "http" else None
    return MadeAccount(**_shown(desk, one).model_dump(), secret=secret)


async def _again(session: Session, made: MadeAccount) -> None:
    """The first answer once more, as long as there is what it tells of."""
    if made.id not in await store.by_id(session, [made.id]):
        raise Refused("not_found", what="carrier account")
