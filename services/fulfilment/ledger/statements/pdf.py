"""A statement as PDF: sums first, then entries, a page drawn as soon as it is full."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from services.fulfilment.ledger.entries import OPERATOR
from services.fulfilment.ledger.statements.statement import Statement
from services.fulfilment.money import as_text

MOST_ROWS = 5_000
_WIDTH, _HEIGHT = A4
_MARGIN, _LINE = 40, 13
_RIGHT = _WIDTH - _MARGIN
# Where each column begins; amounts end at the right margin.
_OF_SUMS = (_MARGIN, 150, 400)
_OF_ENTRIES = (_MARGIN, 130, 205, 265, 300)
_HEADS = ("time (UTC)", "basis", "phase", "qty", "order", "amount")
_Cells = Sequence[str]


class StatementPdf:
    """Drawn from the top; the finished pages are kept compressed, so memory holds `MOST_ROWS`.

    Args:
        statement: its sums, of all entries however many are drawn.
    """

    def __init__(self, statement: Statement) -> None:
        self._buffer = io.BytesIO()
        self._canvas = Canvas(self._buffer, pagesize=A4, pageCompression=1)
        self._canvas.setTitle(f"Statement {statement.month}")
        self._statement = statement
        self._drawn = 0
        self._columns: tuple[float, ...] = _OF_SUMS
        self._heads: _Cells = ()
        self._y = 0.0
        self._begin_page()
        self._draw_sums()

    def add(self, rows: Iterable[Any]) -> bool:
        """Draw entries; False once there is room for no more."""
        if not self._drawn:
            self._begin_table(
                _OF_ENTRIES, ("time (UTC)", "basis", "phase", "qty", "order", "amount")
            )
        for row in rows:
            if self._drawn == MOST_ROWS:
                return False
            time, quantity = f"{row['entered_at']:%Y-%m-%d %H:%M}", str(row["quantity"])
            amount = f"{as_text(row['signed'], row['currency'])} {row['currency']}"
            self._draw((time, row["basis"], row["phase"], quantity, str(row["order_id"]), amount))
            self._drawn += 1
        return True

    def finish(self) -> bytes:
        """The document."""
        left = self._statement.entries - self._drawn
        if left > 0:
            self._line(f"{left:,} more entries are not listed here: the CSV has them all.")
            self._line("The sums on the first page are of all entries.")
        self._canvas.save()
        return self._buffer.getvalue()

    def _draw_sums(self) -> None:
        said = self._statement
        self._line(f"Statement {said.month}", size=16)
        self._line(f"Account {said.account_id}")
        self._line("What is owed to the account, less what it owes (negative). Times are UTC.")
        for of in said.currencies:
            self._begin_table(_OF_SUMS, (of.currency, "with", "entries", "amount"))
            self._draw(("opening", "", "", of.opening))
            for one in of.sums:
                other = "the platform" if one.account_id == OPERATOR else str(one.account_id)
                self._draw((one.basis, other, f"{one.entries:,}", one.amount))
            self._draw(("closing", "", "", of.closing))

    def _begin_page(self) -> None:
        self._y = _HEIGHT - _MARGIN
        self._canvas.setFont("Helvetica", 7)
        page = self._canvas.getPageNumber()
        self._canvas.drawRightString(
            _RIGHT, _MARGIN / 2, f"{self._statement.account_id}  {self._statement.month}  {page}"
        )

    def _begin_table(self, columns: tuple[float, ...], heads: _Cells) -> None:
        self._columns, self._heads = columns, heads
        self._step()
        self._cells(heads, bold=True)

    def _draw(self, cells: _Cells) -> None:
        if self._step():
            self._cells(self._heads, bold=True)
            self._step()
        self._cells(cells)

    def _line(self, text: str, size: int = 9) -> None:
        self._step()
        self._canvas.setFont("Helvetica", size)
        self._canvas.drawString(_MARGIN, self._y, text)

    def _cells(self, cells: _Cells, *, bold: bool = False) -> None:
        self._canvas.setFont("Helvetica-Bold" if bold else "Helvetica", 8)
        for x, cell in zip(self._columns, cells, strict=False):
            self._canvas.drawString(x, self._y, cell)
        self._canvas.drawRightString(_RIGHT, self._y, cells[-1])

    def _step(self) -> bool:
        """Go to the next line; True when it is the first of another page."""
        self._y -= _LINE
        if self._y > _MARGIN:
            return False
        self._canvas.showPage()
        self._begin_page()
        self._y -= _LINE
        return True
