"""A pytest plugin: only the tests that take their engines by address.

Those that stop and kill engines of their own run the embedded ones wherever they are run, so
another engine's address would show nothing new.
"""

import pytest

_BY_ADDRESS = {"engines"}
_OF_ITS_OWN = {"private_kafka", "private_postgres"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what does not ask for the addresses."""
    kept: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        (kept if names & _BY_ADDRESS and not names & _OF_ITS_OWN else others).append(item)
    config.hook.pytest_deselected(items=others)
    items[:] = kept
