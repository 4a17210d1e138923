"""The fields that contracts are made of: times, money, text, and the two base models."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

_FIRST_YEAR, _LAST_YEAR = 1970, 2200


def _to_utc(value: datetime) -> datetime:
    # The first look keeps out what the conversion itself cannot do, at the ends of the calendar.
    utc = value.astimezone(UTC) if _FIRST_YEAR - 1 <= value.year <= _LAST_YEAR + 1 else None
    if utc is None or not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        raise ValueError(f"a time of the years {_FIRST_YEAR} to {_LAST_YEAR} is expected")
    return utc


# RFC 3339 in UTC with `Z`, whatever offset the source wrote. The zero times of other languages
# (year 1) are no times: an order stamped so would be older than whatever comes after it.
Timestamp = Annotated[AwareDatetime, AfterValidator(_to_utc)]
# Up to the largest integer that every reader of JSON keeps exactly (RFC 8259, section 6).
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
# A decimal string: money is never a float. ASCII digits alone: `\\d` has those of every script.
Amount = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,6})?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
# PostgreSQL holds no NUL in a text; ids and names have no use for any control character.
_NO_NUL = r"^[^\x00]*$"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
# What one account is shown of another also has no marks that turn the direction of the text round
# it (Unicode Standard Annex 9): "Pack & Go" must not read as somebody else.
DISPLAYABLE = r"^[^\x00-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]*$"
Text = Annotated[str, StringConstraints(max_length=1_000, pattern=_NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_NUL)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PRINTABLE)]


class WireContract(BaseModel):
    """A frozen model read from the log: a newer producer may have added fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")
