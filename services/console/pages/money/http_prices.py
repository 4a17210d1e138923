"""Price lists of an account: a 3PL's own, and those that the account is charged by."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.console.browser.signed_in import SignedIn
from services.console.dependencies import Form, Person
from services.console.http_pages import go_to
from services.console.pages.money.http import parties_of
from services.console.pages.money.http_desk import Desk

router = APIRouter(include_in_schema=False, prefix="/fees/prices")


def _desk(me: SignedIn) -> Desk:
    may_set = me.may_write and not me.is_brand
    return Desk(me, "/fees/prices", str(me.account.id), may_set, lambda: parties_of(me))


@router.get("")
async def show_lists(request: Request, me: Person, after: str = "") -> Response:
    """Newest first."""
    return await _desk(me).show_lists(request, after)


@router.get("/new")
async def show_new(request: Request, me: Person) -> Response:
    """For one brand, or for all that have none of their own."""
    if me.is_brand:
        return go_to(request, "/fees/prices")
    return await _desk(me).show_new(request)


@router.post("/new")
async def make_list(request: Request, me: Person, form: Form) -> Response:
    """A row more or less in the form, or the list."""
    return await _desk(me).make(request, form)


@router.get("/{list_id}")
async def show_list(request: Request, me: Person, list_id: UUID, after: str = "") -> Response:
    """With its versions."""
    return await _desk(me).show_list(request, list_id, after)


@router.post("/{list_id}")
async def change_list(request: Request, me: Person, form: Form, list_id: UUID) -> Response:
    """A row more or less, what it would have come to, or a new version."""
    return await _desk(me).change(request, form, list_id)
