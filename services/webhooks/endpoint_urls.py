"""URLs of endpoints are kept sealed, whatever a message or an older process brought in plain."""

from services.webhooks import store
from shared.contracts.connections_changed import ConnectionChanged, ConnectionEndpoint
from shared.egress.plain_urls import BATCH
from shared.egress.sealed_url import SealedUrl
from shared.postgres.database import Database
from shared.sealing import Sealer


def sealed(change: ConnectionChanged, sealer: Sealer) -> ConnectionChanged:
    """The change with no URL in plain, as messages of before have them."""
    endpoints = tuple(_sealed(endpoint, sealer) for endpoint in change.endpoints)
    return change.model_copy(update={"endpoints": endpoints})


def _sealed(endpoint: ConnectionEndpoint, sealer: Sealer) -> ConnectionEndpoint:
    if endpoint.sealed_url is not None or endpoint.url is None:
        return endpoint.model_copy(update={"url": None})
    url = SealedUrl.of(endpoint.url, endpoint.id, sealer)
    kept = {"url": None, "sealed_url": url.sealed, "masked_url": url.masked}
    return endpoint.model_copy(update=kept)


async def seal_batch(database: Database, sealer: Sealer) -> int:
    """Seal some of what stands in plain; several processes take different ones."""
    async with database.transaction() as session:
        plain = await store.lock_plain_urls(session, BATCH)
        urls = {id_: SealedUrl.of(url, id_, sealer) for id_, url in plain.items()}
        await store.seal_urls(session, urls)
    return len(plain)
