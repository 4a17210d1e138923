"""A pytest plugin: only the tests that take their engines by address.

Those that stop and kill engines of their own run the embedded ones wherever they are run, so
another engine's address would show nothing new.
"""

from collections.abc import Callable

import pytest

_BY_ADDRESS = {"engines"}
_OF_ITS_OWN = {"private_kafka", "private_postgres"}


def takes_an_address(item: pytest.Item) -> bool:
    """Whether a test asks for the engines of the run, and starts none of its own."""
    names = set(getattr(item, "fixturenames", ()))
    return bool(names & _BY_ADDRESS) and not names & _OF_ITS_OWN


def keep(
    config: pytest.Config, items: list[pytest.Item], is_kept: Callable[[pytest.Item], bool]
) -> None:
    """Deselect all others."""
    others = [item for item in items if not is_kept(item)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if is_kept(item)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what does not ask for the addresses."""
    keep(config, items, takes_an_address)
