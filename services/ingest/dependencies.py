"""What ingest's endpoints need of their process, and who may call them: FastAPI dependencies."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.base import SecurityBase

from services.ingest.admission import Admission
from services.ingest.credentials import Store, Stores
from services.ingest.intake import Intake
from services.ingest.platforms import Platform, load_platforms
from services.ingest.settings import Settings
from shared.failures import Refused
from shared.postgres.database import Database
from shared.web.access import bearer_token, declares_access
from shared.web.bodies import read_body


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process of ingest."""

    settings: Settings
    database: Database
    stores: Stores
    admission: Admission
    intake: Intake
    platforms: dict[str, Platform]

    async def body(self, request: Request) -> bytes:
        """The body of a request, within this process's limits.

        Raises:
            Refused: `body_too_large`, `body_too_slow`.
        """
        settings = self.settings
        return await read_body(
            request, settings.ingest_max_body_bytes, settings.ingest_body_seconds
        )


async def _dependencies(request: Request) -> Dependencies:
    found: Dependencies = request.app.state.dependencies
    return found


Process = Annotated[Dependencies, Depends(_dependencies)]

_store_key = HTTPBearer(
    scheme_name="StoreKey", auto_error=False, description="An API key of the store."
)


@declares_access
async def store_key(
    process: Process,
    store_id: UUID,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_store_key)],
) -> Store:
    """The store, once its API key was shown.

    Raises:
        Refused: `not_found` for an unknown store, `missing_token`, `invalid_key`.
    """
    sender = process.stores.get(store_id)
    if not sender.accepts_key(bearer_token(credentials)):
        raise Refused("invalid_key")
    return sender


async def _slot(process: Process) -> AsyncIterator[None]:
    with process.admission.slot():
        yield


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """A webhook whose body was surely signed by the store's platform."""

    sender: Store
    name: str
    platform: Platform
    body: bytes


class _Signatures(SecurityBase):
    """The signatures of all platforms, for the OpenAPI document; checks nothing itself."""

    scheme_name = "PlatformSignature"

    def __init__(self) -> None:
        headers = ", ".join(
            f"`{platform.signature_header}` ({name})" for name, platform in load_platforms().items()
        )
        self.model = APIKey(
            **{"in": APIKeyIn.header},
            name="signature",
            description=f"The platform's own signature of the body, in its own header: {headers}.",
        )

    async def __call__(self) -> None:
        """Nothing: the signature is over the body, which is not read yet."""


@declares_access
async def platform_signature(
    request: Request,
    process: Process,
    slot: Annotated[None, Depends(_slot)],
    _: Annotated[None, Depends(_Signatures())],
    platform: str,
    store_id: UUID,
) -> SignedWebhook:
    """The webhook, once its signature was found to fit the body.

    Raises:
        Refused: `not_found` for an unknown platform or store, `invalid_signature`, `overloaded`,
            `body_too_large`, `body_too_slow`.
    """
    found = process.platforms.get(platform)
    if found is None:
        raise Refused("not_found", what="platform")
    sender = process.stores.get(store_id)
    body = await process.body(request)
    signature = request.headers.get(found.signature_header, "")
    if not found.signature_is_valid(sender.secrets.get(platform, ()), body, signature):
        raise Refused("invalid_signature", header=found.signature_header, platform=platform)
    return SignedWebhook(sender, platform, found, body)


StoreKey = Annotated[Store, Depends(store_key)]
PlatformSignature = Annotated[SignedWebhook, Depends(platform_signature)]
Slot = Annotated[None, Depends(_slot)]
