"""A stack of all services on engines of its own."""

from collections.abc import Iterator

import pytest

from relevo.local.stack import Stack

# Leases run out fast, so that what a killed process held is tried again within a test.
SETTINGS = {
    "RELEVO_WEBHOOKS_ATTEMPT_SECONDS": "3",
    "RELEVO_WEBHOOKS_LEASE_SECONDS": "5",
    "RELEVO_WEBHOOKS_RETRY_SCHEDULE_SECONDS": "[0,0.5,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]",
    "RELEVO_INGEST_STORE_RATE": "100000",
    "RELEVO_INGEST_STORE_BURST": "100000",
    # Everybody comes from one network here.
    "RELEVO_CONNECTIONS_ATTEMPTS_OF_NETWORK": "100000",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Shared by the tests of one module; each has a world of its own."""
    stack = Stack(tmp_path_factory.mktemp("stack"), SETTINGS)
    try:
        stack.start()
        yield stack
    finally:
        stack.remove()
