"""URLs that stand here in plain, of before they were sealed: sealed, and told again.

Told again so that compaction takes the plain one from `connections.changed`. Under the lock of the
connection and with its version as it is: for who reads it nothing changed.
"""

from services.connections import messages
from services.connections.connection import store
from services.connections.order_rules import registry as order_rules
from shared.contracts.connections_changed import SETTINGS_HISTORY
from shared.egress.sealed_url import SealedUrl
from shared.kafka.message import Message
from shared.postgres import outbox
from shared.postgres.database import Database, Session
from shared.sealing import Sealer

# Each connection is read in full to be told: few at a time.
_BATCH = 50


async def seal_batch(database: Database, sealer: Sealer) -> int:
    """Seal some of what stands in plain; several processes take different ones."""
    async with database.transaction() as session:
        plain = await store.lock_plain_urls(session, _BATCH)
        if plain:
            urls = {row.id: SealedUrl.of(row.url, row.id, sealer) for row in plain}
            digests = [sealer.digest(row.url, str(row.connection_id)) for row in plain]
            await store.seal_urls(session, urls, digests)
            owners = {row.connection_id: row for row in plain}
            await outbox.write(session, [await _message(session, row) for row in owners.values()])
    return len(plain)


async def _message(session: Session, row: store.PlainUrl) -> Message:
    connection = await store.get_connection(session, row.connection_id, row.three_pl_id)
    if connection is None:
        raise LookupError(f"connection {row.connection_id} is locked and not there")
    endpoints = await store.list_endpoints(session, connection.id)
    history = await store.list_effective_settings(session, connection.id, SETTINGS_HISTORY)
    rules = await order_rules.told_of(session, connection.id)
    return messages.connection_changed(connection, endpoints, history, rules, None)
