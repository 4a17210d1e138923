"""Moments, money and numbers as people of a language write them. Pure."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.dates import format_datetime, format_skeleton
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup, escape

from services.console.words.languages import Language

_NONE = "\N{EN DASH}"


def moment(at: datetime | str | None, language: Language) -> Markup:
    """A `<time>` element, in UTC until the browser writes it in its own zone; a dash for none."""
    if at is None:
        return escape(_NONE)
    when = datetime.fromisoformat(at) if isinstance(at, str) else at
    when = when.astimezone(UTC)
    words = _minute(when.replace(second=0, microsecond=0), language)
    return Markup('<time datetime="{}">{} UTC</time>').format(when.isoformat(), words)


# A page has fifty of them, many the same; Babel takes a quarter of a millisecond for one.
@lru_cache(maxsize=4_096)
def _minute(when: datetime, language: Language) -> str:
    return str(format_datetime(when, "d MMM y, HH:mm", locale=language))


def month(text: str, language: Language) -> str:
    """A month such as `2026-11`, in words."""
    at = datetime.fromisoformat(f"{text}-01")
    return str(format_skeleton("yMMMM", at, locale=language))


def money(amount: str | None, currency: str | None, language: Language) -> str:
    """An amount with its currency; as it is when it is no number."""
    if amount is None:
        return _NONE
    try:
        return _price(Decimal(amount), currency or "XXX", language)
    except InvalidOperation:
        return f"{amount} {currency or ''}".strip()


@lru_cache(maxsize=4_096)
def _price(amount: Decimal, currency: str, language: Language) -> str:
    return str(format_currency(amount, currency, locale=language))


def number(value: float | None, language: Language) -> str:
    """A number with its separators; a dash for none."""
    return _NONE if value is None else str(format_decimal(value, locale=language))


def lines(text: str) -> Markup:
    """Text with its line breaks."""
    return Markup("<br>").join(escape(line) for line in text.splitlines())
