"""What a ticket of each category has to say, and to show. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.contracts.fields import PRINTABLE, Currency
from shared.failures import Refused

Category = Literal["extreme_delay", "lost", "damaged", "wrong_weight", "address"]
HelpCategory = Literal["question", "billing", "technical", "account"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
HELP_CATEGORIES: tuple[HelpCategory, ...] = get_args(HelpCategory)
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
Value = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$")]
Shown = Literal["invoice", "photo"]

_PHOTOS = frozenset({"image/jpeg", "image/png", "image/webp"})
_SHOWN_BY: Mapping[Shown, frozenset[str]] = {
    "photo": _PHOTOS,
    "invoice": _PHOTOS | {"application/pdf"},
}
_WHAT_TO_ATTACH: Mapping[Shown, str] = {
    "photo": "a photo is needed: JPEG, PNG or WEBP",
    "invoice": "the invoice is needed: a PDF, or a photo of it",
}


class CorrectAddress(BaseModel):
    """Where the parcel should go instead."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    address1: Line
    address2: Line | None = None
    city: Line
    zip: Line
    country_code: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class TicketFields(BaseModel):
    """What a category may need; each says which of them."""

    model_config = ConfigDict(extra="forbid")

    value: Value | None = Field(default=None, description="Of the goods; a decimal string.")
    currency: Currency | None = None
    grams_measured: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    days_since_shipped: Annotated[int, Field(ge=0, le=3_650)] | None = None
    expected_on: date | None = None
    correct_address: CorrectAddress | None = None


@dataclass(frozen=True, slots=True)
class _Needs:
    """All of `fields` (of a group one is enough), and a file of the kind `shown`."""

    fields: tuple[tuple[str, ...], ...] = ()
    shown: Shown | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for group in self.fields for name in group)


NEEDS: Mapping[Category | HelpCategory, _Needs] = {
    "extreme_delay": _Needs((("days_since_shipped", "expected_on"),)),
    "lost": _Needs((("value",), ("currency",)), "invoice"),
    "damaged": _Needs((("value",), ("currency",)), "photo"),
    "wrong_weight": _Needs((("grams_measured",),), "photo"),
    "address": _Needs((("correct_address",),)),
    **{category: _Needs() for category in HELP_CATEGORIES},
}


def require_form(
    category: Category | HelpCategory,
    fields: TicketFields,
    order_id: UUID | None,
    carrier_email: str | None,
) -> None:
    """Let a ticket be written that says what its category needs, and nothing else.

    Raises:
        Refused: `validation_failed`, naming each field.
    """
    given = {name for name, value in fields if value is not None}
    needs = NEEDS[category]
    errors = [
        _flaw(group[0], f"needed for `{category}`" + "".join(f", or {n}" for n in group[1:]))
        for group in needs.fields
        if not given & set(group)
    ]
    errors += [_flaw(name, f"`{category}` has no use for it") for name in given - needs.names]
    if category in HELP_CATEGORIES:
        useless = {"/order_id": order_id, "/carrier_email": carrier_email}
        errors += [
            {"pointer": pointer, "message": "a help ticket goes to the operator"}
            for pointer, value in useless.items()
            if value is not None
        ]
    elif order_id is None:
        errors.append({"pointer": "/order_id", "message": f"needed for `{category}`"})
    if errors:
        raise Refused("validation_failed", errors=sorted(errors, key=lambda one: one["pointer"]))


def require_files(category: Category | HelpCategory, content_types: Iterable[str]) -> None:
    """Let a ticket be opened that shows what its category needs.

    Raises:
        Refused: `validation_failed` with the pointer `/attachments`.
    """
    shown = NEEDS[category].shown
    if shown is not None and not _SHOWN_BY[shown].intersection(content_types):
        flaw = {"pointer": "/attachments", "message": _WHAT_TO_ATTACH[shown]}
        raise Refused("validation_failed", errors=[flaw])


def _flaw(name: str, message: str) -> dict[str, str]:
    return {"pointer": f"/fields/{name}", "message": message}
