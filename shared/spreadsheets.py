"""Lines of CSV files that spreadsheets read without running anything in them. Pure."""

import csv
import io
import re
from collections.abc import Iterable

# A spreadsheet takes what begins so for a formula (OWASP, CSV injection); numbers are none.
_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


def csv_lines(rows: Iterable[Iterable[str | None]]) -> str:
    """A line for each row; a text that looks like a formula has `'` before it."""
    text = io.StringIO()
    # Lines end with CR LF (RFC 4180).
    csv.writer(text).writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def _safe(cell: str | None) -> str:
    if not cell:
        return ""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.fullmatch(cell) else cell
