"""What a look at something found, and how bad it is."""

from dataclasses import dataclass
from enum import StrEnum

START = "`make up` starts it"
NOT_HERE = f"not running here: {START}"


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what to do unless it is `ok`."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Verdict.OK, found)


def warning(name: str, found: str, remedy: str) -> Finding:
    """Works; somebody should know."""
    return Finding(name, Verdict.WARNING, found, remedy)


def wrong(name: str, found: str, remedy: str) -> Finding:
    """Does not work, or soon will not."""
    return Finding(name, Verdict.WRONG, found, remedy)


def listed(what: list[str], shown: int = 5) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(what) - shown} more" if len(what) > shown else ""
    return ", ".join(what[:shown]) + more
