"""Fees: balances, what has no price, the statement of a month, and one entry to be corrected."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.api.problem import ApiProblem
from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Fields, Form, Person
from services.console.http_files import passed_on
from services.console.http_pages import go_to, page
from services.console.pages.money import months
from services.console.pages.money.entries import may_be_corrected, seen_by
from services.console.pages.orders.naming import names_of
from services.console.rendering.errors import NONE, Errors, errors_of
from shared.ids import OPERATOR_ACCOUNT

router = APIRouter(include_in_schema=False, prefix="/fees")
_UNPROCESSABLE = 422
_NO_MONTH = Errors.at("month", "is no month")
_ENTRIES = "/v1/ledger/entries"


async def parties_of(me: SignedIn) -> Mapping[str, str]:
    """What the accounts are called that charge each other, by id."""
    return {str(OPERATOR_ACCOUNT): "Relevo", **(await names_of(me)).parties}


@router.get("")
async def show_fees(request: Request, me: Person, after: str = "") -> Response:
    """What is owed to whom, what has no price yet, and the months."""
    return await _overview(request, me, after)


async def _overview(
    request: Request, me: SignedIn, after: str = "", errors: Errors = NONE, status: int = 200
) -> Response:
    balances, names, lacking = await asyncio.gather(
        me.get("fulfilment", "/v1/ledger/balances"),
        parties_of(me),
        me.get("fulfilment", "/v1/ledger/unpriced", limit=20, after=after),
    )
    return page(
        request,
        "money/overview.html",
        status=status,
        errors=errors,
        balances=balances["data"],
        names=names,
        lacking=lacking["data"],
        next=lacking["next"],
        after=after,
        months=months.newest(datetime.now(UTC)),
    )


@router.post("/price-again")
async def price_again(request: Request, me: Person, form: Form) -> Response:
    """What had no price is charged by the prices of now."""
    del form
    try:
        await me.send("fulfilment", "POST", "/v1/unpriced/price-again")
    except ApiProblem as problem:
        return await _overview(request, me, errors=errors_of(problem), status=problem.status)
    return go_to(request, "/fees", "priced_again")


@router.get("/statement")
async def show_statement(
    request: Request, me: Person, month: str = "", after: str = ""
) -> Response:
    """What was owed before, what came of the month, what is owed after, and each entry."""
    chosen = month or months.newest(datetime.now(UTC), 1)[0]
    if not months.is_month(chosen):
        return page(
            request, "money/statement.html", status=_UNPROCESSABLE, errors=_NO_MONTH,
            month=chosen, statement=None,
        )  # fmt: skip
    statement, names, found = await asyncio.gather(
        me.get("fulfilment", f"/v1/statements/{chosen}"),
        parties_of(me),
        me.get("fulfilment", _ENTRIES, month=chosen, after=after),
    )
    return page(
        request,
        "money/statement.html",
        month=chosen,
        statement=statement,
        is_over=datetime.fromisoformat(statement["until"]) <= datetime.now(UTC),
        names=names,
        entries=[seen_by(str(me.account.id), one) for one in found["data"]],
        next=found["next"],
        after=after,
        rest=urlencode({"month": chosen}),
    )


@router.get("/statement/file")
async def download_statement(me: Person, month: str = "", format: str = "csv") -> Response:  # noqa: A002  the name in the address
    """The same whole, as CSV or PDF."""
    file_format = "pdf" if format == "pdf" else "csv"
    chosen = month if months.is_month(month) else months.newest(datetime.now(UTC), 1)[0]
    return await passed_on(me, "fulfilment", f"/v1/statements/{chosen}.{file_format}")


@router.get("/entries/{entry_id}")
async def show_entry(request: Request, me: Person, entry_id: UUID) -> Response:
    """One entry, what was given back of it, and for who charged it the form to give back more."""
    return await _entry_page(request, me, entry_id, Fields([("key", str(uuid4()))]))


async def _entry_page(
    request: Request,
    me: SignedIn,
    entry_id: UUID,
    typed: Fields,
    errors: Errors = NONE,
    status: int = 200,
) -> Response:
    entry = await me.get("fulfilment", f"{_ENTRIES}/{entry_id}")
    of_shipment = {"shipment_id": entry["shipment_id"], "phase": "corrected", "limit": 200}
    names, corrections = await asyncio.gather(
        parties_of(me), me.get("fulfilment", _ENTRIES, **of_shipment)
    )
    account_id = str(me.account.id)
    own = [one for one in corrections["data"] if one["pending_id"] == str(entry_id)]
    return page(
        request,
        "money/entry.html",
        status=status,
        errors=errors,
        charge=seen_by(account_id, entry),
        corrections=[seen_by(account_id, one) for one in own],
        may_correct=me.may_write and may_be_corrected(account_id, entry),
        names=names,
        typed=typed,
    )


@router.post("/entries/{entry_id}/correct")
async def correct_entry(request: Request, me: Person, form: Form, entry_id: UUID) -> Response:
    """Some of a charge is given back, with a reason that the other party reads."""
    body = {"amount": form["amount"], "reason": form["reason"]}
    path = f"{_ENTRIES}/{entry_id}/correct"
    try:
        await me.send("fulfilment", "POST", path, body, key=form["key"])
    except ApiProblem as problem:
        typed = Fields([("key", str(uuid4())), *form.pairs])
        return await _entry_page(request, me, entry_id, typed, errors_of(problem), problem.status)
    return go_to(request, f"/fees/entries/{entry_id}", "corrected")
