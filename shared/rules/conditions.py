"""The language of conditions: a closed union; each says what it saw and what it wanted. Pure.

Refused when a rule is saved: unknown fields, lists without an entry or with a blank one, ranges
that nothing can be in, amounts in several currencies, more than a person can read.
"""

import math
from collections.abc import Callable, Iterator
from datetime import datetime, time
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from shared.contracts.fields import PRINTABLE, Amount, Count, Currency
from shared.rules.facts import CustomerType, Facts, folded, tidy_postcode
from shared.rules.verdict import Fits, Saw, Verdict, all_of, any_of, opposite

MOST_DEPTH, MOST_CONDITIONS, MOST_ENTRIES = 5, 50, 200
_PLAIN_AMOUNT = r"^[0-9]{1,15}(\.[0-9]{1,6})?$"


def _filled(word: str) -> str:
    if not word.strip():
        raise ValueError("it is blank")
    return word


def _upper(word: object) -> object:
    return word.strip().upper() if isinstance(word, str) else word


_zones = cache(available_timezones)


def _is_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("no time zone of the IANA database, such as Europe/Madrid")
    return name


Word = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE),
    AfterValidator(_filled),
]
Words = Annotated[tuple[Word, ...], Field(min_length=1, max_length=MOST_ENTRIES)]
CountryCode = Annotated[str, BeforeValidator(_upper), StringConstraints(pattern=r"^[A-Z]{2}$")]
Postcode = Annotated[
    str,
    BeforeValidator(lambda code: tidy_postcode(code) if isinstance(code, str) else code),
    StringConstraints(min_length=1, max_length=12, pattern=r"^[0-9A-Z]+$"),
]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_is_zone)]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEK: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip


# Whether a condition fits an order: a plain function, made once for each condition. A list of
# rules is asked for every order, and models are slow to ask.
Test = Callable[[Facts], Fits]


class _Condition(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str

    def fits(self, facts: Facts) -> Fits:
        """Whether it fits an order; None: the order does not say."""
        return self.test(facts)

    @cached_property
    def test(self) -> Test:
        """The same as a function; of what is asked often it has a shorter one."""
        return lambda facts: self._compare(facts)[0]

    def look(self, facts: Facts) -> Verdict:
        """The same, and why."""
        fits, saw = self._compare(facts)
        return Verdict(self, fits, saw)

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        raise NotImplementedError


class Country(_Condition):
    """The order is shipped to one of these countries (ISO 3166-1, two letters)."""

    kind: Literal["country"] = "country"
    any_of: Annotated[tuple[CountryCode, ...], Field(min_length=1, max_length=MOST_ENTRIES)]

    @cached_property
    def test(self) -> Test:
        """See `_Condition`."""
        wanted = frozenset(self.any_of)
        return lambda facts: None if facts.country is None else facts.country in wanted

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self.test(facts), facts.country


class Region(_Condition):
    """The order is shipped to one of these provinces or states of a country."""

    kind: Literal["region"] = "region"
    country: CountryCode
    any_of: Words

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        if facts.country is None:
            return None, None
        if facts.country != self.country:
            return False, facts.country
        saw = f"{facts.country} {facts.region or ''}".strip()
        return None if facts.region is None else facts.region in self._wanted, saw

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return frozenset(word.strip().upper() for word in self.any_of)


class PostcodeRange(_Condition):
    """The order is shipped to postcodes of a country, from the first to the last.

    Compared as far as the shorter of the two goes: `28` to `29` has all that begin so.
    """

    kind: Literal["postcode"] = "postcode"
    country: CountryCode
    first: Postcode
    last: Postcode

    @model_validator(mode="after")
    def _can_fit(self) -> Self:
        if len(self.first) != len(self.last):
            raise ValueError("first and last need the same number of letters and digits")
        if self.first > self.last:
            raise ValueError("first is behind last: nothing can fit")
        return self

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        if facts.country is not None and facts.country != self.country:
            return False, facts.country
        if facts.country is None or not facts.postcode:
            return None, facts.country
        begins = facts.postcode[: len(self.first)]
        is_long_enough = len(begins) == len(self.first)
        return is_long_enough and self.first <= begins <= self.last, facts.postcode


class _Range(_Condition):
    at_least: Count | None = None
    at_most: Count | None = None

    @model_validator(mode="after")
    def _can_fit(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("at_least or at_most is needed")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least is larger than at_most: nothing can fit")
        return self

    @cached_property
    def _holds(self) -> Callable[[int | None], Fits]:
        least = 0 if self.at_least is None else self.at_least
        most = math.inf if self.at_most is None else self.at_most
        return lambda value: None if value is None else least <= value <= most


class Weight(_Range):
    """What is to be packed weighs so much, in grams."""

    kind: Literal["weight_grams"] = "weight_grams"

    @cached_property
    def test(self) -> Test:
        """See `_Condition`."""
        holds = self._holds
        return lambda facts: holds(facts.weight_grams)

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self.test(facts), facts.weight_grams


class ItemCount(_Range):
    """So many pieces are to be packed."""

    kind: Literal["item_count"] = "item_count"

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self._holds(facts.item_count), facts.item_count


class Total(_Condition):
    """The order comes to so much; one in another currency cannot be compared."""

    kind: Literal["total"] = "total"
    currency: Currency
    at_least: Annotated[Amount, StringConstraints(pattern=_PLAIN_AMOUNT)] | None = None
    at_most: Annotated[Amount, StringConstraints(pattern=_PLAIN_AMOUNT)] | None = None

    @model_validator(mode="after")
    def _can_fit(self) -> Self:
        least, most = self._bounds
        if least is None and most is None:
            raise ValueError("at_least or at_most is needed")
        if least is not None and most is not None and least > most:
            raise ValueError("at_least is larger than at_most: nothing can fit")
        return self

    @cached_property
    def _bounds(self) -> tuple[Decimal | None, Decimal | None]:
        return (
            None if self.at_least is None else Decimal(self.at_least),
            None if self.at_most is None else Decimal(self.at_most),
        )

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        if facts.total is None or facts.currency is None:
            return None, None
        saw = f"{facts.total} {facts.currency}"
        if facts.currency != self.currency:
            return None, saw
        least, most = self._bounds
        return (least is None or facts.total >= least) and (
            most is None or facts.total <= most
        ), saw


class _HasOneOf(_Condition):
    any_of: Words

    def _has(self, words: frozenset[str] | None) -> tuple[Fits, Saw]:
        if words is None:
            return None, None
        return not words.isdisjoint(self._wanted), words

    @cached_property
    def _wanted(self) -> frozenset[str]:
        return frozenset(folded(self.any_of))


class Sku(_HasOneOf):
    """An item that is to be packed has one of these SKUs; `MUG-*` has all that begin so."""

    kind: Literal["sku"] = "sku"

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        fits, saw = self._has(facts.skus)
        return fits or any(sku.startswith(self._begins) for sku in facts.skus), saw

    @cached_property
    def _begins(self) -> tuple[str, ...]:
        return tuple(word[:-1] for word in self._wanted if word.endswith("*"))


class Tag(_HasOneOf):
    """The store has given the order one of these tags."""

    kind: Literal["tag"] = "tag"

    @cached_property
    def test(self) -> Test:
        """See `_Condition`."""
        apart = self._wanted.isdisjoint
        return lambda facts: not apart(facts.tags)

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self._has(facts.tags)


class ShippingMethod(_HasOneOf):
    """The buyer chose one of these delivery methods, by its name or its code."""

    kind: Literal["shipping_method"] = "shipping_method"

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self._has(facts.shipping_methods)


class PaymentMethod(_HasOneOf):
    """The order is paid by one of these methods, as the store calls them."""

    kind: Literal["payment_method"] = "payment_method"

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return self._has(facts.payment_methods)


class Store(_Condition):
    """The order came from one of these stores."""

    kind: Literal["store"] = "store"
    any_of: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=MOST_ENTRIES)]

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        return facts.store_id in self.any_of, str(facts.store_id)


class Customer(_Condition):
    """A business has a company in its address, a consumer has none."""

    kind: Literal["customer_type"] = "customer_type"
    value: CustomerType = Field(alias="is", serialization_alias="is")

    model_config = ConfigDict(serialize_by_alias=True)

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        known = facts.customer_type
        return None if known is None else known == self.value, known


class Entered(_Condition):
    """The order entered on one of these days, between these times of a place.

    `until` is not in it; one that is before `since` ends the next morning, and the day is that of
    the beginning.
    """

    kind: Literal["entered"] = "entered"
    time_zone: Zone
    weekdays: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = _WEEK
    since: TimeOfDay = "00:00"
    until: TimeOfDay | None = None

    @model_validator(mode="after")
    def _can_fit(self) -> Self:
        if self.since == self.until:
            raise ValueError("since and until are the same: nothing can fit")
        return self

    def _compare(self, facts: Facts) -> tuple[Fits, Saw]:
        at = facts.entered_at.astimezone(ZoneInfo(self.time_zone))
        saw = at.isoformat(timespec="minutes")
        since = time.fromisoformat(self.since)
        if self.until is None:
            return at.time() >= since and self._is_day(at, 0), saw
        until = time.fromisoformat(self.until)
        if since < until:
            return since <= at.time() < until and self._is_day(at, 0), saw
        if at.time() >= since:
            return self._is_day(at, 0), saw
        return at.time() < until and self._is_day(at, 1), saw

    def _is_day(self, at: datetime, days_ago: int) -> bool:
        return _WEEK[(at.weekday() - days_ago) % 7] in self.weekdays


class _Combined(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def fits(self, facts: Facts) -> Fits:
        """Whether it fits an order; None: the order does not say."""
        return self.test(facts)

    @cached_property
    def test(self) -> Test:
        """The same as a function."""
        raise NotImplementedError


class All(_Combined):
    """Every one of them fits."""

    kind: Literal["all"] = "all"
    conditions: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_CONDITIONS)]

    @cached_property
    def test(self) -> Test:
        """See `_Combined`; the first that does not fit decides."""
        tests = tuple(one.test for one in self.conditions)

        def every(facts: Facts) -> Fits:
            found: Fits = True
            for test in tests:
                fits = test(facts)
                if fits is False:
                    return False
                found = found and fits
            return found

        return every

    def look(self, facts: Facts) -> Verdict:
        """The same, and why: all of them are asked."""
        parts = [one.look(facts) for one in self.conditions]
        return Verdict(self, all_of([one.fits for one in parts]), parts=parts)


class AnyOf(_Combined):
    """At least one of them fits."""

    kind: Literal["any"] = "any"
    conditions: Annotated[tuple["Condition", ...], Field(min_length=1, max_length=MOST_CONDITIONS)]

    @cached_property
    def test(self) -> Test:
        """See `_Combined`; the first that fits decides."""
        tests = tuple(one.test for one in self.conditions)

        def one_of(facts: Facts) -> Fits:
            found: Fits = False
            for test in tests:
                fits = test(facts)
                if fits:
                    return True
                found = None if fits is None else found
            return found

        return one_of

    def look(self, facts: Facts) -> Verdict:
        """The same, and why: all of them are asked."""
        parts = [one.look(facts) for one in self.conditions]
        return Verdict(self, any_of([one.fits for one in parts]), parts=parts)


class Not(_Combined):
    """It does not fit, and the order says so."""

    kind: Literal["not"] = "not"
    condition: "Condition"

    @cached_property
    def test(self) -> Test:
        """See `_Combined`."""
        test = self.condition.test
        return lambda facts: opposite(test(facts))

    def look(self, facts: Facts) -> Verdict:
        """The same, and why."""
        part = self.condition.look(facts)
        return Verdict(self, opposite(part.fits), parts=(part,))


Condition = Annotated[
    All
    | AnyOf
    | Not
    | Country
    | Region
    | PostcodeRange
    | Weight
    | Total
    | ItemCount
    | Sku
    | Tag
    | Store
    | ShippingMethod
    | PaymentMethod
    | Customer
    | Entered,
    Field(discriminator="kind"),
]
for _model in (All, AnyOf, Not):
    _model.model_rebuild()


def walk(condition: Condition, depth: int = 1) -> Iterator[tuple[Condition, int]]:
    """The condition and all that are in it, each with how deep it is."""
    yield condition, depth
    inside: tuple[Any, ...] = ()
    if isinstance(condition, All | AnyOf):
        inside = condition.conditions
    elif isinstance(condition, Not):
        inside = (condition.condition,)
    for one in inside:
        yield from walk(one, depth + 1)


def readable(condition: Condition) -> Condition:
    """The condition, if a person can read it and its amounts can be compared.

    Raises:
        ValueError: it is too deep or too long, or has several currencies.
    """
    found = list(walk(condition))
    if max(depth for _, depth in found) > MOST_DEPTH:
        raise ValueError(f"conditions are nested deeper than {MOST_DEPTH}")
    if len(found) > MOST_CONDITIONS:
        raise ValueError(f"a rule has at most {MOST_CONDITIONS} conditions")
    currencies = {one.currency for one, _ in found if isinstance(one, Total)}
    if len(currencies) > 1:
        raise ValueError(f"amounts in several currencies: {', '.join(sorted(currencies))}")
    return condition
