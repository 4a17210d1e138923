"""What carriers say of parcels, over HTTP: signed, in no promised order, more than once."""

import hmac
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from pydantic import BaseModel, ConfigDict, Field

from services.fulfilment.carrier_accounts.account import CarrierAccount, Keys, Kind, open_keys
from services.fulfilment.carrier_accounts.owned import account_by_id
from services.fulfilment.carriers.port import ParcelWord
from services.fulfilment.carriers.sendcloud.webhook import words_of
from services.fulfilment.labels.dependencies import Dependencies, Desk
from services.fulfilment.labels.hearing import hear
from shared.contracts.fields import Timestamp
from shared.contracts.shipments_events import TrackingStatus
from shared.failures import Permanent, Refused
from shared.signing import fits
from shared.web.access import Access
from shared.web.networks import address_of, network_of
from shared.web.openapi import refuses
from shared.web.parameters import only_known_parameters
from shared.web.places import Held

_SENDCLOUD, _STANDARD = "sendcloud-signature", "webhook-signature"


class CarrierAccess(Access, SecurityBase):
    """A carrier, by its signature of the body with the secret of the account in the path.

    Args:
        kind: of the carrier accounts.
        header: that has the signature.
    """

    refusals = ("missing_signature", "invalid_signature", "overloaded")

    def __init__(self, kind: Kind, header: str, description: str) -> None:
        self._kind, self._header = kind, header
        self.scheme_name = f"{kind.title()}Signature"
        self.model = APIKey(**{"in": APIKeyIn.header}, name=header, description=description)

    async def __call__(self, request: Request, account_id: UUID) -> CarrierAccount:
        """Look at the signature.

        Raises:
            Refused: `missing_signature`; `invalid_signature`, the same for an account that there is
                not; `overloaded`.
        """
        if not request.headers.get(self._header):
            raise Refused(
                "missing_signature",
                header=self._header,
                platform="the carrier",
                otherwise="the secret is that of its account",
            )
        desk: Dependencies = request.app.state.labels
        with Held((desk.addresses, network_of(address_of(request))), (desk.places, None)):
            return await self._proven(desk, request, account_id)

    async def _proven(
        self, desk: Dependencies, request: Request, account_id: UUID
    ) -> CarrierAccount:
        async with desk.database.reading() as session:
            account = await account_by_id(session, account_id)
        refused = Refused("invalid_signature", header=self._header, platform="the carrier")
        if account is None or account.kind != self._kind:
            raise refused
        try:
            keys = open_keys(desk.sealer, account)
        except Permanent as error:
            raise refused from error
        if not self._is_signed(request, keys, await request.body()):
            raise refused
        return account

    def _is_signed(self, request: Request, keys: Keys, body: bytes) -> bool:
        if self._kind == "sendcloud":
            wanted = hmac.new(keys.webhook_key.encode(), body, "sha256").hexdigest()
            given = request.headers.get(_SENDCLOUD, "")
            return hmac.compare_digest(wanted.encode(), given.strip().lower().encode())
        return fits(keys.secret, request.headers, body, time.time())


FromSendcloud = Annotated[
    CarrierAccount,
    Depends(CarrierAccess("sendcloud", _SENDCLOUD, "Hex HMAC-SHA256 of the body.")),
]
FromOwnSystem = Annotated[
    CarrierAccount,
    Depends(CarrierAccess("http", _STANDARD, "Standard Webhooks 1.0, by the account's secret.")),
]


class TrackedParcel(BaseModel):
    """What an account's own system says of a parcel, by its tracking number."""

    model_config = ConfigDict(extra="ignore")

    tracking_number: Annotated[str, Field(min_length=1, max_length=100)]
    status: TrackingStatus
    at: Timestamp | None = None


class Tracking(BaseModel):
    """Up to 100 parcels."""

    model_config = ConfigDict(extra="ignore")

    parcels: list[TrackedParcel] = Field(min_length=1, max_length=100)


class Heard(BaseModel):
    """How many parcels were known; what is said late or again changes nothing."""

    known: int


router = APIRouter(prefix="/webhooks", tags=["carriers"], dependencies=[only_known_parameters])


# FAST003: the access reads it.
@router.post("/sendcloud/{account_id}", summary="Sendcloud says what became of a parcel")  # noqa: FAST003
async def hear_sendcloud(account: FromSendcloud, desk: Desk, request: Request) -> Heard:
    """`parcel_status_changed`; any other action is answered and nothing more."""
    try:
        body: object = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return Heard(known=0)
    return await _hear(desk, account, words_of(body))


@router.post(
    "/carriers/{account_id}",  # noqa: FAST003  as above
    summary="An account's own shipping system says where parcels are",
    openapi_extra=refuses("validation_failed"),
)
async def hear_own_system(account: FromOwnSystem, desk: Desk, body: Tracking) -> Heard:
    """Signed as our webhooks are, with the secret of the carrier account."""
    words = [
        ParcelWord(None, one.tracking_number, one.status, one.at.timestamp() if one.at else None)
        for one in body.parcels
    ]
    return await _hear(desk, account, words)


async def _hear(desk: Desk, account: CarrierAccount, words: Sequence[ParcelWord]) -> Heard:
    if not words:
        return Heard(known=0)
    async with desk.database.transaction() as session:
        return Heard(known=await hear(session, account.id, words, datetime.now(UTC)))
