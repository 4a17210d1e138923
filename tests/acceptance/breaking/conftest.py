"""A stack whose services and engines are killed: nobody else's."""

from pathlib import Path

import pytest

from relevo.local.stack import Stack
from tests.acceptance.conftest import a_stack


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Whole again after each of the tests."""
    return a_stack(Path(__file__).parent, tmp_path_factory)
