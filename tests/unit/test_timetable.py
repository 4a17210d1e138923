"""Where the time of a run went."""

import pytest

from tests.kit.timetable import part_of, table


@pytest.mark.parametrize(
    ("nodeid", "part"),
    [
        ("tests/unit/routing/test_a.py::test_b[x/y]", "unit"),
        ("tests/unit/test_a.py::test_b", "unit"),
        ("tests/integration/relevo/local/test_a.py::test_b", "integration/relevo"),
        ("tests/acceptance/test_a.py::test_b", "acceptance"),
        ("tests/acceptance/console/test_a.py::test_b", "acceptance/console"),
        ("test_a.py::test_b", "."),
    ],
)
def test_a_test_is_counted_under_its_folder(nodeid: str, part: str) -> None:
    assert part_of(nodeid) == part


def test_parts_and_the_slowest_tests_are_told_longest_first() -> None:
    seconds = {f"tests/unit/test_a.py::test_{number}": number / 10 for number in range(12)}
    assert table({**seconds, "tests/acceptance/test_z.py::test_z": 30.0}) == [
        "part        tests  seconds",
        "acceptance      1     30.0",
        "unit           12      6.6",
        "all            13     36.6",
        "the 10 slowest tests",
        "    30.0 s  tests/acceptance/test_z.py::test_z",
        *(
            f"{number / 10:>8.1f} s  tests/unit/test_a.py::test_{number}"
            for number in range(11, 2, -1)
        ),
    ]


def test_a_run_of_one_part_is_told_nothing() -> None:
    assert table({"tests/unit/test_a.py::test_b": 1.0}) == []
