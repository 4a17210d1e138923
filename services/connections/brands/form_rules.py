"""What the Add Brand form takes, beside names and addresses. Pure."""

from typing import Literal

# E.164: a country code, which begins with no 0, and fifteen digits at most.
PHONE = r"^\+[1-9][0-9]{5,14}$"
MonthlyOrderRange = Literal["0-100", "101-1000", "1001-5000", "5001-20000", "20001+"]
Priority = Literal["cost", "speed", "custody", "international", "returns", "branding"]


def without_spaces(phone: object) -> object:
    """A phone number as people write it, without its spaces."""
    return "".join(phone.split()) if isinstance(phone, str) else phone


def each_once(priorities: list[Priority]) -> list[Priority]:
    """The same in their order, without repeats."""
    return list(dict.fromkeys(priorities))
