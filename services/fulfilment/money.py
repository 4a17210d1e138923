"""Money: exact decimals with the digits of their currency, never floats. Pure.

Rounding is half to even, to the digits that the currency has (Unicode CLDR, by Babel).
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache

from babel.numbers import get_currency_precision, is_currency

# Far more than any amount has: nothing is rounded but where it is said.
_EXACT = Context(prec=60)


@cache
def digits_of(currency: str) -> int:
    """How many digits after the point an amount has: 2 of euros, none of yen.

    Raises:
        ValueError: there is no such currency.
    """
    if not is_currency(currency):
        raise ValueError(f"there is no currency {currency}")
    return get_currency_precision(currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount with as many digits as the currency has, half to even.

    >>> rounded(Decimal("0.125"), "EUR"), rounded(Decimal("7"), "EUR")
    (Decimal('0.12'), Decimal('7.00'))
    >>> rounded(Decimal("2.5"), "JPY")
    Decimal('2')
    """
    unit = Decimal(1).scaleb(-digits_of(currency))
    return amount.quantize(unit, rounding=ROUND_HALF_EVEN, context=_EXACT)


def times(amount: Decimal, quantity: int, currency: str) -> Decimal:
    """So many of a price.

    >>> times(Decimal("0.10"), 3, "EUR")
    Decimal('0.30')
    """
    return rounded(_EXACT.multiply(amount, Decimal(quantity)), currency)


def as_text(amount: Decimal, currency: str) -> str:
    """As JSON carries it.

    >>> as_text(Decimal("12.5"), "EUR")
    '12.50'
    """
    return f"{rounded(amount, currency):f}"
