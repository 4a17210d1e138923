"""What a version of a price list says. Pure."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.fulfilment.money import digits_of
from shared.contracts.fields import Count

# A price is no debt: zero is free, less than that nobody asks for.
Price = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]
CarrierCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")]
_FEWEST_BANDS, _MOST_BANDS, _MOST_CARRIERS = 1, 100, 200


class Band(BaseModel):
    """What shipments of up to this weight cost, from the band before it on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    up_to_grams: Annotated[Count, Field(gt=0)]
    amount: Price


class Prices(BaseModel):
    """Amounts as decimal strings, with no more digits than the currency has.

    `per_order` is charged with one shipment of an order; all others with each. `carriers`: by the
    carrier of the shipment; one by the contract of the rules' owner costs `own_contract` instead.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_order: Price | None = None
    per_item: Price | None = None
    weight_bands: (
        Annotated[tuple[Band, ...], Field(min_length=_FEWEST_BANDS, max_length=_MOST_BANDS)] | None
    ) = None
    carriers: (
        Annotated[dict[CarrierCode, Price], Field(min_length=1, max_length=_MOST_CARRIERS)] | None
    ) = None
    own_contract: Price | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError("at least one price is needed")
        bands = self.weight_bands or ()
        if any(after.up_to_grams <= before.up_to_grams for before, after in pairwise(bands)):
            raise ValueError("each weight band has to reach further than the one before it")
        return self

    def too_exact_for(self, currency: str) -> list[str]:
        """JSON Pointers of amounts with more digits than the currency has.

        Raises:
            ValueError: there is no such currency.
        """
        digits = digits_of(currency)
        amounts = {
            "/per_order": self.per_order,
            "/per_item": self.per_item,
            "/own_contract": self.own_contract,
            **{
                f"/weight_bands/{n}/amount": b.amount for n, b in enumerate(self.weight_bands or ())
            },
            **{f"/carriers/{code}": amount for code, amount in (self.carriers or {}).items()},
        }
        return [
            pointer
            for pointer, amount in amounts.items()
            if amount is not None and len(amount.partition(".")[2]) > digits
        ]

    def band_amount(self, grams: int) -> Decimal | None:
        """What this weight costs; None: it is over the last band."""
        bands = self.weight_bands or ()
        return next((Decimal(b.amount) for b in bands if grams <= b.up_to_grams), None)
