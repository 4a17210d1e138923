"""The page on restoring, as far as it can be held to the code without typing it."""

import re
from pathlib import Path

from services.catalog import NAMES

_PAGE = Path(__file__).parents[3] / "docs" / "operations" / "restore.md"


def test_every_service_is_stopped_before_the_database_is_replaced() -> None:
    """One that goes on would hold a session, and remember what is no more."""
    stopped = re.findall(r"^docker compose stop (.+)$", _PAGE.read_text(), re.MULTILINE)
    assert stopped
    for names in stopped:
        assert set(names.split()) == set(NAMES)
