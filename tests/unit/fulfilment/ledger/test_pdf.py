"""A statement as PDF says what is on it, and how much is not."""

import re
import zlib
from base64 import a85decode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.ledger.statements.pdf import MOST_ROWS, StatementPdf
from services.fulfilment.ledger.statements.statement import Statement, currencies_of
from tests.kit.builders import ORDER, THREE_PL

NOON = datetime(2026, 11, 5, 12, tzinfo=UTC)


def texts(document: bytes) -> list[list[str]]:
    """What is drawn on each page."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", document, re.DOTALL)
    pages = [zlib.decompress(a85decode(one.strip().removesuffix(b"~>"))) for one in streams]
    return [re.findall(r"\(((?:[^()\\]|\\.)*)\) Tj", page.decode("latin-1")) for page in pages]


def a_statement(entries: int) -> Statement:
    row = {
        "currency": "EUR", "other": OPERATOR, "basis": "order", "entries": entries,
        "amount": Decimal("-0.20") * entries,
    }  # fmt: skip
    return Statement(
        account_id=THREE_PL, month="2026-11", since=NOON, until=NOON,
        currencies=currencies_of({"EUR": Decimal("1.5"), "JPY": Decimal(7)}, [row]),
    )  # fmt: skip


def a_row(number: int) -> dict[str, Any]:
    return {
        "id": UUID(int=number), "entered_at": NOON, "basis": "order", "phase": "posted",
        "quantity": number, "order_id": ORDER, "signed": Decimal("-0.20"), "currency": "EUR",
    }  # fmt: skip


def test_sums_come_first_and_every_entry_is_drawn() -> None:
    drawn = StatementPdf(a_statement(3))
    assert drawn.add([a_row(1), a_row(2)])
    assert drawn.add([a_row(3)])
    (page,) = texts(drawn.finish())
    assert page[1:4] == [
        "Statement 2026-11",
        f"Account {THREE_PL}",
        r"What is owed to the account, less what it owes \(negative\). Times are UTC.",
    ]
    sums = page[page.index("EUR") :]
    assert sums[:20] == [
        "EUR", "with", "entries", "amount", "opening", "1.50",
        "order", "the platform", "3", "-0.60", "closing", "0.90",
        "JPY", "with", "entries", "amount", "opening", "7", "closing", "7",
    ]  # fmt: skip
    assert page.count("-0.20 EUR") == 3
    assert not [text for text in page if "not listed" in text]


def test_what_is_too_much_is_said_and_not_drawn() -> None:
    drawn = StatementPdf(a_statement(MOST_ROWS + 1_234))
    chunk = [a_row(number) for number in range(1_000)]
    while drawn.add(chunk):
        pass
    pages = texts(drawn.finish())
    assert sum(page.count("-0.20 EUR") for page in pages) == MOST_ROWS
    assert "1,234 more entries are not listed here: the CSV has them all." in pages[-1]
    # Each page says what its columns are.
    assert all("basis" in page for page in pages)
