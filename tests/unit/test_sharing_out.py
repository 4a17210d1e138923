"""Tests that share a stack go to one worker, whatever their names are."""

import pytest

from tests.kit.sharing_out import ByStack


@pytest.mark.parametrize(
    ("nodeid", "together"),
    [
        ("tests/acceptance/test_a.py::test_b", "tests/acceptance"),
        ("tests/acceptance/test_pages.py::test_b[docs/howto/a.md]", "tests/acceptance"),
        ("tests/acceptance/console/test_a.py::test_b[x/y]", "tests/acceptance/console"),
        ("tests/unit/test_a.py::test_b[x/y]", "tests/unit/test_a.py::test_b[x/y]"),
    ],
)
def test_what_goes_to_one_worker(nodeid: str, together: str) -> None:
    assert ByStack._split_scope(ByStack.__new__(ByStack), nodeid) == together
