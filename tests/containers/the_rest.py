"""A pytest plugin: all tests but those that `make test-containers` runs."""

import pytest

from tests.containers.addressed import keep, takes_an_address

_INTEGRATION = "tests/integration/"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the integration tests that take their engines by address."""
    keep(
        config,
        items,
        lambda item: not (item.nodeid.startswith(_INTEGRATION) and takes_an_address(item)),
    )
