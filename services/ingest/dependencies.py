"""What ingest's endpoints need of their process, and who may call them.

The routes that carry every order take the request and one access, and FastAPI is not asked for them
(`shared/web/plain_routes.py`).
"""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from starlette.requests import ClientDisconnect

from services.ingest.admission import Admission
from services.ingest.arrivals.watching import Arrivals
from services.ingest.claims import Claims
from services.ingest.credentials import Store, Stores
from services.ingest.intake import Intake
from services.ingest.platforms import Platform, load_platforms
from services.ingest.replay import Replay
from services.ingest.settings import Settings
from services.ingest.test_orders.sending import TestOrders
from shared.failures import Refused
from shared.postgres.database import Database
from shared.web.access import Access, BearerAccess, bearer_token
from shared.web.bodies import decoded, read_body
from shared.web.mistakes import no_key_of_store

# What such a route has in its path, for the document.
STORE_ID = {
    "name": "store_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid", "title": "Store Id"},
}


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The parts of one process of ingest."""

    settings: Settings
    database: Database
    stores: Stores
    admission: Admission
    intake: Intake
    platforms: dict[str, Platform]
    replay: Replay
    arrivals: Arrivals
    claims: Claims
    test_orders: TestOrders

    async def body(self, request: Request) -> bytes:
        """The body of a request as it came, within this process's limits.

        Raises:
            Refused: `body_too_large`, `body_too_slow`.
        """
        settings = self.settings
        try:
            return await read_body(
                request, settings.ingest_max_body_bytes, settings.ingest_body_seconds
            )
        except ClientDisconnect as error:
            # Nobody reads this answer; as a failure of ours it would be logged each time.
            seconds = f"{settings.ingest_body_seconds:g}"
            raise Refused("body_too_slow", seconds=seconds) from error

    def decoded(self, request: Request, body: bytes) -> bytes:
        """The same without its encoding.

        Raises:
            Refused: `body_too_large`, `body_too_complex`, `malformed_encoding`.
        """
        encoding = request.headers.get("content-encoding", "")
        return decoded(body, encoding, self.settings.ingest_max_body_bytes)


def process_of(request: Request) -> Dependencies:
    """The parts of the process that answers."""
    found: Dependencies = request.app.state.dependencies
    return found


def _store_of(request: Request) -> Store:
    """The store in the path.

    Raises:
        Refused: `not_found`, or `validation_failed` for what is no id.
    """
    try:
        store_id = UUID(request.path_params["store_id"])
    except ValueError as error:
        flaw = {"pointer": "/store_id", "message": "not a UUID"}
        raise Refused("validation_failed", errors=[flaw]) from error
    return process_of(request).stores.get(store_id)


class StoreKeyAccess(BearerAccess):
    """A store, by one of its API keys."""

    refusals = ("missing_key", "invalid_key")

    async def __call__(self, request: Request) -> Store:  # type: ignore[override]  # FastAPI reads the signature
        """The store, once its API key was shown.

        Raises:
            Refused: `not_found` for an unknown store, `missing_key`, `invalid_key`.
        """
        sender = _store_of(request)
        shown = bearer_token(request, "missing_key")
        if not sender.accepts_key(shown):
            process_of(request).arrivals.refused(sender.id, "invalid_key")
            raise Refused("invalid_key", seen=no_key_of_store(shown))
        return sender


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """A webhook of a platform; who sent it is known with its body, and not before."""

    store: Store
    name: str
    platform: Platform
    request: Request

    async def verified_body(self) -> bytes:
        """The body, once its signature was found to fit.

        Raises:
            Refused: `missing_signature`, `invalid_signature`, `body_too_large`, `body_too_slow`,
                `body_too_complex`, `malformed_encoding`.
        """
        process = process_of(self.request)
        body = await process.body(self.request)
        header = self.platform.signature_header
        signature = self.request.headers.get(header, "")
        if not signature:
            raise Refused(
                "missing_signature",
                header=header,
                platform=self.name,
                otherwise="orders of your own go to /v1/stores/…/orders",
            )
        secrets = self.store.secrets.get(self.name, ())
        if not self.platform.signature_is_valid(secrets, body, signature):
            raise Refused("invalid_signature", header=header, platform=self.name)
        return process.decoded(self.request, body)


class PlatformSignatureAccess(Access, SecurityBase):
    """A platform, by its own signature of the body in its own header."""

    refusals = ("missing_signature", "invalid_signature")

    def __init__(self) -> None:
        signed_by = {platform.signature_header: name for name, platform in load_platforms().items()}
        headers = ", ".join(f"`{header}` ({name})" for header, name in signed_by.items())
        self.scheme_name = "PlatformSignature"
        self.model = APIKey(
            **{"in": APIKeyIn.header},
            name=next(iter(signed_by)),
            description=f"The platform's own signature of the body, in its own header: {headers}.",
        )

    async def __call__(self, request: Request) -> SignedWebhook:
        """The webhook, whose body is still to be verified.

        Raises:
            Refused: `not_found` for an unknown platform or store.
        """
        name = request.path_params["platform"]
        platform = process_of(request).platforms.get(name)
        if platform is None:
            raise Refused("not_found", what="platform")
        return SignedWebhook(_store_of(request), name, platform, request)


StoreKey = Annotated[Store, Depends(StoreKeyAccess("StoreKey", "An API key of the store."))]
PlatformSignature = Annotated[SignedWebhook, Depends(PlatformSignatureAccess())]
