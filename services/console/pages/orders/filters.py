"""The address of a list of orders: its query is that of the API's list, as it stands. Pure.

What a form adds to it (empty fields, days, a pasted list of numbers) is put into the API's words
first, so that the address of a page is also the query of its export and of its API call.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

Pairs = Sequence[tuple[str, str]]
TAB = "orders"
# Where a page of the list begins; it is no part of what is asked for.
_AFTER = "after"
# What is typed and pasted: several numbers in one field.
PASTED = "numbers"
_BETWEEN = re.compile(r"[\s,;]+")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
# A day that is said to be the last one is meant to be in it.
_UNTIL = "accepted_before"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is asked for, in the API's words; `after` is the cursor of the page."""

    pairs: tuple[tuple[str, str], ...]
    after: str = ""

    def first(self, name: str) -> str:
        """The value of a field, empty without one."""
        return next((value for named, value in self.pairs if named == name), "")

    def every(self, name: str) -> list[str]:
        """All values of a field."""
        return [value for named, value in self.pairs if named == name]

    @property
    def tab(self) -> str:
        """Which tab it is."""
        return self.first("tab")

    @property
    def query(self) -> str:
        """As it stands in addresses."""
        return urlencode(self.pairs)

    @property
    def kept(self) -> str:
        """The query without what was searched for, which may name a buyer."""
        return urlencode([pair for pair in self.pairs if pair[0] not in ("q", "number")])

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the tab and the order of the list is asked for."""
        return any(name not in ("tab", "sort") for name, _ in self.pairs)

    def but(self, **changes: str) -> str:
        """The query with other values, on its first page; an empty one leaves the field out."""
        pairs = [(name, value) for name, value in self.pairs if name not in changes]
        changed = [(name, value) for name, value in changes.items() if value]
        return urlencode(sorted(changed + pairs, key=lambda pair: pair[0] != "tab"))

    def params(self, *without: str, **more: str | int) -> dict[str, object]:
        """For a call of the API: each name with its values."""
        found: dict[str, object] = {
            name: self.every(name) for name, _ in self.pairs if name not in without
        }
        return {**found, **more}


def read(pairs: Pairs) -> tuple[Filter, bool]:
    """What an address asks for, and whether it is to be put into the API's words first.

    What the API does not know is kept: it says so.
    """
    given = [(name, value) for name, value in pairs if name != _AFTER]
    after = next((value for name, value in pairs if name == _AFTER), "")
    tidy = [one for pair in given for one in _tidied(*pair)]
    is_untidy = tidy != given
    if not any(name == "tab" for name, _ in tidy):
        tidy.insert(0, ("tab", TAB))
    return Filter(tuple(tidy), after), is_untidy


def _tidied(name: str, value: str) -> list[tuple[str, str]]:
    value = value.strip()
    if name == PASTED:
        numbers = dict.fromkeys(one for one in _BETWEEN.split(value) if one)
        return [("number", one) for one in numbers]
    if not value:
        return []
    if name.startswith("accepted_") and _DAY.fullmatch(value):
        return [(name, _moment(value, 1 if name == _UNTIL else 0))]
    return [(name, value)]


def _moment(day: str, days: int) -> str:
    """When a day begins, or one some days later; what is no day is left for the API to refuse."""
    try:
        begins = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        return day
    return f"{begins:%Y-%m-%dT%H:%M:%SZ}"


def day_of(moment: str, *, is_last: bool = False) -> str:
    """The day that a date field shows; empty for what is no moment."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return ""
    return f"{at - timedelta(seconds=1 if is_last else 0):%Y-%m-%d}"
