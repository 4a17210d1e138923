"""Statements over HTTP: as JSON, and whole as a file."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Path
from starlette.responses import Response, StreamingResponse

from services.fulfilment.dependencies import Asking, Party
from services.fulfilment.ledger import months
from services.fulfilment.ledger.statements import statement, store
from services.fulfilment.ledger.statements.pdf import StatementPdf
from services.fulfilment.ledger.statements.statement import Statement
from shared.postgres.database import Database
from shared.runtime import Schema
from shared.web.parameters import only_known_parameters

Month = Annotated[str, Path(pattern=months.PATTERN, description="`2026-11`, in UTC.")]

router = APIRouter(
    prefix="/v1/statements", tags=["statements"], dependencies=[only_known_parameters]
)


@router.get(
    "/{month}.csv",
    summary="The entries of a month as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def get_csv(party: Asking, database: Schema, month: Month) -> StreamingResponse:
    """All that was posted and corrected, the oldest first; what was charged is negative.

    An answer that breaks off is not whole: its last chunk (RFC 9112, 7.1) is missing.
    """
    pages = store.pages(database, party.account_id, *months.period_of(month))
    # While it can still be refused.
    first = await anext(pages)
    return StreamingResponse(
        _lines(first, pages), media_type="text/csv", headers=_as_file(month, "csv")
    )


@router.get(
    "/{month}.pdf",
    summary="The statement of a month as PDF",
    response_class=Response,
    responses={
        200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
    },
)
async def get_pdf(party: Asking, database: Schema, month: Month) -> Response:
    """Its sums, and at most 5,000 of its entries; the CSV has them all."""
    drawn = await asyncio.to_thread(StatementPdf, await _statement(party, database, month))
    async for page in store.pages(database, party.account_id, *months.period_of(month)):
        # Drawing takes its time: others are answered meanwhile.
        if not await asyncio.to_thread(drawn.add, page):
            break
    return Response(
        await asyncio.to_thread(drawn.finish),
        media_type="application/pdf",
        headers=_as_file(month, "pdf"),
    )


@router.get("/{month}", summary="The statement of a month")
async def get_statement(party: Asking, database: Schema, month: Month) -> Statement:
    """Opening balance, sums by other account and basis, closing balance of each currency."""
    return await _statement(party, database, month)


async def _statement(party: Party, database: Database, month: str) -> Statement:
    since, until = months.period_of(month)
    async with database.reading() as session:
        opening = await store.opening(session, party.account_id, since)
        sums = await store.sums(session, party.account_id, since, until)
    return Statement(
        account_id=party.account_id,
        month=month,
        since=since,
        until=until,
        currencies=statement.currencies_of(
            {row["currency"]: row["amount"] for row in opening}, sums
        ),
    )


async def _lines(
    first: list[asyncpg.Record], following: AsyncIterator[list[asyncpg.Record]]
) -> AsyncIterator[str]:
    yield statement.csv_header()
    yield statement.csv_lines(first)
    async for page in following:
        yield statement.csv_lines(page)


def _as_file(month: str, extension: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="statement-{month}.{extension}"'}
