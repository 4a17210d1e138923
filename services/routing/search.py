"""What an order is found by: words of it, and what somebody typed. Pure.

A word is a run without spaces, and each part of it between signs, without case and accents. In the
index each stands behind a mark of the account that may find it: looking for the beginning of a word
meets the words of that account alone, however many others there are.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

_SIGNS = re.compile(r"[\W_]+")
_AROUND = re.compile(r"^[\W_]+|[\W_]+$")
# An order of 2,000 lines is found by the first of them.
_MOST_WORDS = 500
_MOST_CHARACTERS = 60
_MARK_CHARACTERS = 6


def words_of(external_id: str, source: Mapping[str, Any]) -> str:
    """The words of an order, with a space between them.

    Args:
        external_id: the store's own id.
        source: the order as the store sent it (`shared.contracts.order`), as JSON.
    """
    customer = source.get("customer") or {}
    texts = [
        external_id,
        source.get("number"),
        source.get("email"),
        customer.get("email"),
        customer.get("name"),
        *((source.get(kind) or {}).get("name") for kind in ("shipping_address", "billing_address")),
        *(line.get("sku") for line in source.get("lines") or ()),
    ]
    return " ".join(islice(dict.fromkeys(_words(texts)), _MOST_WORDS))


def beginning_with(typed: str, account: UUID) -> str:
    """A `tsquery`: each word that was typed is the beginning of one of the order's."""
    return " & ".join(f"{_lexeme(_whole(token), account)}:*" for token in _tokens(typed))


def with_one_of(numbers: Iterable[str], account: UUID) -> str:
    """A `tsquery`: has all the words of one of the numbers."""
    each = (
        " & ".join(_lexeme(_whole(token), account) for token in _tokens(number))
        for number in numbers
    )
    return " | ".join(f"({one})" for one in each if one)


def _words(texts: Iterable[str | None]) -> Iterator[str]:
    for text in texts:
        for token in _tokens(text) if text else ():
            yield _whole(token)
            if not token.isalnum():
                yield from (part[:_MOST_CHARACTERS] for part in _SIGNS.split(token) if part)


def _tokens(text: str) -> list[str]:
    folded = text.casefold()
    if folded.isascii():
        return folded.split()
    decomposed = unicodedata.normalize("NFKD", folded)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).split()


def _whole(token: str) -> str:
    if token.isalnum():
        return token[:_MOST_CHARACTERS]
    return (_AROUND.sub("", token) or token)[:_MOST_CHARACTERS]


def _lexeme(word: str, account: UUID) -> str:
    """Quoted as `tsqueryin` reads it; the mark is that of the function `search_of`."""
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    return f"'{str(account)[-_MARK_CHARACTERS:]}{quoted}'"
