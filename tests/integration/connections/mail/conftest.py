"""A mail server, a service that sends to it, and somebody who queues."""

from collections.abc import AsyncIterator

import pytest

from services.connections.mail.outgoing import Outgoing
from services.connections.settings import Settings
from shared.postgres.database import Database
from shared.sealing import Sealer
from tests.kit.mailbox import Server, mail_server
from tests.kit.post import Post


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with mail_server() as server:
        yield server


@pytest.fixture
def settings(service_settings: dict[str, str], server: Server) -> Settings:
    """Of a service that sends to this server, and tries again at once."""
    return Settings(
        connections_smtp_host="127.0.0.1",
        connections_smtp_port=server.port,
        connections_smtp_tls="none",
        connections_mail_from="Relevo <relevo@relevo.example>",
        connections_mail_contact="help@relevo.example",
        connections_mail_poll_seconds=0.1,
        connections_mail_retry_seconds=0.1,
    )


@pytest.fixture
async def post(settings: Settings) -> AsyncIterator[Post]:
    database = Database(settings, "connections")
    await database.open()
    yield Post(database, Outgoing(Sealer.parse(settings.sealing_keys.get_secret_value())))
    await database.close()
