"""Routing's store on Postgres: the suite that the handlers' fake passes too."""

from collections.abc import AsyncIterator
from types import ModuleType

import pytest

from services.routing import store
from services.routing.settings import Settings
from shared.postgres.database import Database
from tests.kit.routing_store_suite import RoutingStoreSuite

pytestmark = pytest.mark.engines


class TestStore(RoutingStoreSuite):
    @pytest.fixture
    def store(self) -> ModuleType:
        return store

    @pytest.fixture
    async def database(self, service_settings: dict[str, str]) -> AsyncIterator[Database]:
        assert service_settings, "set in this process"
        database = Database(Settings(), "routing")
        await database.open()
        yield database
        await database.close()
