"""One installation for all tests of the compose file: to build and start it takes its time."""

from collections.abc import Iterator

import pytest

from tests.containers.composed import Compose


@pytest.fixture(scope="session")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compose]:
    running = Compose(tmp_path_factory.mktemp("compose"))
    running.write_environment()
    try:
        running.run("up", "--build", "--wait")
        yield running
    finally:
        running.run("down", "--volumes", "--timeout", "10", check=False)
