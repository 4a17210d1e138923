"""The fields that contracts are made of: times, money, text, and the two base models."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time that UTC cannot hold") from error


# RFC 3339 in UTC with `Z`, whatever offset the source wrote.
Timestamp = Annotated[AwareDatetime, AfterValidator(_to_utc)]
# A decimal string: money is never a float.
Amount = Annotated[str, StringConstraints(pattern=r"^-?\d{1,15}(\.\d{1,6})?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
# PostgreSQL holds no NUL in a text; ids and names have no use for any control character.
_NO_NUL = r"^[^\x00]*$"
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, StringConstraints(max_length=1_000, pattern=_NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=20_000, pattern=_NO_NUL)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PRINTABLE)]


class WireContract(BaseModel):
    """A frozen model read from the log: a newer producer may have added fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")
