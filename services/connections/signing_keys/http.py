"""The keys that tokens verify by, for everybody; their rotation, for the operator."""

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.connections.dependencies import Process
from services.connections.signing_keys import models, rotating, store
from services.connections.signing_keys.models import KeyState, SigningKey
from shared.telemetry import traceparent_of
from shared.web.access import Public
from shared.web.openapi import refuses
from shared.web.operator import Operator
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(tags=["keys"], dependencies=[only_known_parameters])
# Half of the notice that a new key gives before it signs.
_CACHED_SECONDS = int(models.NOTICE.total_seconds()) // 2


class ListedKey(BaseModel):
    """A key that tokens verify by.

    `announced` is known and does not sign yet, `signing` signs, and what `verifying` signed is good
    until `verifies_until`. `signs_from` is null until the key was seen on the log.
    """

    kid: str
    state: KeyState
    created_at: datetime | None
    signs_from: datetime | None
    verifies_until: datetime | None


class ListedKeys(BaseModel):
    """All of them, the oldest first; there are few."""

    data: list[ListedKey]


class Rotation(Form):
    """`retire_now`: every other key is over at once, and all tokens that it signed."""

    retire_now: bool = False


@router.get("/.well-known/jwks.json", summary="The keys that tokens verify by (RFC 7517)")
async def jwks(_: Public, process: Process, response: Response) -> dict[str, list[dict[str, Any]]]:
    """A JSON Web Key Set with Ed25519 public keys."""
    response.headers["cache-control"] = f"public, max-age={_CACHED_SECONDS}"
    return process.keyring.jwks()


@router.get("/v1/signing-keys", summary="The signing keys and their turns (operator)")
async def list_keys(_: Operator, process: Process) -> ListedKeys:
    """Before the first rotation it is the key in the settings alone."""
    async with process.database.reading() as session:
        keys = await store.list_keys(session)
    if not keys:
        own = ListedKey(
            kid=process.keyring.own["kid"], state="signing", created_at=None, signs_from=None,
            verifies_until=None,
        )  # fmt: skip
        return ListedKeys(data=[own])
    return ListedKeys(data=_listed(keys))


@router.post(
    "/v1/signing-keys/rotate",
    summary="Let a new key sign (operator)",
    openapi_extra=refuses("rotation_under_way"),
)
async def rotate(_: Operator, request: Request, process: Process, body: Rotation) -> ListedKeys:
    """It signs a minute after it was announced; the one before verifies as long as its tokens live.

    No token is refused by that, and nothing has to be restarted.
    """
    keys = await rotating.rotate(
        process.database,
        process.keyring,
        process.sealer,
        traceparent_of(request.headers),
        retire_now=body.retire_now,
    )
    return ListedKeys(data=_listed(keys))


def _listed(keys: list[SigningKey]) -> list[ListedKey]:
    now = datetime.now(UTC)
    signing = models.signing(keys, now)
    return [
        ListedKey(
            kid=key.kid,
            state="signing"
            if key is signing
            else "verifying"
            if key.is_ready(now)
            else "announced",
            created_at=key.created_at,
            signs_from=key.signs_from,
            verifies_until=key.verifies_until,
        )
        for key in keys
    ]
