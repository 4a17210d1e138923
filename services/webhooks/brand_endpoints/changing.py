"""Makes, changes and deletes endpoints of brands, and has this process know at once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from uuid_utils.compat import uuid7

from services.webhooks import store as endpoints_store
from services.webhooks.brand_endpoints import store
from services.webhooks.brand_endpoints.store import Changes, Locked, Wanted
from services.webhooks.store import EndpointState
from shared.egress.sealed_url import SealedUrl
from shared.failures import Refused
from shared.postgres.database import Session
from shared.sealing import Sealer
from shared.signing_secrets import new_secret

MOST_ENDPOINTS = 10
__all__ = ["MOST_ENDPOINTS", "BrandEndpoints", "Changes", "Wanted"]
# The one that signs, and the one before while its time is not over.
_MOST_SECRETS = 2


@dataclass(frozen=True, slots=True)
class BrandEndpoints:
    """What the API does to endpoints.

    Args:
        sealer: seals URLs and secrets.
        changed: awaited with endpoints after the transaction that changed them.
    """

    sealer: Sealer
    changed: Callable[[Sequence[UUID]], Awaitable[None]]

    async def create(
        self, session: Session, brand_id: UUID, url: str, wanted: Wanted
    ) -> tuple[EndpointState, str]:
        """A new endpoint, and its secret, which is shown only now.

        Raises:
            Refused: `too_many`; `not_found`, the account was erased.
        """
        if await store.lock_endpoints_of_brand(session, brand_id) >= MOST_ENDPOINTS:
            raise Refused("too_many", most=MOST_ENDPOINTS, what="endpoints")
        id_, secret = uuid7(), new_secret()
        sealed = self.sealer.seal(secret, f"endpoint:{id_}")
        made = await store.insert_endpoint(
            session, brand_id, id_, SealedUrl.of(url, id_, self.sealer), sealed, wanted
        )
        if made is None:
            raise Refused("not_found", what="account")
        return made, secret

    async def change(
        self,
        session: Session,
        brand_id: UUID,
        endpoint_id: UUID,
        version: int,
        changes: Changes,
    ) -> EndpointState:
        """Change it; with another URL it is enabled, and what waits for a retry is due at once.

        Raises:
            Refused: `not_found`, `follows_connection`, `version_conflict`.
        """
        await self._locked(session, brand_id, endpoint_id, version)
        changed = await store.update_endpoint(session, brand_id, endpoint_id, changes)
        if changes.url is not None:
            await endpoints_store.unpark_deliveries(session, [endpoint_id])
            await endpoints_store.redirect(session, [endpoint_id])
        return changed

    async def rotate(
        self, session: Session, brand_id: UUID, endpoint_id: UUID, overlap_seconds: float
    ) -> tuple[str, int]:
        """A new secret, which is shown only now, and the endpoint's version.

        Raises:
            Refused: `not_found`, `follows_connection`.
        """
        locked = await self._locked(session, brand_id, endpoint_id)
        secret = new_secret()
        sealed = [self.sealer.seal(secret, f"endpoint:{endpoint_id}")]
        if overlap_seconds > 0:
            sealed = [*sealed, *locked.sealed_secrets][:_MOST_SECRETS]
        version = await store.set_secrets(session, brand_id, endpoint_id, sealed, overlap_seconds)
        return secret, version

    async def delete(self, session: Session, brand_id: UUID, endpoint_id: UUID) -> None:
        """Delete it; what is unfinished is cancelled, but for an attempt that is under way.

        Raises:
            Refused: `not_found`, `follows_connection`.
        """
        await self._locked(session, brand_id, endpoint_id)
        await store.delete_endpoint(session, brand_id, endpoint_id)
        await endpoints_store.cancel_deleted(session, [endpoint_id])

    async def _locked(
        self, session: Session, brand_id: UUID, endpoint_id: UUID, version: int | None = None
    ) -> Locked:
        locked = await store.lock_endpoint(session, brand_id, endpoint_id)
        if locked is None:
            raise Refused("not_found", what="endpoint")
        if locked.follows_connection:
            raise Refused("follows_connection")
        if version is not None and version != locked.version:
            raise Refused("version_conflict", what="endpoint", version=locked.version)
        return locked
