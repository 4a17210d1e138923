"""Stacks of all services on engines of their own.

One for each folder, and all tests of a folder in one worker (`tests/conftest.py`): a stack takes
half a minute to start.
"""

import sys
from pathlib import Path

import pytest

from relevo.local.stack import Stack
from tests.kit.blocks import ROOT

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


_running: dict[Path, Stack] = {}


def a_stack(folder: Path, scratch: pytest.TempPathFactory) -> Stack:
    """The one of a folder of tests; it runs until the last of them has ended."""
    if folder not in _running:
        stack = Stack(scratch.mktemp(folder.name), SETTINGS)
        try:
            stack.start()
        except BaseException:
            stack.remove()
            raise
        _running[folder] = stack
    return _running[folder]


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Shared by tests that have a world of their own each, and break nothing."""
    return a_stack(Path(__file__).parent, tmp_path_factory)


@pytest.fixture
def checkout(stack: Stack, tmp_path: Path) -> Path:
    """A folder where `make up` runs, as the pages want it."""
    for name, place in (
        (".venv", Path(sys.prefix)),
        (".relevo", stack.directory),
        ("examples", ROOT / "examples"),
    ):
        (tmp_path / name).symlink_to(place)
    return tmp_path


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the stack of a folder with its last test: idle ones cost others their time.

    A fixture of the package would live as long as the session: folders here are no packages.
    """
    folder = item.path.parent
    if folder in _running and (nextitem is None or nextitem.path.parent != folder):
        _running.pop(folder).remove()
