"""The law names its tests: every case of `docs/domain.md` is shown by one, or is to come."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
_CASE = re.compile(r"^(\d+)\. ", re.MULTILINE)
_TEST = re.compile(r"Test: `(?P<file>tests/[\w/]+\.py)::(?P<name>\w+)`")
_TO_COME = re.compile(r"To come: \w")


def cases() -> dict[int, str]:
    text = (ROOT / "docs" / "domain.md").read_text().split("## Case by case", 1)[1]
    parts = _CASE.split(text)[1:]
    return {int(number): body for number, body in zip(parts[::2], parts[1::2], strict=True)}


def test_the_cases_are_numbered_without_a_gap() -> None:
    assert list(cases()) == list(range(1, 28))


@pytest.mark.parametrize("number", cases())
def test_a_case_names_a_test_that_is_there_or_what_is_to_come(number: int) -> None:
    body = cases()[number]
    shown = list(_TEST.finditer(body))
    assert shown or _TO_COME.search(body), "neither a test nor what is to come"
    for test in shown:
        tree = ast.parse((ROOT / test["file"]).read_text())
        names = {getattr(node, "name", "") for node in ast.walk(tree)}
        assert test["name"] in names, f"{test['file']} has no {test['name']}"
