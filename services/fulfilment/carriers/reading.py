"""Answers of carriers, read with care: they are somebody else's. Pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from services.fulfilment.carriers.port import DocumentFormat

_MOST_REASON = 500


def a_map(value: object) -> Mapping[str, Any]:
    """The object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def a_list(value: object) -> Sequence[Any]:
    """The array, or an empty one."""
    return value if isinstance(value, list) else ()


def a_text(value: object, most: int = 200) -> str | None:
    """A text or number as text without control characters; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    text = "".join(letter for letter in str(value) if letter.isprintable()).strip()[:most]
    return text or None


def a_url(value: object) -> str | None:
    """An address of the web that a person may be sent to."""
    text = a_text(value, 1_000)
    return text if text and text.startswith(("https://", "http://")) else None


def an_amount(value: object) -> Decimal | None:
    """Money, from a text; a float is no money."""
    try:
        amount = Decimal(value) if isinstance(value, (str, int)) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def reason_in(document: object, fallback: str) -> str:
    """Why a carrier refused, in its own words, bounded."""
    found = []
    top = a_map(document)
    for error in a_list(top.get("errors")):
        words = a_map(error)
        found.append(a_text(words.get("detail") or words.get("message") or words.get("title")))
    found += [a_text(top.get(name)) for name in ("detail", "message", "title")]
    said = "; ".join(dict.fromkeys(word for word in found if word))
    return said[:_MOST_REASON] or fallback


def format_of(content: bytes) -> DocumentFormat | None:
    """What a label is, by what is in it; None: it is none of what printers take."""
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    head = content[:1_024].lstrip()
    if head.startswith((b"^XA", b"CT~~CD", b"\x10CT~~CD")) and b"^XZ" in content:
        return "zpl"
    return None
