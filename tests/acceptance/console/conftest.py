"""The whole stack, and a browser."""

from collections.abc import AsyncIterator

import pytest

from tests.kit.chromium import MISSING, Chromium, chromium, executable


@pytest.fixture
async def browser() -> AsyncIterator[Chromium]:
    """A real one; the test fails if it complained of anything."""
    if executable() is None:
        pytest.skip(MISSING)
    async with chromium() as found:
        yield found
        assert found.complaints == []
